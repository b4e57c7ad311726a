// flows: walks the workers' tables while they run, filters here, streams what is left.
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "sl_emit.h"
#include "sl_str.h"

// A step of the stream: so many records looked at, so many flows shown.
#define SCAN_STEP 16384
#define VIEW_STEP 256

struct flow_walk {
	struct daemon *d;
	unsigned worker;
	unsigned last_worker;
	uint32_t cursor;
	uint64_t limit;
	uint64_t shown;
	bool count_only;
	// filters; unset: family 0, 0, NULL, -1
	struct sl_prefix from;
	struct sl_prefix to;
	struct sl_ip endpoint;
	uint16_t endpoint_port;
	uint8_t proto;
	int state;
	char *service;
};

static bool
in_prefix(const struct sl_prefix *prefix, sl_be32 addr)
{
	const struct sl_ip ip = {.family = AF_INET, .v4 = addr};

	return prefix->addr.family == 0 || sl_prefix_contains(prefix, &ip);
}

static bool
of_service(const struct flow_walk *f, const struct sl_flow_view *v)
{
	struct sl_compile_slot slot;

	return !f->service ||
	       (sl_compile_slot(sl_control_compile(f->d->control), v->ep_slot, &slot) &&
		       strcmp(slot.host, f->service) == 0);
}

static bool
wanted(const struct flow_walk *f, const struct sl_flow_view *v)
{
	const struct sl_tuple *client = &v->tuple[SL_DIR_CLIENT];
	const struct sl_tuple *endpoint = &v->tuple[SL_DIR_ENDPOINT];

	if (f->proto && client->proto != f->proto)
		return false;
	if (f->state >= 0 && v->state != f->state)
		return false;
	if (!in_prefix(&f->from, client->src) || !in_prefix(&f->to, client->dst))
		return false;
	if (f->endpoint.family && f->endpoint.v4 != endpoint->src)
		return false;
	if (f->endpoint_port && sl_cpu_to_be16(f->endpoint_port) != endpoint->sport)
		return false;
	return of_service(f, v);
}

static void
emit_side(struct sl_emit *e, const char *key, sl_be32 addr, sl_be16 port)
{
	char text[SL_IP_STRLEN];

	sl_emit_strf(e, key, "%s:%u", sl_ip4_str(addr, text), sl_be16_to_cpu(port));
}

static uint64_t
seconds(sl_tick ticks)
{
	return ((uint64_t)ticks << SL_FLOW_TICK_SHIFT) / SL_NSEC_PER_SEC;
}

static void
emit_flow(const struct flow_walk *f, const struct sl_flow_view *v, sl_tick now, struct sl_emit *e)
{
	const struct sl_tuple *client = &v->tuple[SL_DIR_CLIENT];
	const struct sl_tuple *endpoint = &v->tuple[SL_DIR_ENDPOINT];
	struct sl_compile_slot slot;
	const bool known = sl_compile_slot(sl_control_compile(f->d->control), v->ep_slot, &slot);

	sl_emit_u64(e, "worker", f->worker);
	sl_emit_str(e, "proto", client->proto == SL_PROTO_TCP ? "tcp" : "udp");
	sl_emit_str(e, "state", sl_flow_state_name(v->state));
	emit_side(e, "client", client->src, client->sport);
	emit_side(e, "vip", client->dst, client->dport);
	emit_side(e, "source", endpoint->dst, endpoint->dport);
	emit_side(e, "endpoint", endpoint->src, endpoint->sport);
	sl_emit_str(e, "namespace", known ? slot.namespace_ : NULL);
	sl_emit_str(e, "host", known ? slot.host : NULL);
	// The worker may have touched it since `now` was read.
	sl_emit_u64(e, "ageSeconds", seconds(now > v->created ? now - v->created : 0));
	sl_emit_u64(e, "idleSeconds", seconds(now > v->last_seen ? now - v->last_seen : 0));
	sl_emit_u64(e, "packetsOut", v->pkts[SL_DIR_CLIENT]);
	sl_emit_u64(e, "bytesOut", v->bytes[SL_DIR_CLIENT]);
	sl_emit_u64(e, "packetsIn", v->pkts[SL_DIR_ENDPOINT]);
	sl_emit_u64(e, "bytesIn", v->bytes[SL_DIR_ENDPOINT]);
}

