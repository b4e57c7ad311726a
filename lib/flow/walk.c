// Reading the flows from another thread: a sequence lock for each record, without fences.
//
// The worker makes seq odd, stores the record with release stores and makes seq even. Here every
// load is an acquire: one that meets a store made between odd and even orders the last look at seq
// after the odd number, so the two looks differ. On x86 all of them are plain moves.
#include "sl_flow_count.h"
#include "table.h"

// A record that changes this often under the walk's eyes comes and goes; it may be left out.
#define TRIES 4

static void
load_tuple(struct sl_tuple *to, const struct sl_tuple *from)
{
	uint64_t k[2];

	k[0] = __atomic_load_n(&((const flow_word *)from)[0], __ATOMIC_ACQUIRE);
	k[1] = __atomic_load_n(&((const flow_word *)from)[1], __ATOMIC_ACQUIRE);
	memcpy(to, k, sizeof(k));
}

static bool
copy_once(const struct sl_flow *f, struct sl_flow_view *v)
{
	const uint32_t seq = __atomic_load_n(&f->seq, __ATOMIC_ACQUIRE);
	uint32_t recent;

	if (seq & 1)
		return false;
	for (unsigned d = 0; d < 2; d++) {
		load_tuple(&v->tuple[d], &f->tuple[d]);
		recent = __atomic_load_n(&f->recent[d], __ATOMIC_ACQUIRE);
		v->pkts[d] = __atomic_load_n(&f->pkts[d], __ATOMIC_ACQUIRE) +
			     (recent >> SL_FLOW_RECENT_SHIFT);
		v->bytes[d] = __atomic_load_n(&f->bytes[d], __ATOMIC_ACQUIRE) +
			      (recent & SL_FLOW_RECENT_BYTES);
	}
	v->last_seen = __atomic_load_n(&f->last_seen, __ATOMIC_ACQUIRE);
	v->created = __atomic_load_n(&f->created, __ATOMIC_ACQUIRE);
	v->ep_slot = __atomic_load_n(&f->ep_slot, __ATOMIC_ACQUIRE);
	v->state = __atomic_load_n(&f->state, __ATOMIC_ACQUIRE);
	return __atomic_load_n(&f->seq, __ATOMIC_RELAXED) == seq;
}

// Once a thousand packets: the walk must not see them in both places, or in none.
void
sl_flow_settle(struct sl_flow *f, enum sl_flow_dir dir)
{
	const uint64_t pkts = sl_flow_pkts(f, dir), bytes = sl_flow_bytes(f, dir);

	__atomic_store_n(&f->seq, f->seq + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&f->pkts[dir], pkts, __ATOMIC_RELEASE);
	__atomic_store_n(&f->bytes[dir], bytes, __ATOMIC_RELEASE);
	__atomic_store_n(&f->recent[dir], 0, __ATOMIC_RELEASE);
	__atomic_store_n(&f->seq, f->seq + 1, __ATOMIC_RELEASE);
}

static bool
copy_live(const struct sl_flow *f, struct sl_flow_view *v)
{
	for (unsigned i = 0; i < TRIES; i++) {
		if (__atomic_load_n(&f->state, __ATOMIC_RELAXED) == SL_FLOW_FREE)
			return false;
		if (copy_once(f, v))
			return v->state != SL_FLOW_FREE;
	}
	return false;
}

unsigned
sl_flow_walk(const struct sl_flow_table *t, uint32_t *cursor, struct sl_flow_view *out, unsigned n,
	unsigned scan)
{
	const uint32_t end = __atomic_load_n(&t->fresh, __ATOMIC_RELAXED);
	uint32_t i = *cursor;
	unsigned copied = 0;

	for (; i < end && copied < n && scan > 0; i++, scan--)
		copied += copy_live(&t->flows[i], &out[copied]);
	*cursor = i < end ? i : UINT32_MAX;
	return copied;
}
