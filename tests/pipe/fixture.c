#include "fixture.h"

#include <stdlib.h>

static const struct sl_mac port_mac[2] = {{{MAC_PORT0}}, {{MAC_PORT1}}};

static void *
mem_alloc(void *ctx, size_t bytes)
{
	const size_t whole = (bytes + SL_CACHE_LINE - 1) / SL_CACHE_LINE * SL_CACHE_LINE;
	void *p = aligned_alloc(SL_CACHE_LINE, whole);

	return p ? memset(p, 0, whole) : NULL;
}

static void
mem_free(void *ctx, void *p)
{
	free(p);
}

static const struct sl_flow_mem mem = {.alloc = mem_alloc, .free = mem_free};

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fixture: %s\n", what);
	abort();
}

// ---- the snapshot ----

static struct sl_fwd_net *
net(const struct fixture *fx)
{
	const struct sl_fwd_route routes[] = {
		{.dst = htonl(IP4(198, 51, 100, 0)), .len = 24, .port = 0},
		{.dst = htonl(IP4(192, 0, 2, 0)), .len = 24, .port = 1},
		{.dst = htonl(IP4(198, 18, 0, 0)),
			.len = 16,
			.port = 0,
			.gateway = htonl(IP4(198, 51, 100, 254))},
		{.dst = htonl(IP4(198, 18, 100, 0)),
			.len = 24,
			.port = 0,
			.gateway = htonl(EP_NEW)},
		{.dst = htonl(IP4(198, 18, 200, 0)), .len = 24, .unreachable = 1},
		{.dst = htonl(IP4(198, 19, 0, 0)), .len = 16, .port = 1, .gateway = htonl(GATEWAY)},
		{.dst = 0, .len = 0, .port = 1, .gateway = htonl(GATEWAY)},
	};
	const struct sl_fwd_addr addrs[] = {
		{htonl(VIP), SL_ADDR_VIP},
		{htonl(VIP2), SL_ADDR_VIP},
		{htonl(VIP_E), SL_ADDR_VIP},
		{htonl(LOCAL), SL_ADDR_LOCAL},
		{htonl(LOCAL), SL_ADDR_VIP},
		{htonl(LOCAL1), SL_ADDR_LOCAL | SL_ADDR_POOL},
		{htonl(POOL), SL_ADDR_POOL},
		{htonl(POOL_VIP), SL_ADDR_POOL | SL_ADDR_VIP},
	};
	const struct sl_fwd_net_spec spec = {
		.route = routes,
		.n_routes = SL_ARRAY_LEN(routes) - !fx->default_route,
		.adj = fx->adj,
		.n_adjs = N_ADJS,
		.addr = addrs,
		.n_addrs = SL_ARRAY_LEN(addrs),
		.gen = fx->route_gen,
	};

	return sl_fwd_net_new(&spec);
}

static uint32_t
ticks(uint32_t seconds)
{
	return (uint32_t)(SEC(seconds) >> SL_FLOW_TICK_SHIFT);
}

static struct sl_fwd_params
params(const struct fixture_opt *opt)
{
	return (struct sl_fwd_params){
		.max_half_open = opt->max_half_open,
		.max_unanswered = opt->max_unanswered,
		.source_rate = opt->source_rate,
		.source_burst = opt->source_burst,
		.timeout[SL_FLOW_UDP] = ticks(TO_UDP),
		.timeout[SL_FLOW_SYN_SENT] = ticks(TO_HANDSHAKE),
		.timeout[SL_FLOW_SYN_RECV] = ticks(TO_HANDSHAKE),
		.timeout[SL_FLOW_ESTABLISHED] = ticks(TO_ESTABLISHED),
		.timeout[SL_FLOW_FIN_CLIENT] = ticks(TO_FIN),
		.timeout[SL_FLOW_FIN_ENDPOINT] = ticks(TO_FIN),
		.timeout[SL_FLOW_CLOSING] =
			opt->closing_never_ends ? UINT32_MAX : ticks(TO_CLOSING),
		.timeout[SL_FLOW_RESET] = opt->closing_never_ends ? UINT32_MAX : ticks(TO_CLOSING),
		.deny = (uint8_t)opt->deny,
		.reply_rate = opt->no_replies   ? 0
			      : opt->reply_rate ? opt->reply_rate
						: 1000,
	};
}

