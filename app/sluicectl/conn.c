#include "conn.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sl_emit.h"
#include "sl_str.h"

#define DEFAULT_PATH "/run/sluice/control.sock"
#define READ_BYTES   (64u << 10)

// ---- the connection ----

// Who may: the group that the socket belongs to.
static void
say_forbidden(const char *path, struct sl_buf *why)
{
	const struct group *group = NULL;
	struct stat st;

	sl_buf_printf(why, "no permission on the control socket %s; ", path);
	if (stat(path, &st) == 0 && (st.st_mode & S_IWGRP) && st.st_gid != 0)
		group = getgrgid(st.st_gid);
	if (group)
		sl_buf_printf(why,
			"members of the group %s have it (`usermod -aG %s USER`, then log "
			"in again), and root",
			group->gr_name, group->gr_name);
	else
		sl_buf_puts(why, "try it as root, or set control.group in sluice.yaml");
}

static void
say_why(const char *path, int error, struct sl_buf *why)
{
	switch (error) {
	case ENOENT:
		sl_buf_printf(why,
			"there is no control socket %s: is sluice running (`systemctl status "
			"sluice`)? "
			"-s PATH names another socket",
			path);
		break;
	case ECONNREFUSED:
		sl_buf_printf(why,
			"nobody answers on the control socket %s: sluice has ended "
			"(`systemctl status sluice`)",
			path);
		break;
	case EACCES:
	case EPERM:
		say_forbidden(path, why);
		break;
	default:
		sl_buf_printf(why, "control socket %s: %s", path, strerror(error));
	}
}

int
conn_open(struct conn *c, const char *path, struct sl_buf *why)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const char *env = getenv("SLUICE_SOCKET");
	int rc = 0;

	*c = (struct conn){.fd = -1};
	c->path = path ? path : env && *env ? env : DEFAULT_PATH;
	if (strlen(c->path) >= sizeof(addr.sun_path)) {
		say_why(c->path, ENAMETOOLONG, why);
		return -ENAMETOOLONG;
	}
	memcpy(addr.sun_path, c->path, strlen(c->path) + 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		rc = -errno;
		say_why(c->path, errno, why);
		conn_close(c);
	}
	return rc;
}

void
conn_close(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	sl_buf_fini(&c->in);
	c->at = 0;
}

// ---- the request ----

static void
put_arg(struct sl_emit *e, const struct args *args, const struct sl_ctl_param *param)
{
	const char *value;

	if (!args_get(args, param->name, 0))
		return;
	if (param->need != SL_CTL_MANY) {
		sl_emit_str(e, param->name, args_get(args, param->name, 0));
		return;
	}
	sl_emit_arr(e, param->name);
	for (size_t i = 0; (value = args_get(args, param->name, i)); i++)
		sl_emit_str(e, NULL, value);
	sl_emit_end(e);
}

void
conn_request(struct sl_buf *out, const struct args *args, const struct conn_input *input,
	size_t n_inputs)
{
	const struct sl_ctl_param *param = NULL;
	struct sl_emit e;

	sl_emit_init(&e, out);
	sl_emit_obj(&e, NULL);
	sl_emit_str(&e, "command", sl_ctl_command(args->cmd)->name);
	sl_emit_obj(&e, "args");
	while ((param = sl_ctl_param_next(args->cmd, param)))
		put_arg(&e, args, param);
	sl_emit_end(&e);
	if (n_inputs > 0) {
		sl_emit_arr(&e, "input");
		for (size_t i = 0; i < n_inputs; i++) {
			sl_emit_obj(&e, NULL);
			sl_emit_str(&e, "name", input[i].name);
			sl_emit_str(&e, "text", input[i].text);
			sl_emit_end(&e);
		}
		sl_emit_end(&e);
	}
	sl_emit_end(&e);
	sl_buf_putc(out, '\n');
}

int
conn_send(struct conn *c, const struct sl_buf *request, struct sl_buf *why)
{
	size_t sent = 0;

	while (sent < request->len) {
		const ssize_t n =
			send(c->fd, request->data + sent, request->len - sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		// Turned away: why stands in what the daemon sent before it hung up.
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return 0;
		if (n < 0) {
			const int rc = -errno;

			say_why(c->path, errno, why);
			return rc;
		}
		sent += (size_t)n;
	}
	return 0;
}

// ---- the answer ----

// One line, without its newline. Returns -EPIPE when the daemon hung up.
static int
read_line(struct conn *c, const char **line, size_t *len)
{
	size_t scanned = c->at;

	for (;;) {
		const char *newline = c->in.len > scanned ? memchr(c->in.data + scanned, '\n',
								    c->in.len - scanned)
							  : NULL;
		char bytes[READ_BYTES];
		ssize_t n;

		if (newline) {
			*line = c->in.data + c->at;
			*len = (size_t)(newline - *line);
			c->at += *len + 1;
			return 0;
		}
		// What was taken goes before more comes in.
		c->in.len -= c->at;
		if (c->in.len > 0)
			memmove(c->in.data, c->in.data + c->at, c->in.len);
		c->at = 0;
		scanned = c->in.len;
		do
			n = recv(c->fd, bytes, sizeof(bytes), 0);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			return -EPIPE;
		sl_buf_put(&c->in, bytes, (size_t)n);
	}
}

static int
broken(struct sl_buf *why)
{
	sl_buf_puts(why,
		"the daemon's answer is not understood: are sluice and sluicectl of the same "
		"version?");
	return -EPROTO;
}

int
conn_next(struct conn *c, struct conn_answer *a, struct sl_buf *why)
{
	static const char *const keys[] = {
		[CONN_ROW] = "row", [CONN_DIAG] = "diag", [CONN_TEXT] = "text", [CONN_END] = "end"};
	const char *line;
	size_t len;

	conn_answer_fini(a);
	if (read_line(c, &line, &len) < 0) {
		sl_buf_puts(why, "the connection to sluice was lost before the end of its answer");
		return -EPIPE;
	}
	for (a->line = CONN_ROW; a->line <= CONN_END; a->line++) {
		const size_t key_len = strlen(keys[a->line]);

		if (len < key_len + 5 || strncmp(line, "{\"", 2) != 0 ||
			strncmp(line + 2, keys[a->line], key_len) != 0 ||
			strncmp(line + 2 + key_len, "\":", 2) != 0 || line[len - 1] != '}')
			continue;
		a->raw = line + key_len + 4;
		a->raw_len = len - key_len - 5;
		if (a->line == CONN_ROW)
			return 0;
		a->root = json_loadb(line, len, 0, NULL);
		a->value = json_object_get(a->root, keys[a->line]);
		return a->value ? 0 : broken(why);
	}
	return broken(why);
}

void
conn_answer_fini(struct conn_answer *a)
{
	json_decref(a->root);
	*a = (struct conn_answer){0};
}
