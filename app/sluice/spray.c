// Software spray, for ports with fewer queues than workers: who polls the queue gives each frame to
// the worker that it belongs to, in bursts, without a look at flow tables. Towards the pool that is
// the owner of the tuple; all else goes by a keyed hash, so that a client's flow has one worker.
// What is no whole TCP or UDP over IPv4 stays: the pipe knows what to do with it.
#include <string.h>

#include "worker_priv.h"

#define FRAG_BITS 0x3fff // more fragments, offset
#define TUPLE_END (SL_ETH_HLEN + SL_IPV4_HLEN + 2 * sizeof(sl_be16))

static bool
read_tuple(const struct sl_pkt *pkt, struct sl_tuple *t)
{
	const struct sl_eth_hdr *eth = (const struct sl_eth_hdr *)pkt->data;
	const struct sl_ipv4_hdr *ip = (const struct sl_ipv4_hdr *)(pkt->data + SL_ETH_HLEN);

	if (pkt->data_len < TUPLE_END || eth->type != sl_cpu_to_be16(SL_ETHERTYPE_IPV4) ||
		ip->ver_ihl != 0x45 || (ip->frag & sl_cpu_to_be16(FRAG_BITS)) != 0 ||
		(ip->proto != SL_PROTO_TCP && ip->proto != SL_PROTO_UDP))
		return false;
	t->src = ip->src;
	t->dst = ip->dst;
	memcpy(&t->sport, ip + 1, sizeof(t->sport));
	memcpy(&t->dport, (const uint8_t *)(ip + 1) + sizeof(t->sport), sizeof(t->dport));
	t->proto = ip->proto;
	return true;
}

static unsigned
by_key(const struct sl_worker *w, const struct sl_tuple *t)
{
	const uint64_t addrs = (uint64_t)t->src << 32 | t->dst;
	const uint64_t rest = (uint64_t)t->proto << 32 | (uint32_t)t->sport << 16 | t->dport;
	const unsigned __int128 p =
		(unsigned __int128)(addrs ^ w->spray_key[0]) * (rest ^ w->spray_key[1]);
	const uint32_t hash = (uint32_t)(((uint64_t)p ^ (uint64_t)(p >> 64)) >> 32);

	return (unsigned)((uint64_t)hash * w->n_workers >> 32);
}

static unsigned
worker_of(const struct sl_worker *w, const struct sl_fwd *fwd, const struct sl_pkt *pkt)
{
	struct sl_tuple t;

	if (!read_tuple(pkt, &t))
		return w->id;
	if (sl_fwd_addr_kinds(fwd->net, t.dst) & SL_ADDR_POOL)
		return sl_owner_of(w->owner, &t);
	return by_key(w, &t);
}

static void
give(struct sl_worker *w, unsigned to, struct rte_mbuf **frames, unsigned n)
{
	const unsigned given =
		rte_ring_sp_enqueue_burst(w->handoff_out[to], (void **)frames, n, NULL);

	count(w, SL_C_HANDED_OFF, given);
	for (unsigned i = given; i < n; i++) {
		sl_pipe_failed(w->pipe, SL_V_HANDOFF, SL_DROP_HANDOFF_FULL);
		rte_pktmbuf_free(frames[i]);
	}
}

unsigned
spray(struct sl_worker *w, const struct sl_fwd *fwd, struct sl_pkt *pkts, unsigned n)
{
	struct rte_mbuf *of[SL_MAX_WORKERS][SL_BURST];
	uint8_t n_of[SL_MAX_WORKERS];
	unsigned mine = 0;

	memset(n_of, 0, w->n_workers);
	for (unsigned i = 0; i < n; i++) {
		const unsigned to = worker_of(w, fwd, &pkts[i]);
		struct rte_mbuf *m = pkts[i].buf;

		if (to == w->id) {
			pkts[mine++] = pkts[i];
			continue;
		}
		m->port = pkts[i].in_port;
		m->hash.usr = HANDOFF_RECEIVED;
		of[to][n_of[to]++] = m;
	}
	for (unsigned to = 0; to < w->n_workers; to++)
		if (n_of[to] > 0)
			give(w, to, of[to], n_of[to]);
	return mine;
}