void
fixture_publish(struct fixture *fx)
{
	const struct sl_fwd_params limits = params(&fx->opt);
	const struct sl_flow_policy policy = {.idle = ticks(fx->opt.idle_s),
		.max_age = ticks(fx->opt.max_age_s),
		.connect = ticks(fx->opt.connect_s)};
	struct sl_fwd *old = fx->fwd;
	struct sl_fwd_services *s =
		fx->no_services ? sl_fwd_services_new(1) : fixture_services(fx->name);

	must(sl_fwd_services_seal(s) == 0, "seal");
	fx->fwd = sl_fwd_new(&(struct sl_fwd){.generation = ++fx->generation,
		.services = s,
		.net = net(fx),
		.clients = fixture_clients(),
		.unknown = fx->allow_any ? fixture_original_dst() : NULL,
		.policies = sl_fwd_policies_new(&policy, 1),
		.params = limits});
	must(fx->fwd && fx->fwd->net, "snapshot");
	sl_fwd_free(old);
}

// ---- the box ----

static void
on_ask(void *ctx, uint16_t port, sl_be32 addr)
{
	struct fixture *fx = ctx;

	fx->asked++;
	fx->ask = (struct sl_fwd_hop){.port = port, .addr = ntohl(addr)};
}

static void
buf_get(struct fixture *fx, const struct frame *f, struct sl_pkt *pkt)
{
	struct buf *b = fx->buf;

	while (b->used)
		must(++b < fx->buf + N_BUFS, "out of buffers");
	if (!b->g.map)
		guarded_new(&b->g, BUF_BYTES);
	b->used = true;
	*pkt = (struct sl_pkt){
		.data = guarded_at(&b->g, f->room),
		.data_len = f->data_len,
		.frame_len = f->len,
		.room = f->room,
		.in_port = (uint16_t)f->port,
		.verdict = UINT8_MAX,
		.buf = b,
	};
	memcpy(pkt->data, f->bytes, f->data_len);
}

static bool
on_frame_new(void *ctx, struct sl_pkt *pkt)
{
	struct fixture *fx = ctx;
	const struct frame f = {.room = SL_PIPE_NEW_ROOM};

	if (fx->no_frames)
		return false;
	buf_get(fx, &f, pkt);
	return true;
}

static void
worker_init(struct fixture *fx, unsigned i)
{
	const struct fixture_opt *opt = &fx->opt;
	struct worker *w = &fx->worker[i];
	const struct sl_sport_range range = {
		.first = opt->sport_first ? opt->sport_first : 1024,
		.last = opt->sport_last ? opt->sport_last : 3071,
		.reserve = opt->reserve,
	};
	const sl_be32 pool[2] = {htonl(POOL), htonl(POOL + 1)};

	w->flows = sl_flow_table_new(opt->capacity ? opt->capacity : 1024, fx->now, &mem);
	must(w->flows, "flow table");
	w->sports = sl_sport_new(
		pool, opt->n_pool ? opt->n_pool : 1, &range, i, &fx->owner, w->flows, &mem);
	must(w->sports, "source ports");
	const struct sl_pipe_cfg cfg = {
		.worker = i,
		.owner = &fx->owner,
		.flows = w->flows,
		.sports = w->sports,
		.load = w->load,
		.n_slots = N_SLOTS,
		.stats = &w->stats,
		.port_mac = port_mac,
		.n_ports = SL_ARRAY_LEN(port_mac),
		.seed = 12345 + i,
		.hold_total = opt->hold_none    ? 0
			      : opt->hold_total ? opt->hold_total
						: 256,
		.hold_per_hop = opt->hold_per_hop,
		.hold_ns = opt->hold_ns,
		.park_total = opt->park_total,
		.park_ns = opt->park_ns,
		.ask = on_ask,
		.syns = opt->syns,
		.frame_new = on_frame_new,
		.ctx = fx,
	};
	w->pipe = sl_pipe_new(&cfg);
	must(w->pipe, "pipe");
}

static struct sl_fwd_adj
adjacency(unsigned port, uint32_t addr, enum sl_adj_state state, const uint8_t mac[6])
{
	struct sl_fwd_adj a = {
		.src = port_mac[port], .port = (uint16_t)port, .state = state, .addr = htonl(addr)};

	memcpy(a.dst.b, mac, 6);
	return a;
}

