#include "lab.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void
on_version(void *ctx, struct sl_ctl_req *req)
{
	sl_emit_str(sl_ctl_row(req), "component", "daemon");
	sl_ctl_row_end(req);
	sl_ctl_done(req);
}

// Says what it got: a row per input, and a diagnostic.
static void
on_apply(void *ctx, struct sl_ctl_req *req)
{
	struct sl_diags diags = {0};
	const struct sl_loc loc = {"a.yaml", 3, 5};
	const char *name, *text;
	size_t len;

	for (size_t i = 0; sl_ctl_input(req, i, &name, &text, &len); i++) {
		struct sl_emit *e = sl_ctl_row(req);

		sl_emit_str(e, "name", name);
		sl_emit_u64(e, "len", len);
		sl_emit_bool(e, "nul", text[len] == '\0');
		sl_ctl_row_end(req);
	}
	sl_diag_add(&diags, SL_WARNING, &loc, "ServiceEntry default/web", "spec", NULL, "odd");
	sl_ctl_diags(req, &diags);
	sl_diags_fini(&diags);
	sl_ctl_text(req, "saw \"%s\"", "it");
	sl_ctl_fail(req, 1, "%d invalid", 1);
}

static void
on_get(void *ctx, struct sl_ctl_req *req)
{
	struct sl_emit *e = sl_ctl_row(req);

	sl_emit_str(e, "kind", sl_ctl_arg(req, "kind"));
	sl_emit_str(e, "name", sl_ctl_arg(req, "name"));
	sl_ctl_row_end(req);
	sl_ctl_done(req);
}

static void
on_delete(void *ctx, struct sl_ctl_req *req)
{
	const char *name;

	for (size_t i = 0; (name = sl_ctl_arg_at(req, "name", i)); i++)
		sl_ctl_text(req, "%s", name);
	sl_ctl_text(req, "%d", sl_ctl_flag(req, "ignore-not-found"));
	sl_ctl_done(req);
}

static void
aborted(void *arg)
{
	struct lab *lab = arg;

	lab->aborted++;
	lab->deferred = NULL;
}

static void
on_reload(void *ctx, struct sl_ctl_req *req)
{
	struct lab *lab = ctx;

	lab->deferred = req;
	sl_ctl_defer(req, aborted, lab);
}

// Much at once, without a stream.
static void
on_ports(void *ctx, struct sl_ctl_req *req)
{
	for (int i = 0; i < 2000; i++) {
		sl_emit_strf(sl_ctl_row(req), "name", "%090d", i);
		sl_ctl_row_end(req);
	}
	sl_ctl_done(req);
}

static int
next_rows(void *state, struct sl_ctl_req *req)
{
	struct lab *lab = state;

	for (int i = 0; i < 64 && lab->rows_made < lab->rows_wanted; i++) {
		sl_emit_u64(sl_ctl_row(req), "n", lab->rows_made++);
		sl_ctl_row_end(req);
	}
	return lab->rows_made < lab->rows_wanted;
}

static int
next_fails(void *state, struct sl_ctl_req *req)
{
	sl_ctl_fail(req, 1, "in the middle");
	return -1;
}

static void
freed(void *state)
{
	((struct lab *)state)->freed++;
}

static void
on_flows(void *ctx, struct sl_ctl_req *req)
{
	struct lab *lab = ctx;

	lab->rows_made = 0;
	lab->rows_wanted = sl_ctl_arg_u64(req, "limit", 3);
	sl_ctl_stream(req, sl_ctl_flag(req, "count") ? next_fails : next_rows, lab, freed);
}

static void
on_workers(void *ctx, struct sl_ctl_req *req)
{
	const struct sl_ctl_peer *peer = sl_ctl_peer(req);
	struct sl_emit *e = sl_ctl_row_value(req);

	sl_emit_obj(e, NULL);
	sl_emit_bool(
		e, "peer", peer->pid == getpid() && peer->uid == getuid() && peer->gid == getgid());
	sl_emit_end(e);
	sl_ctl_row_end(req);
	sl_ctl_done(req);
}

struct sl_ctl_cfg
lab_cfg(struct lab *lab)
{
	return (struct sl_ctl_cfg){
		.path = lab->path,
		.log = &lab->log,
		.ctx = lab,
		.handlers =
			{
				[SL_CTL_VERSION] = on_version,
				[SL_CTL_APPLY] = on_apply,
				[SL_CTL_GET] = on_get,
				[SL_CTL_DELETE] = on_delete,
				[SL_CTL_RELOAD] = on_reload,
				[SL_CTL_PORTS] = on_ports,
				[SL_CTL_FLOWS] = on_flows,
				[SL_CTL_WORKERS] = on_workers,
			},
	};
}

void
lab_up(struct lab *lab, const struct sl_ctl_limits *limits)
{
	struct sl_ctl_cfg cfg;
	char *why = NULL;

	*lab = (struct lab){.dir = "/tmp/sl_ctl_testXXXXXX"};
	if (!mkdtemp(lab->dir))
		abort();
	snprintf(lab->path, sizeof(lab->path), "%s/run/control.sock", lab->dir);
	lab->log_fd = memfd_create("log", 0);
	sl_log_init(&lab->log, lab->log_fd, SL_LOG_TEXT, SL_LOG_NOTICE);
	lab->base = event_base_new();
	cfg = lab_cfg(lab);
	if (limits)
		cfg.limits = *limits;
	lab->ctl = sl_ctl_listen(lab->base, &cfg, &why);
	if (!lab->ctl) {
		printf("# %s\n", why);
		abort();
	}
}

void
lab_down(struct lab *lab)
{
	char run[80];

	sl_ctl_free(lab->ctl);
	event_base_free(lab->base);
	close(lab->log_fd);
	snprintf(run, sizeof(run), "%s/run", lab->dir);
	// Both are empty when the socket and what it was made in are gone.
	if (rmdir(run) < 0 || rmdir(lab->dir) < 0)
		abort();
}

void
turn(struct lab *lab)
{
	for (int i = 0; i < 50; i++)
		event_base_loop(lab->base, EVLOOP_NONBLOCK);
}

int
dial(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void
say(struct lab *lab, int fd, const char *text, size_t len)
{
	while (len > 0) {
		const ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
		event_base_loop(lab->base, EVLOOP_NONBLOCK);
	}
}

bool
hear(struct lab *lab, int fd, struct sl_buf *out)
{
	char bytes[65536];

	for (;;) {
		turn(lab);
		const ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return true;
		if (n < 0)
			return false;
		sl_buf_put(out, bytes, (size_t)n);
	}
}