static void
show(struct flow_walk *f, struct sl_ctl_req *req, const struct sl_flow_view *v, unsigned n,
	sl_tick now)
{
	for (unsigned i = 0; i < n && f->shown < f->limit; i++) {
		if (!wanted(f, &v[i]))
			continue;
		f->shown++;
		if (f->count_only)
			continue;
		emit_flow(f, &v[i], now, sl_ctl_row(req));
		sl_ctl_row_end(req);
	}
}

static int
finish(const struct flow_walk *f, struct sl_ctl_req *req)
{
	if (f->count_only) {
		sl_emit_u64(sl_ctl_row(req), "count", f->shown);
		sl_ctl_row_end(req);
	}
	return 0;
}

static int
next_flows(void *state, struct sl_ctl_req *req)
{
	struct flow_walk *f = state;
	const struct sl_worker *w = f->d->worker[f->worker].worker;
	const struct sl_flow_table *table = sl_worker_flows(w);
	struct sl_flow_view views[VIEW_STEP];
	const unsigned n = sl_flow_walk(table, &f->cursor, views, VIEW_STEP, SCAN_STEP);

	show(f, req, views, n, sl_flow_tick(table, sl_worker_now_ns(w)));
	if (f->shown >= f->limit)
		return finish(f, req);
	if (f->cursor != UINT32_MAX)
		return 1;
	f->cursor = 0;
	return f->worker++ == f->last_worker ? finish(f, req) : 1;
}

static void
walk_free(void *state)
{
	struct flow_walk *f = state;

	free(f->service);
	free(f);
}

// IP or IP:PORT, checked by the command table.
static void
parse_endpoint(struct flow_walk *f, const char *text)
{
	char addr[SL_IP_STRLEN];
	const char *colon = strrchr(text, ':');
	uint64_t port;

	if (sl_ip_parse(text, &f->endpoint) == 0)
		return;
	if (!colon || (size_t)(colon - text) >= sizeof(addr))
		return;
	memcpy(addr, text, (size_t)(colon - text));
	addr[colon - text] = '\0';
	if (sl_ip_parse(addr, &f->endpoint) == 0 && sl_str_u64(colon + 1, &port) == 0)
		f->endpoint_port = (uint16_t)port;
}

static int
parse_state(const char *text)
{
	for (int s = SL_FLOW_FREE + 1; text && s < SL_FLOW_STATE_MAX; s++)
		if (strcmp(sl_flow_state_name((enum sl_flow_state)s), text) == 0)
			return s;
	return -1;
}

static void
parse_filters(struct flow_walk *f, const struct sl_ctl_req *req)
{
	const char *text = sl_ctl_arg(req, "proto");

	if (text)
		f->proto = strcmp(text, "tcp") == 0 ? SL_PROTO_TCP : SL_PROTO_UDP;
	text = sl_ctl_arg(req, "from");
	if (text)
		sl_prefix_parse(text, &f->from);
	text = sl_ctl_arg(req, "to");
	if (text)
		sl_prefix_parse(text, &f->to);
	text = sl_ctl_arg(req, "endpoint");
	if (text)
		parse_endpoint(f, text);
	f->state = parse_state(sl_ctl_arg(req, "state"));
	f->service = sl_xstrdup(sl_ctl_arg(req, "service"));
	f->limit = sl_ctl_arg_u64(req, "limit", UINT64_MAX);
	f->count_only = sl_ctl_flag(req, "count");
}

void
daemon_cmd_flows(void *ctx, struct sl_ctl_req *req)
{
	struct daemon *d = ctx;
	struct flow_walk *f;
	unsigned worker;
	bool one;

	if (!daemon_pick_worker(d, req, &one, &worker))
		return;
	f = sl_xcalloc(1, sizeof(*f));
	f->d = d;
	f->worker = one ? worker : 0;
	f->last_worker = one ? worker : d->n_workers - 1;
	parse_filters(f, req);
	sl_ctl_stream(req, next_flows, f, walk_free);
}