static void
adjacencies(struct fixture *fx)
{
	static const uint8_t client[6] = {MAC_CLIENT}, gw[6] = {MAC_CLIENT_GW}, ep1[6] = {MAC_EP1},
			     ep2[6] = {MAC_EP2}, udp[6] = {MAC_EP_UDP}, none[6] = {0};

	fx->adj[ADJ_CLIENT] = adjacency(0, CLIENT, SL_ADJ_OK, client);
	fx->adj[ADJ_CLIENT_GW] = adjacency(0, IP4(198, 51, 100, 254), SL_ADJ_OK, gw);
	fx->adj[ADJ_EP1] = adjacency(1, EP1, SL_ADJ_OK, ep1);
	fx->adj[ADJ_EP2] = adjacency(1, EP2, SL_ADJ_OK, ep2);
	fx->adj[ADJ_EP_UDP] = adjacency(1, EP_UDP, SL_ADJ_OK, udp);
	fx->adj[ADJ_GATEWAY] = adjacency(1, GATEWAY, SL_ADJ_UNRESOLVED, none);
	fx->adj[ADJ_FAILED] = adjacency(1, EP_FAILED, SL_ADJ_FAILED, none);
	fx->adj[ADJ_CLIENT2] = adjacency(0, CLIENT2, SL_ADJ_UNRESOLVED, none);
}

// The low bits of ports make a difference to the lowest bit of the hash.
const uint8_t *
fixture_rss_key(void)
{
	static const uint8_t key[SL_OWNER_KEY_BYTES] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e,
		0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0};

	return key;
}

static void
share_out(struct fixture *fx)
{
	const struct fixture_opt *opt = &fx->opt;

	if (opt->n_entries == 0)
		sl_owner_by_port(&fx->owner, opt->n_workers);
	else
		must(sl_owner_by_hash(
			     &fx->owner, opt->n_workers, fixture_rss_key(), opt->n_entries) == 0,
			"a key that spreads");
}

struct fixture *
fixture_new(const struct fixture_opt *opt)
{
	struct fixture *fx = aligned_alloc(SL_CACHE_LINE, sizeof(*fx));

	must(fx, "memory");
	memset(fx, 0, sizeof(*fx));
	if (opt)
		fx->opt = *opt;
	if (fx->opt.n_workers == 0)
		fx->opt.n_workers = 1;
	share_out(fx);
	fx->now = SEC(1000);
	adjacencies(fx);
	fixture_publish(fx);
	for (unsigned i = 0; i < fx->opt.n_workers; i++)
		worker_init(fx, i);
	return fx;
}

void
fixture_free(struct fixture *fx)
{
	while (fixture_drain(fx, NULL, SL_BURST) > 0) {
	}
	for (unsigned i = 0; i < fx->opt.n_workers; i++) {
		sl_pipe_free(fx->worker[i].pipe);
		sl_sport_free(fx->worker[i].sports);
		sl_flow_table_free(fx->worker[i].flows);
	}
	for (unsigned i = 0; i < N_BUFS; i++)
		if (fx->buf[i].g.map)
			guarded_free(&fx->buf[i].g);
	sl_fwd_free(fx->fwd);
	free(fx);
}

// ---- frames in ----

static const uint8_t *
or_default(const uint8_t mac[6], const uint8_t usual[6])
{
	static const uint8_t zero[6];

	return memcmp(mac, zero, 6) == 0 ? usual : mac;
}

void
fixture_frame(const struct fixture *fx, struct frame *f, const struct packet *packet, unsigned port)
{
	static const uint8_t from[2][6] = {{MAC_CLIENT}, {MAC_EP1}};
	struct packet k = *packet;

	memmove(k.eth_dst, or_default(k.eth_dst, port_mac[port].b), 6);
	memmove(k.eth_src, or_default(k.eth_src, from[port]), 6);
	f->len = f->data_len = packet_build(&k, f->bytes);
	f->room = fx->opt.tight ? f->len : f->len + 128;
	f->port = port;
}

// ---- verdicts done ----

static void
read_result(struct result *r, const struct sl_pkt *pkt)
{
	memset(r, 0, offsetof(struct result, frame));
	r->bad = NULL;
	r->verdict = pkt->verdict;
	r->reason = pkt->reason;
	r->owner = pkt->owner;
	r->out_port = pkt->out_port;
	r->len = pkt->frame_len;
	memset(&r->out, 0, sizeof(r->out));
	memcpy(r->frame, pkt->data, pkt->data_len);
	if (pkt->verdict == SL_V_FORWARD || pkt->verdict == SL_V_REPLY ||
		pkt->verdict == SL_V_RETRY)
		r->bad = packet_read(pkt->data, pkt->data_len, &r->out);
}

