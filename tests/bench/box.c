#include "box.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <rte_cycles.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sl_clock.h"
#include "sl_set.h"

#define HOUSEKEEPING_ROUNDS 16 // bursts from one to the next, as in the daemon
#define BEGIN_NS            SL_NSEC_PER_SEC

static const struct sl_mac mac = {{2, 2, 2, 2, 2, 2}};

void
box_must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(EXIT_FAILURE);
}

// ---- memory and CPUs ----

static const char *pages = "none";

// Each piece has its length in front, in a cache line of its own.
static void *
mem_alloc(void *ctx, size_t bytes)
{
	const size_t huge = (size_t)2 << 20, all = (bytes + 64 + huge - 1) & ~(huge - 1);
	size_t *p = mmap(NULL, all, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);

	pages = "2 MiB hugepages";
	if (p == MAP_FAILED) {
		p = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return NULL;
		pages = madvise(p, all, MADV_HUGEPAGE) == 0 ? "transparent hugepages"
							    : "4 KiB pages";
		memset(p, 0, all);
	}
	*p = all;
	return p + 8;
}

static void
mem_free(void *ctx, void *p)
{
	size_t *head = (size_t *)p - 8;

	munmap(head, *head);
}

static const struct sl_flow_mem box_mem = {.alloc = mem_alloc, .free = mem_free};

const char *
box_pages(void)
{
	return pages;
}

void
box_pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static double
tsc_ghz(void)
{
	const uint64_t ns = sl_clock_ns(NULL), tsc = rte_rdtsc();

	while (sl_clock_ns(NULL) - ns < 50 * SL_NSEC_PER_MSEC) {
	}
	return (double)(rte_rdtsc() - tsc) / (double)(sl_clock_ns(NULL) - ns);
}

// ---- the box ----

static void
ask(void *ctx, uint16_t port, sl_be32 addr)
{
}

static sl_be32
endpoint(uint32_t i)
{
	return htonl(0xc6336400u + i);
}

static struct sl_fwd_net *
make_net(const struct box_cfg *cfg)
{
	const struct sl_fwd_route routes[] = {
		{.dst = inet_addr("198.18.0.0"), .len = 15, .gateway = inet_addr("192.0.2.1")},
		{.dst = inet_addr("198.51.100.0"), .len = 24},
	};
	struct sl_fwd_adj adjs[BOX_ENDPOINTS + 1];
	struct sl_fwd_addr addrs[BOX_POOL + 1] = {{htonl(BOX_VIP), SL_ADDR_VIP}};

	for (uint32_t i = 0; i < BOX_ENDPOINTS; i++)
		adjs[i] = (struct sl_fwd_adj){.state = SL_ADJ_OK, .addr = endpoint(i)};
	adjs[BOX_ENDPOINTS] =
		(struct sl_fwd_adj){.state = SL_ADJ_OK, .addr = inet_addr("192.0.2.1")};
	for (uint32_t i = 0; i < cfg->n_pool; i++)
		addrs[i + 1] = (struct sl_fwd_addr){htonl(0xcb007100u + i), SL_ADDR_POOL};
	return sl_fwd_net_new(&(struct sl_fwd_net_spec){.route = routes,
		.n_routes = SL_ARRAY_LEN(routes),
		.adj = adjs,
		.n_adjs = SL_ARRAY_LEN(adjs),
		.addr = addrs,
		.n_addrs = cfg->n_pool + 1,
		.gen = 1});
}

static void
add_service(struct sl_fwd_services *services, uint8_t proto)
{
	const struct sl_fwd_key key = {
		.vip = htonl(BOX_VIP), .port = htons(BOX_PORT), .proto = proto, .len = 32};
	struct sl_fwd_ep ep[BOX_ENDPOINTS];

	for (uint32_t i = 0; i < BOX_ENDPOINTS; i++)
		ep[i] = (struct sl_fwd_ep){
			.addr = endpoint(i), .port = htons(BOX_PORT), .weight = 1, .slot = i};
	box_must(sl_fwd_services_add(services, &key, SL_FWD_CLIENTS_ALL, proto,
			 sl_set_flat(ep, BOX_ENDPOINTS)) == 0,
		"no service");
}

