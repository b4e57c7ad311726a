// The counters of a flow, for a loop that has them inline.
//
// A packet is counted in the record's first line, which it needs anyway: 11 bits of packets above
// 21 bits of bytes. Half of either is added to the counters in the second line and begun anew,
// which is once in a thousand small packets or seven hundred large ones.
//
// Threads: the owning worker; sl_flow_walk() reads what it writes.
#pragma once

#include "sl_flow.h"

#define SL_FLOW_RECENT_SHIFT 21
#define SL_FLOW_RECENT_BYTES ((1u << SL_FLOW_RECENT_SHIFT) - 1)
#define SL_FLOW_RECENT_HALF  (1u << 31 | 1u << (SL_FLOW_RECENT_SHIFT - 1))
_Static_assert(SL_FLOW_RECENT_BYTES / 2 > UINT16_MAX, "half and a packet more do not overflow");

// Adds a direction's counters in the first line to those in the second.
void sl_flow_settle(struct sl_flow *f, enum sl_flow_dir dir);

// The worker. ip_len: at most 65535. Release: for the walk, which looks at a record while it is
// written; see walk.c.
static inline void
sl_flow_count(struct sl_flow *f, enum sl_flow_dir dir, uint32_t ip_len)
{
	const uint32_t recent = f->recent[dir] + (1u << SL_FLOW_RECENT_SHIFT) + ip_len;

	__atomic_store_n(&f->recent[dir], recent, __ATOMIC_RELEASE);
	if (sl_unlikely(recent & SL_FLOW_RECENT_HALF))
		sl_flow_settle(f, dir);
}

// Packets and bytes of a direction until now, for the worker.
static inline uint64_t
sl_flow_pkts(const struct sl_flow *f, enum sl_flow_dir dir)
{
	return f->pkts[dir] + (f->recent[dir] >> SL_FLOW_RECENT_SHIFT);
}

static inline uint64_t
sl_flow_bytes(const struct sl_flow *f, enum sl_flow_dir dir)
{
	return f->bytes[dir] + (f->recent[dir] & SL_FLOW_RECENT_BYTES);
}