static void
done(const struct fixture *fx, struct worker *w, const struct sl_pkt *pkt, struct result *r)
{
	static const enum sl_counter counter[] = {
		[SL_V_FORWARD] = SL_C_FORWARDED,
		[SL_V_REPLY] = SL_C_REPLIES,
		[SL_V_RETRY] = SL_C_RETRIED,
		[SL_V_PUNT] = SL_C_PUNTED,
		[SL_V_HANDOFF] = SL_C_HANDED_OFF,
	};
	uint64_t *c = w->stats.local.counter;

	must(pkt->verdict <= SL_V_HOLD, "a frame without a verdict");
	if (pkt->verdict == SL_V_DROP || pkt->verdict == SL_V_HOLD) {
		// nothing to do
	} else if (fx->fail) {
		sl_pipe_failed(w->pipe, pkt->verdict, SL_DROP_TX_FULL);
	} else {
		c[counter[pkt->verdict]]++;
		c[SL_C_TX] += pkt->verdict == SL_V_FORWARD || pkt->verdict == SL_V_REPLY ||
			      pkt->verdict == SL_V_RETRY;
	}
	if (r)
		read_result(r, pkt);
	if (pkt->verdict != SL_V_HOLD)
		((struct buf *)pkt->buf)->used = false;
}

void
fixture_burst(struct fixture *fx, unsigned worker, const struct frame *frame, unsigned n,
	bool handed_in, struct result *results)
{
	struct worker *w = &fx->worker[worker];
	struct sl_pkt pkts[SL_BURST];

	must(n <= SL_BURST, "burst too long");
	for (unsigned i = 0; i < n; i++)
		buf_get(fx, &frame[i], &pkts[i]);
	w->stats.local.counter[handed_in ? SL_C_HANDED_IN : SL_C_RX] += n;
	sl_pipe_run(w->pipe, fx->fwd, pkts, n, fx->now);
	for (unsigned i = 0; i < n; i++)
		done(fx, w, &pkts[i], results ? &results[i] : NULL);
}

struct result
fixture_send_to(struct fixture *fx, unsigned worker, const struct packet *k, unsigned port)
{
	static struct frame f;
	struct result r;

	fixture_frame(fx, &f, k, port);
	fixture_burst(fx, worker, &f, 1, false, &r);
	return r;
}

struct result
fixture_send(struct fixture *fx, const struct packet *k, unsigned port)
{
	return fixture_send_to(fx, 0, k, port);
}

static unsigned
collect(const struct fixture *fx, struct worker *w, const struct sl_pkt *pkts, unsigned n,
	struct result *out, unsigned at, unsigned max)
{
	for (unsigned i = 0; i < n; i++) {
		must(pkts[i].verdict != SL_V_HOLD, "a frame comes out that is held");
		done(fx, w, &pkts[i], out && at + i < max ? &out[at + i] : NULL);
	}
	return at + n;
}

unsigned
fixture_housekeeping(struct fixture *fx, struct result *out, unsigned max)
{
	struct sl_pkt pkts[8];
	unsigned n = 0;

	for (unsigned i = 0; i < fx->opt.n_workers; i++) {
		struct worker *w = &fx->worker[i];
		unsigned idle = 0;

		// A step does only so much (of the timer wheel, too): many that change nothing say
		// that it is at rest.
		while (idle < 20) {
			const uint32_t live = sl_flow_live(w->flows);
			const unsigned m = sl_pipe_housekeeping(
				w->pipe, fx->fwd, pkts, SL_ARRAY_LEN(pkts), fx->now);

			must(m <= SL_ARRAY_LEN(pkts), "more frames than asked for");
			n = collect(fx, w, pkts, m, out, n, max);
			idle = m == 0 && live == sl_flow_live(w->flows) ? idle + 1 : 0;
		}
	}
	return n;
}

void
fixture_pass(struct fixture *fx, double seconds)
{
	fx->now += (uint64_t)(seconds * 1e9);
	fixture_housekeeping(fx, NULL, 0);
}

unsigned
fixture_drain(struct fixture *fx, struct result *out, unsigned max)
{
	struct sl_pkt pkts[4];
	unsigned n = 0, m;

	for (unsigned i = 0; i < fx->opt.n_workers; i++)
		while ((m = sl_pipe_drain(fx->worker[i].pipe, pkts, SL_ARRAY_LEN(pkts))) > 0)
			n = collect(fx, &fx->worker[i], pkts, m, out, n, max);
	return n;
}