static struct sl_fwd *
make_fwd(const struct box_cfg *cfg)
{
	const struct sl_fwd_ep original = {.weight = 1, .slot = BOX_ENDPOINTS};
	const struct sl_fwd_eps_spec unknown = {.ep = &original,
		.n = 1,
		.algo = SL_FWD_ORIGINAL_DST,
		.cluster_slot = SL_FWD_SLOT_NONE};
	struct sl_fwd_services *services = sl_fwd_services_new(16);
	struct sl_fwd_params params = {.reply_rate = 1000};

	for (int s = 0; s < SL_FWD_STATES; s++)
		params.timeout[s] =
			s == SL_FLOW_CLOSING || s == SL_FLOW_RESET ? cfg->closing : cfg->timeout;
	add_service(services, SL_PROTO_UDP);
	add_service(services, SL_PROTO_TCP);
	sl_fwd_services_seal(services);
	return sl_fwd_new(&(struct sl_fwd){.generation = 1,
		.services = services,
		.net = make_net(cfg),
		.unknown = cfg->any ? sl_fwd_eps_new(&unknown) : NULL,
		.params = params});
}

void
box_init(struct box *b, const struct box_cfg *cfg)
{
	static const struct sl_owner owner = {.n_workers = 1};
	const struct sl_sport_range range = {.first = 1024, .last = cfg->last_port};
	sl_be32 pool[BOX_POOL];

	*b = (struct box){.tsc_ghz = tsc_ghz(), .now_ns = BEGIN_NS};
	for (uint32_t i = 0; i < cfg->n_pool; i++)
		pool[i] = htonl(0xcb007100u + i);
	b->flows = sl_flow_table_new(cfg->capacity, b->now_ns, &box_mem);
	b->load = box_mem.alloc(NULL, (BOX_ENDPOINTS + 1) * sizeof(*b->load));
	b->fwd = make_fwd(cfg);
	box_must(b->flows && b->load && b->fwd, "no memory");
	b->sports = sl_sport_new(pool, cfg->n_pool, &range, 0, &owner, b->flows, &box_mem);
	const struct sl_pipe_cfg pipe = {
		.owner = &owner,
		.flows = b->flows,
		.sports = b->sports,
		.load = b->load,
		.n_slots = BOX_ENDPOINTS + 1,
		.stats = &b->stats,
		.port_mac = &mac,
		.n_ports = 1,
		.seed = 1,
		.ask = ask,
		.syns = cfg->syns,
	};
	b->pipe = b->sports ? sl_pipe_new(&pipe) : NULL;
	box_must(b->pipe, "no memory");
}

void
box_fini(struct box *b)
{
	sl_pipe_free(b->pipe);
	sl_sport_free(b->sports);
	sl_flow_table_free(b->flows);
	sl_fwd_free(b->fwd);
	box_mem.free(NULL, b->load);
}

// ---- frames ----

struct sl_tuple
box_client(uint32_t flow, uint8_t proto)
{
	return (struct sl_tuple){.src = htonl(0xc6120000u + (flow & 0x1ffff)),
		.dst = htonl(BOX_VIP),
		.sport = htons((uint16_t)(1024 + (flow >> 17))),
		.dport = htons(BOX_PORT),
		.proto = proto};
}

static void
write_l4(struct sl_ipv4_hdr *ip, const struct sl_tuple *t, uint8_t tcp_flags, uint32_t len)
{
	struct sl_tcp_hdr *tcp = (void *)(ip + 1);
	struct sl_udp_hdr *udp = (void *)(ip + 1);

	if (t->proto == SL_PROTO_TCP) {
		*tcp = (struct sl_tcp_hdr){
			.sport = t->sport, .dport = t->dport, .off = 5 << 4, .flags = tcp_flags};
		tcp->csum = sl_csum_l4(ip, tcp, len);
	} else {
		*udp = (struct sl_udp_hdr){
			.sport = t->sport, .dport = t->dport, .len = htons((uint16_t)len)};
		udp->csum = sl_csum_l4(ip, udp, len);
	}
}

