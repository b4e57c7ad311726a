// The frames of tests/bench/traffic.c: made from the number of a flow, answered as a server does,
// and judged when they come out of a gateway. The same addresses as tests/bench/rig/frames.py has.
//
// Owner    the caller owns frames and ways.
// Threads  one.
// Limits   SL_TRAFFIC_MAX_FLOWS flows; a frame is 60 bytes, 64 with its check sequence.
#ifndef SL_TRAFFIC_FRAME_H
#define SL_TRAFFIC_FRAME_H

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <stdbool.h>
#include <stdint.h>

#define TRAFFIC_CLIENTS   200u
#define TRAFFIC_FIRST     1024u // source port
#define TRAFFIC_MAX_FLOWS (TRAFFIC_CLIENTS * (65536 - TRAFFIC_FIRST))

// What the generator writes into each frame, and finds in it again.
struct traffic_stamp {
	uint64_t tsc;
	uint32_t flow;
	uint32_t seq;
	uint16_t magic;
} __rte_packed;

struct traffic_frame {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
	struct traffic_stamp stamp;
} __rte_packed __rte_aligned(2);

_Static_assert(
	sizeof(struct traffic_frame) == 60, "the smallest frame, without its check sequence");

// The translation of a flow, as its first judged frame had it.
struct traffic_way {
	rte_be32_t src, dst;
	rte_be16_t sport;
};

// What a gateway may make of them. All in host order.
struct traffic_wanted {
	bool translated; // false: the peer passes frames on, or swaps their addresses
	uint32_t first_endpoint, n_endpoints;
	uint32_t first_pool, n_pool;
	uint16_t target_port;
	uint8_t ttl_less; // a pass lowers the TTL by so much
};

// Fills the template; call before make().
void traffic_init(struct traffic_frame *template);

void traffic_make(struct traffic_frame *f, const struct traffic_frame *template, uint32_t flow,
	uint32_t seq, uint64_t tsc);

// False for what others sent: the kernel's own frames of a mirror.
bool traffic_is_ours(const void *data, uint32_t len);

// The server: addresses and ports change sides, as testpmd's 5tswap does it.
void traffic_answer(struct traffic_frame *f);

// NULL, or what is wrong with a frame that reached the server; whole: its checksums too. way: what
// its flow did before, NULL to leave that out.
const char *traffic_judge_request(const struct traffic_frame *f, const struct traffic_wanted *want,
	struct traffic_way *way, bool whole);

// Likewise of an answer that is back at the client: that it is the flow's own.
const char *traffic_judge_answer(
	const struct traffic_frame *f, const struct traffic_wanted *want, bool whole);

#endif