bool
fixture_reset(struct fixture *fx, uint32_t slot)
{
	bool ok = true;

	for (unsigned i = 0; i < fx->opt.n_workers; i++)
		ok &= sl_pipe_reset_slot(fx->worker[i].pipe, slot, fx->now);
	return ok;
}

// ---- books ----

uint64_t
fixture_drops(const struct fixture *fx, enum sl_drop reason)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < fx->opt.n_workers; i++)
		n += fx->worker[i].stats.local.drop[reason];
	return n;
}

uint64_t
fixture_counter(const struct fixture *fx, enum sl_counter c)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < fx->opt.n_workers; i++)
		n += fx->worker[i].stats.local.counter[c];
	return n;
}

uint32_t
fixture_live(const struct fixture *fx)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < fx->opt.n_workers; i++)
		n += sl_flow_live(fx->worker[i].flows);
	return n;
}

static uint32_t
worker_active(const struct worker *w)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < SLOT_CLUSTER; i++)
		n += w->load[i].active;
	return n;
}

uint32_t
fixture_active(const struct fixture *fx)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < fx->opt.n_workers; i++)
		n += worker_active(&fx->worker[i]);
	return n;
}

static uint32_t
worker_ports(const struct worker *w)
{
	return sl_sport_lent(w->sports, P_TCP) + sl_sport_lent(w->sports, P_UDP);
}

uint32_t
fixture_ports_used(const struct fixture *fx)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < fx->opt.n_workers; i++)
		n += worker_ports(&fx->worker[i]);
	return n;
}

// Flows that count as their endpoint's active ones, by what the walk shows of them.
static uint32_t
open_flows(const struct worker *w)
{
	struct sl_flow_view view[64];
	uint32_t cursor = 0, n = 0;

	while (cursor != UINT32_MAX) {
		const unsigned m = sl_flow_walk(w->flows, &cursor, view, 64, 1024);

		for (unsigned i = 0; i < m; i++)
			n += view[i].state != SL_FLOW_CLOSING && view[i].state != SL_FLOW_RESET;
	}
	return n;
}

// Flows of that protocol that say that they are embryonic.
static uint32_t
embryonic(const struct worker *w, uint8_t proto)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < sl_flow_used(w->flows); i++) {
		const struct sl_flow *f = sl_flow_at(w->flows, i);

		n += f->state != SL_FLOW_FREE && f->tuple[0].proto == proto &&
		     (f->flags & SL_FLOW_F_EMBRYONIC);
	}
	return n;
}

static const char *
worker_books(const struct worker *w)
{
	const uint64_t *c = w->stats.local.counter;
	const uint32_t live = sl_flow_live(w->flows);

	if (c[SL_C_RX] + c[SL_C_HANDED_IN] != c[SL_C_FORWARDED] + c[SL_C_PUNTED] + c[SL_C_HELD] +
						      c[SL_C_HANDED_OFF] +
						      sl_stats_drops(&w->stats.local))
		return "received packets are not what became of them";
	if (c[SL_C_TX] != c[SL_C_FORWARDED] + c[SL_C_REPLIES] + c[SL_C_RETRIED] + c[SL_C_INJECTED])
		return "sent packets are not what was sent";
	if (live != c[SL_C_FLOWS_CREATED] - c[SL_C_FLOWS_EXPIRED] - c[SL_C_FLOWS_REPLACED] -
			    c[SL_C_FLOWS_EVICTED])
		return "flows created are not those that live or went";
	if (live != c[SL_C_FLOWS_LIVE])
		return "the gauge of live flows is off";
	if (live != worker_ports(w))
		return "source ports in use are not live flows";
	if (c[SL_C_HALF_OPEN] != embryonic(w, P_TCP) || c[SL_C_UNANSWERED] != embryonic(w, P_UDP))
		return "the gauges of embryonic flows are off";
	if (worker_active(w) != open_flows(w))
		return "endpoints' active flows are not the open flows";
	return NULL;
}

const char *
fixture_books(const struct fixture *fx)
{
	unsigned used = 0;

	for (unsigned i = 0; i < fx->opt.n_workers; i++) {
		const char *wrong = worker_books(&fx->worker[i]);

		if (wrong)
			return wrong;
	}
	for (unsigned i = 0; i < N_BUFS; i++)
		used += fx->buf[i].used;
	return used == fixture_counter(fx, SL_C_HELD) ? NULL : "buffers out are not frames held";
}