void
box_frame(struct box *b, unsigned i, const struct sl_tuple *t, uint8_t tcp_flags)
{
	const uint32_t len =
		t->proto == SL_PROTO_TCP ? SL_TCP_HLEN : BOX_FRAME - SL_ETH_HLEN - SL_IPV4_HLEN;
	uint8_t *f = b->frame[i];
	struct sl_ipv4_hdr *ip = (void *)(f + SL_ETH_HLEN);

	memset(f, 0, BOX_FRAME);
	memcpy(f, &mac, sizeof(mac));
	f[SL_ETH_HLEN - 2] = 8;
	*ip = (struct sl_ipv4_hdr){.ver_ihl = 0x45,
		.total_len = htons((uint16_t)(SL_IPV4_HLEN + len)),
		.ttl = 64,
		.proto = t->proto,
		.src = t->src,
		.dst = t->dst};
	ip->csum = sl_csum_ipv4(ip);
	write_l4(ip, t, tcp_flags, len);
	b->pkt[i] = (struct sl_pkt){.data = f,
		.data_len = BOX_FRAME,
		.frame_len = BOX_FRAME,
		.room = sizeof(b->frame[i])};
}

void
box_advance(struct box *b, uint64_t ns)
{
	b->now_ns += ns;
}

void
box_next_tick(struct box *b)
{
	const uint64_t tick = UINT64_C(1) << SL_FLOW_TICK_SHIFT;

	b->now_ns = BEGIN_NS + ((b->now_ns - BEGIN_NS) / tick + 1) * tick;
}

static uint64_t
took(struct box *b, uint64_t start)
{
	const uint64_t cycles = rte_rdtsc() - start;

	box_advance(b, (uint64_t)((double)cycles / b->tsc_ghz));
	return cycles;
}

uint64_t
box_housekeeping(struct box *b)
{
	struct sl_pkt out[SL_BURST];
	const uint64_t start = rte_rdtsc();
	const unsigned n = sl_pipe_housekeeping(b->pipe, b->fwd, out, SL_BURST, b->now_ns);

	box_must(n == 0, "housekeeping has frames that nobody held");
	return took(b, start);
}

uint64_t
box_run(struct box *b, unsigned n)
{
	const uint64_t start = rte_rdtsc();
	uint64_t cycles;

	sl_pipe_run(b->pipe, b->fwd, b->pkt, n, b->now_ns);
	cycles = took(b, start);
	if (++b->bursts % HOUSEKEEPING_ROUNDS == 0)
		cycles += box_housekeeping(b);
	return cycles;
}

// What is summed with its checksum in it is zero; UDP without a checksum is not what went in.
static bool
is_right(const struct sl_pkt *pkt, const struct sl_wire_info *info)
{
	const struct sl_ipv4_hdr *ip = (const void *)(pkt->data + SL_ETH_HLEN);
	const void *l4 = pkt->data + info->l4_off;
	const sl_be16 sum = sl_csum_l4(ip, l4, info->ip_len - SL_IPV4_HLEN);

	return info->kind == SL_WIRE_L4 &&
	       (info->tuple.proto == SL_PROTO_TCP
			       ? sum == 0
			       : sum == 0xffff && ((const struct sl_udp_hdr *)l4)->csum != 0);
}

bool
box_out(const struct box *b, unsigned i, struct sl_tuple *t)
{
	const struct sl_pkt *pkt = &b->pkt[i];
	struct sl_wire_info info;

	if (pkt->verdict != SL_V_FORWARD)
		return false;
	sl_wire_parse(pkt->data, pkt->data_len, pkt->frame_len, &info);
	*t = info.tuple;
	return is_right(pkt, &info) && info.ttl == 63;
}

// ---- books ----

void
box_books(const struct box *b, uint32_t live)
{
	const uint64_t *c = b->stats.local.counter;
	uint64_t active = 0;

	for (uint32_t i = 0; i <= BOX_ENDPOINTS; i++)
		active += b->load[i].active;
	box_must(sl_flow_live(b->flows) == live, "flows in the table are not those expected");
	box_must(c[SL_C_FLOWS_CREATED] - c[SL_C_FLOWS_EXPIRED] - c[SL_C_FLOWS_REPLACED] == live,
		"flows created are not those that live or went");
	box_must(sl_sport_lent(b->sports, SL_PROTO_UDP) + sl_sport_lent(b->sports, SL_PROTO_TCP) ==
			 live,
		"ports lent are not the flows");
	box_must(active <= live && (live > 0 || active == 0), "endpoints count other flows");
	box_must(sl_stats_drops(&b->stats.local) == 0, "frames were dropped");
}

static int
by_value(const void *x, const void *y)
{
	const double a = *(const double *)x, b = *(const double *)y;

	return a < b ? -1 : a > b;
}

struct box_figure
box_median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_value);
	return (struct box_figure){.median = v[n / 2], .lo = v[0], .hi = v[n - 1]};
}
