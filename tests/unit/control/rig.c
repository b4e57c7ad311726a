#include "rig.h"

#include <ftw.h>
#include <jansson.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sl_str.h"

static bool
no_ask(void *ctx, uint16_t *port, sl_be32 *addr)
{
	return false;
}

static bool
up(void *ctx, uint16_t port)
{
	return true;
}

static uint64_t
now_ns(void *ctx)
{
	const struct rig *r = ctx;

	return r->now_ns;
}

static void
slot_load(void *ctx, uint32_t slot, uint64_t *active, uint64_t *total)
{
	const struct rig *r = ctx;

	*active = *total = r->flows;
}

static bool
reset_slot(void *ctx, uint32_t slot)
{
	struct rig *r = ctx;

	if (r->mailbox_full || r->n_resets == RIG_RESETS)
		return false;
	r->reset[r->n_resets++] = slot;
	return true;
}

static void
handle(void *ctx, struct sl_ctl_req *req)
{
	struct rig *r = ctx;

	sl_control_handle(r->control, req);
}

void
rig_write(const struct rig *r, const char *name, const char *text)
{
	char *path = sl_xasprintf("%s/%s", r->dir, name);
	FILE *f = fopen(path, "w");

	if (f) {
		fputs(text, f);
		fclose(f);
	}
	free(path);
}

int
rig_start(struct rig *r)
{
	struct sl_control_cfg cfg = {.next_ask = no_ask,
		.link_up = up,
		.now_ns = now_ns,
		.slot_load = slot_load,
		.reset_slot = reset_slot,
		.seed = 1,
		.core = -1,
		.dns_ask = r->dns_ask,
		.ctx = r};
	struct sl_ctl_cfg ctl = {.ctx = r};
	char *path = sl_xasprintf("%s/sluice.yaml", r->dir), *why = NULL;
	struct sl_diags diags = {0};

	cfg.conf = sl_conf_read(path, &diags);
	free(path);
	RTE_TEST_ASSERT_NOT_NULL(cfg.conf, "sluice.yaml: %s", diags.n ? diags.v[0].message : "?");
	sl_diags_fini(&diags);
	sl_log_init(&r->log, -1, SL_LOG_TEXT, SL_LOG_ERR);
	cfg.log = ctl.log = &r->log;
	cfg.base = r->base = event_base_new();
	cfg.rcu = r->rcu = sl_rcu_new(1);
	cfg.host = r->host = sl_host_new(NULL, &why);
	cfg.ask_fd = r->ask_fd = eventfd(0, EFD_NONBLOCK);
	RTE_TEST_ASSERT(r->base && r->rcu && r->host, "parts: %s", why ? why : "?");
	r->control = sl_control_new(&cfg, &why);
	RTE_TEST_ASSERT_NOT_NULL(r->control, "%s", why);
	ctl.path = sl_control_conf(r->control)->socket_path;
	for (int c = 0; c < SL_CTL_CMD_MAX; c++)
		ctl.handlers[c] = handle;
	r->ctl = sl_ctl_listen(r->base, &ctl, &why);
	RTE_TEST_ASSERT_NOT_NULL(r->ctl, "%s", why);
	return TEST_SUCCESS;
}

void
rig_stop(struct rig *r)
{
	sl_ctl_free(r->ctl);
	sl_control_free(r->control);
	sl_host_free(r->host);
	sl_rcu_free(r->rcu);
	event_base_free(r->base);
	close(r->ask_fd);
}

int
rig_new(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->now_ns = 1;
	strcpy(r->dir, "/tmp/sluice-control-XXXXXX");
	RTE_TEST_ASSERT_NOT_NULL(mkdtemp(r->dir), "mkdtemp");
	rig_write(r, "sluice.yaml", RIG_YAML);
	char *path = sl_xasprintf("%s/objects", r->dir);
	mkdir(path, 0755);
	free(path);
	return TEST_SUCCESS;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void
rig_free(struct rig *r)
{
	rig_stop(r);
	nftw(r->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

// ---- a client: one request, all its answer ----

struct call {
	char path[128];
	char *request;
	struct sl_buf answer;
	struct event_base *base;
};

static void *
client(void *arg)
{
	struct call *c = arg;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char part[4096];
	ssize_t n;

	strcpy(addr.sun_path, c->path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
		write(fd, c->request, strlen(c->request)) > 0) {
		while ((n = read(fd, part, sizeof(part))) > 0) {
			sl_buf_put(&c->answer, part, (size_t)n);
			if (strstr(c->answer.data, "{\"end\":"))
				break;
		}
	}
	close(fd);
	event_base_loopbreak(c->base);
	return NULL;
}

static void
tick(evutil_socket_t fd, short what, void *arg)
{
}

// The answer to a request as text, in a buffer that lives until the next call.
const char *
rig_ask(struct rig *r, const char *command, const char *args, const char *yaml)
{
	static struct call c;
	static const struct timeval often = {.tv_usec = 1000};
	json_t *req = json_pack("{s:s}", "command", command);
	struct event *ev = event_new(r->base, -1, EV_PERSIST, tick, NULL);
	pthread_t thread;

	sl_buf_fini(&c.answer);
	c.base = r->base;
	snprintf(c.path, sizeof(c.path), "%s", sl_control_conf(r->control)->socket_path);
	if (args)
		json_object_set_new(req, "args", json_loads(args, 0, NULL));
	if (yaml)
		json_object_set_new(
			req, "input", json_pack("[{s:s,s:s}]", "name", "t.yaml", "text", yaml));
	char *text = json_dumps(req, JSON_COMPACT);
	c.request = sl_xasprintf("%s\n", text);
	free(text);
	json_decref(req);
	event_add(ev, &often); // so that loopbreak from the other thread is seen
	pthread_create(&thread, NULL, client, &c);
	event_base_dispatch(r->base);
	pthread_join(thread, NULL);
	event_free(ev);
	free(c.request);
	return c.answer.data ? c.answer.data : "";
}

bool
rig_wait(struct rig *r, bool (*done)(void *ctx), void *ctx)
{
	static const struct timeval often = {.tv_usec = 1000};
	struct event *ev = event_new(r->base, -1, EV_PERSIST, tick, NULL);
	bool is_done = done(ctx);

	event_add(ev, &often);
	for (int i = 0; i < 2000 && !is_done; i++) {
		event_base_loop(r->base, EVLOOP_ONCE);
		is_done = done(ctx);
	}
	event_free(ev);
	return is_done;
}
