// Buckets, lookup, insert and remove.
#include <errno.h>
#include <sys/random.h>

#include "table.h"

static uint32_t
capacity_round(uint32_t capacity)
{
	uint32_t c = CAPACITY_MIN;

	while (c < capacity && c < CAPACITY_MAX)
		c *= 2;
	return c;
}

static uint32_t
n_buckets(uint32_t capacity)
{
	return capacity / 2;
}

static uint32_t
n_spares(uint32_t capacity)
{
	return n_buckets(capacity) / SPARES_PER + SPARES_AT_LEAST;
}

static size_t
buckets_bytes(uint32_t capacity)
{
	return ((size_t)n_buckets(capacity) + n_spares(capacity)) * sizeof(struct sl_flow_bucket);
}

size_t
sl_flow_table_bytes(uint32_t capacity)
{
	const uint32_t c = capacity_round(capacity);

	return sizeof(struct sl_flow_table) + (size_t)c * sizeof(struct sl_flow) +
	       buckets_bytes(c) + c;
}

// A secret that nobody outside can know. Odd, because an even multiplier loses bits.
static void
draw_secret(struct sl_flow_table *t)
{
	if (getrandom(t->secret, sizeof(t->secret), 0) != sizeof(t->secret))
		for (unsigned i = 0; i < SL_ARRAY_LEN(t->secret); i++)
			t->secret[i] =
				(t->start_ns + i) * UINT64_C(0x9e3779b97f4a7c15) ^ (uintptr_t)t;
	t->secret[2] |= 1;
}

static void
init_buckets(struct sl_flow_table *t)
{
	const uint32_t first_spare = n_buckets(t->capacity);
	const uint32_t end = first_spare + t->n_spares;

	for (uint32_t i = 0; i < end; i++)
		t->buckets[i].ref[BUCKET_SLOTS] = UINT32_MAX;
	for (uint32_t i = first_spare; i < end; i++)
		t->buckets[i].next = i + 1 < end ? i + 1 : 0;
	t->spare_head = first_spare;
}

struct sl_flow_table *
sl_flow_table_new(uint32_t capacity, uint64_t now_ns, const struct sl_flow_mem *mem)
{
	const uint32_t c = capacity_round(capacity);
	struct sl_flow_table *t;

	if (capacity > CAPACITY_MAX) {
		errno = EINVAL;
		return NULL;
	}
	t = mem->alloc(mem->ctx, sl_flow_table_bytes(c));
	if (!t) {
		errno = ENOMEM;
		return NULL;
	}
	t->flows = (struct sl_flow *)(t + 1);
	t->buckets = (struct sl_flow_bucket *)(t->flows + c);
	t->gen = (uint8_t *)t->buckets + buckets_bytes(c);
	t->bucket_mask = n_buckets(c) - 1;
	t->capacity = c;
	t->n_spares = n_spares(c);
	memset(t->free_head, 0xff, sizeof(t->free_head)); // SL_FLOW_NONE
	t->start_ns = now_ns;
	t->mem = *mem;
	draw_secret(t);
	init_buckets(t);
	flow_wheel_init(&t->wheel);
	return t;
}

void
sl_flow_table_free(struct sl_flow_table *t)
{
	if (t)
		t->mem.free(t->mem.ctx, t);
}

uint32_t
sl_flow_capacity(const struct sl_flow_table *t)
{
	return t->capacity;
}

uint32_t
sl_flow_live(const struct sl_flow_table *t)
{
	return __atomic_load_n(&t->live, __ATOMIC_RELAXED);
}

sl_tick
sl_flow_tick(const struct sl_flow_table *t, uint64_t now_ns)
{
	return now_ns < t->start_ns ? 0 : (sl_tick)((now_ns - t->start_ns) >> SL_FLOW_TICK_SHIFT);
}

void
sl_flow_fill(const struct sl_flow_table *t, struct sl_flow_fill *fill)
{
	*fill = (struct sl_flow_fill){
		.keys = 2 * t->live,
		.keys_second = t->n_away,
		.keys_chained = t->n_chained,
		.spares_used = t->n_spares_used,
		.spares = t->n_spares,
	};
}

struct sl_flow *
sl_flow_at(struct sl_flow_table *t, uint32_t index)
{
	return &t->flows[index];
}

uint32_t
sl_flow_used(const struct sl_flow_table *t)
{
	return t->fresh;
}

static inline bool
ref_has(const struct sl_flow_table *t, uint32_t ref, const struct sl_tuple *tuple)
{
	return sl_flow_tuple_equal(&t->flows[ref >> 1].tuple[ref & 1], tuple);
}

// What a bucket has of a ref.
static inline uint32_t
entry_of(const struct sl_flow_table *t, uint32_t ref)
{
	return ref | (uint32_t)(t->gen[ref >> 1] & GEN_MASK) << SL_FLOW_REF_BITS;
}

static inline bool
is_dead(const struct sl_flow_table *t, uint32_t entry)
{
	return entry != entry_of(t, entry & SL_FLOW_REF_MASK);
}

static inline uint32_t
find_in(const struct sl_flow_table *t, const struct sl_flow_bucket *b, uint16_t tag,
	const struct sl_tuple *tuple)
{
	for (unsigned m = sl_flow_match(b, tag); m; m &= m - 1) {
		const uint32_t entry = b->ref[__builtin_ctz(m)];
		const uint32_t ref = entry & SL_FLOW_REF_MASK;

		// Dead ones are known without their records.
		if (sl_likely(!is_dead(t, entry) && ref_has(t, ref, tuple)))
			return ref;
	}
	return SL_FLOW_NONE;
}

static uint32_t
find_elsewhere(const struct sl_flow_table *t, const struct sl_flow_bucket *b, uint64_t hash,
	const struct sl_tuple *tuple)
{
	const uint16_t tag = sl_flow_tag(hash);
	uint32_t ref = SL_FLOW_NONE;

	if (b->away)
		ref = find_in(t, second_bucket(t, hash), tag, tuple);
	while (ref == SL_FLOW_NONE && b->next) {
		b = &t->buckets[b->next];
		ref = find_in(t, b, tag, tuple);
	}
	return ref;
}

static inline uint32_t
find_hashed(const struct sl_flow_table *t, uint64_t hash, const struct sl_tuple *tuple)
{
	const struct sl_flow_bucket *b = first_bucket(t, hash);
	const uint32_t ref = find_in(t, b, sl_flow_tag(hash), tuple);

	if (sl_likely(ref != SL_FLOW_NONE || (b->away | b->next) == 0))
		return ref;
	return find_elsewhere(t, b, hash, tuple);
}

uint32_t
sl_flow_find_hashed(struct sl_flow_table *t, uint64_t hash, const struct sl_tuple *tuple)
{
	return find_hashed(t, hash, tuple);
}

uint32_t
sl_flow_find(struct sl_flow_table *t, const struct sl_tuple *tuple)
{
	return find_hashed(t, key_hash(t, tuple), tuple);
}

struct sl_flow_index
sl_flow_index(const struct sl_flow_table *t)
{
	return (struct sl_flow_index){
		.flows = t->flows,
		.buckets = t->buckets,
		.gen = t->gen,
		.secret = {t->secret[0], t->secret[1], t->secret[2]},
		.bucket_mask = t->bucket_mask,
	};
}

// Three passes, so that the misses of a burst overlap: the buckets, the flows, the comparison.
void
sl_flow_lookup(
	struct sl_flow_table *t, const struct sl_tuple *const tuples[], unsigned n, uint32_t ref[])
{
	const struct sl_flow_index x = sl_flow_index(t);
	uint64_t hash[SL_FLOW_BURST];

	for (unsigned i = 0; i < n; i++) {
		hash[i] = sl_flow_hash(x.secret, tuples[i]);
		sl_flow_prefetch_bucket(&x, hash[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		ref[i] = sl_flow_guess(&x, hash[i]);
		if (sl_likely(ref[i] != SL_FLOW_NO_GUESS))
			sl_flow_prefetch_record(&x, ref[i]);
	}
	for (unsigned i = 0; i < n; i++)
		if (sl_unlikely(!sl_flow_is(&x, ref[i], tuples[i])))
			ref[i] = find_hashed(t, hash[i], tuples[i]);
}

// Those of the entries in the mask that are dead.
static inline unsigned
dead_ones(const struct sl_flow_table *t, const struct sl_flow_bucket *b, unsigned mask)
{
	unsigned dead = 0;

	for (; mask; mask &= mask - 1)
		dead |= (unsigned)is_dead(t, b->ref[__builtin_ctz(mask)]) << __builtin_ctz(mask);
	return dead;
}

static unsigned
bury_dead(const struct sl_flow_table *t, struct sl_flow_bucket *b)
{
	const unsigned dead = dead_ones(t, b, SL_FLOW_ALL_SLOTS);

	for (unsigned m = dead; m; m &= m - 1)
		b->tag[__builtin_ctz(m)] = 0;
	return dead;
}

// A dead key of the same tag gives way first: a look-up guesses the first one.
static inline bool
put_in(const struct sl_flow_table *t, struct sl_flow_bucket *b, uint16_t tag, uint32_t ref)
{
	unsigned room = dead_ones(t, b, sl_flow_match(b, tag));

	if (sl_likely(!room))
		room = sl_flow_match(b, 0);
	if (!room)
		room = bury_dead(t, b);
	if (!room)
		return false;
	b->tag[__builtin_ctz(room)] = tag;
	b->ref[__builtin_ctz(room)] = entry_of(t, ref);
	return true;
}

static bool
put_in_chain(struct sl_flow_table *t, struct sl_flow_bucket *b, uint16_t tag, uint32_t ref)
{
	struct sl_flow_bucket *spare;

	for (uint32_t i = b->next; i; i = t->buckets[i].next)
		if (put_in(t, &t->buckets[i], tag, ref))
			return true;
	if (!t->spare_head)
		return false;
	spare = &t->buckets[t->spare_head];
	const uint32_t index = t->spare_head;
	t->spare_head = spare->next;
	t->n_spares_used++;
	spare->next = b->next;
	b->next = index;
	return put_in(t, spare, tag, ref);
}

static bool
put_key(struct sl_flow_table *t, uint64_t hash, uint32_t ref)
{
	struct sl_flow_bucket *b = first_bucket(t, hash);
	const uint16_t tag = sl_flow_tag(hash);

	if (sl_likely(put_in(t, b, tag, ref)))
		return true;
	if (put_in(t, second_bucket(t, hash), tag, ref)) {
		b->away++;
		t->n_away++;
	} else if (put_in_chain(t, b, tag, ref)) {
		t->n_chained++;
	} else {
		return false;
	}
	t->gen[ref >> 1] |= GEN_ELSEWHERE;
	return true;
}

static inline bool
take_from(struct sl_flow_bucket *b, uint16_t tag, uint32_t entry)
{
	bool taken = false;

	for (unsigned m = sl_flow_match(b, tag); m; m &= m - 1) {
		const unsigned i = (unsigned)__builtin_ctz(m);

		if (b->ref[i] == entry) {
			b->tag[i] = 0;
			taken = true;
		}
	}
	return taken;
}

static void
take_from_chain(struct sl_flow_table *t, struct sl_flow_bucket *b, uint16_t tag, uint32_t entry)
{
	for (uint32_t *link = &b->next; *link; link = &t->buckets[*link].next) {
		const uint32_t index = *link;
		struct sl_flow_bucket *spare = &t->buckets[index];

		if (!take_from(spare, tag, entry))
			continue;
		t->n_chained--;
		if (sl_flow_match(spare, 0) == SL_FLOW_ALL_SLOTS) {
			*link = spare->next;
			spare->next = t->spare_head;
			t->spare_head = index;
			t->n_spares_used--;
		}
		return;
	}
}

// What its first bucket has may be a dead key of the same tuple, which seems alive sixteen flows of
// the record later, while the key itself is elsewhere: all places are looked at.
static void
take_key(struct sl_flow_table *t, uint64_t hash, uint32_t ref)
{
	struct sl_flow_bucket *b = first_bucket(t, hash), *second = second_bucket(t, hash);
	const uint16_t tag = sl_flow_tag(hash);
	const uint32_t entry = entry_of(t, ref);

	take_from(b, tag, entry);
	if (b->away && second != b && take_from(second, tag, entry)) {
		b->away--;
		t->n_away--;
		return;
	}
	take_from_chain(t, b, tag, entry);
}

static uint32_t
take_record(struct sl_flow_table *t)
{
	for (unsigned i = 0; i < FREE_LANES; i++) {
		uint32_t *head = &t->free_head[++t->free_turn % FREE_LANES];
		const uint32_t index = *head;

		if (index == SL_FLOW_NONE)
			continue;
		*head = t->flows[index].timer_next;
		if (*head != SL_FLOW_NONE) {
			__builtin_prefetch(&t->flows[*head].pkts, 1);
			__builtin_prefetch(&t->flows[*head], 1);
		}
		return index;
	}
	if (t->fresh == t->capacity)
		return SL_FLOW_NONE;
	__atomic_store_n(&t->fresh, t->fresh + 1, __ATOMIC_RELAXED);
	return t->fresh - 1;
}

static void
give_record(struct sl_flow_table *t, uint32_t index)
{
	uint32_t *head = &t->free_head[index % FREE_LANES];

	t->flows[index].timer_next = *head;
	*head = index;
}

static void
store_tuple(struct sl_tuple *to, const struct sl_tuple *from)
{
	uint64_t k[2];

	memcpy(k, from, sizeof(k));
	__atomic_store_n(&((flow_word *)to)[0], k[0], __ATOMIC_RELEASE);
	__atomic_store_n(&((flow_word *)to)[1], k[1], __ATOMIC_RELEASE);
}

// The walk's side of this is in walk.c. Between the odd and the even number every store is a
// release: whoever sees one of them sees the odd number too.
static void
fill_record(struct sl_flow *f, const struct sl_tuple tuple[2], enum sl_flow_state state,
	uint16_t policy, sl_tick now)
{
	__atomic_store_n(&f->seq, f->seq + 1, __ATOMIC_RELAXED);
	store_tuple(&f->tuple[SL_DIR_CLIENT], &tuple[SL_DIR_CLIENT]);
	store_tuple(&f->tuple[SL_DIR_ENDPOINT], &tuple[SL_DIR_ENDPOINT]);
	for (unsigned d = 0; d < 2; d++) {
		__atomic_store_n(&f->recent[d], 0, __ATOMIC_RELEASE);
		__atomic_store_n(&f->pkts[d], 0, __ATOMIC_RELEASE);
		__atomic_store_n(&f->bytes[d], 0, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&f->ep_slot, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&f->last_seen, now, __ATOMIC_RELEASE);
	__atomic_store_n(&f->created, now, __ATOMIC_RELEASE);
	__atomic_store_n(&f->state, (uint8_t)state, __ATOMIC_RELEASE);
	__atomic_store_n(&f->seq, f->seq + 1, __ATOMIC_RELEASE);
	memset(f->delta, 0, sizeof(f->delta));
	f->adj[0] = f->adj[1] = 0;
	f->route_gen = 0;
	f->flags = SL_FLOW_F_NONE;
	f->syn = 0;
	f->cluster_slot = SL_FLOW_NONE;
	f->pool_addr = 0;
	f->policy = policy;
}

// The tuples go, because dead keys lead to them.
static void
clear_record(struct sl_flow *f)
{
	static const struct sl_tuple none;

	__atomic_store_n(&f->seq, f->seq + 1, __ATOMIC_RELAXED);
	store_tuple(&f->tuple[0], &none);
	store_tuple(&f->tuple[1], &none);
	__atomic_store_n(&f->state, SL_FLOW_FREE, __ATOMIC_RELEASE);
	__atomic_store_n(&f->seq, f->seq + 1, __ATOMIC_RELEASE);
}

int64_t
sl_flow_insert_hashed(struct sl_flow_table *t, const struct sl_tuple tuple[2],
	const uint64_t hash[2], enum sl_flow_state state, uint16_t policy, sl_tick now,
	const struct sl_flow_timeouts *timeouts)
{
	uint32_t index;

	if (sl_flow_tuple_equal(&tuple[SL_DIR_CLIENT], &tuple[SL_DIR_ENDPOINT]))
		return -EEXIST;
	index = take_record(t);
	if (index == SL_FLOW_NONE)
		return -ENOSPC;
	if (!put_key(t, hash[SL_DIR_CLIENT], index << 1 | SL_DIR_CLIENT))
		goto give_record;
	if (!put_key(t, hash[SL_DIR_ENDPOINT], index << 1 | SL_DIR_ENDPOINT))
		goto take_key;
	fill_record(&t->flows[index], tuple, state, policy, now);
	flow_timer_link(t, index, flow_deadline(&t->flows[index], timeouts));
	__atomic_store_n(&t->live, t->live + 1, __ATOMIC_RELAXED);
	return index;

take_key:
	take_key(t, hash[SL_DIR_CLIENT], index << 1 | SL_DIR_CLIENT);
	t->gen[index] &= GEN_MASK;
give_record:
	give_record(t, index);
	return -ENOSPC;
}

int64_t
sl_flow_insert(struct sl_flow_table *t, const struct sl_tuple *client,
	const struct sl_tuple *endpoint, enum sl_flow_state state, uint16_t policy, sl_tick now,
	const struct sl_flow_timeouts *timeouts)
{
	const struct sl_tuple tuple[2] = {*client, *endpoint};
	const uint64_t hash[2] = {key_hash(t, client), key_hash(t, endpoint)};

	__builtin_prefetch(first_bucket(t, hash[SL_DIR_ENDPOINT]), 1);
	if (find_hashed(t, hash[SL_DIR_CLIENT], client) != SL_FLOW_NONE ||
		find_hashed(t, hash[SL_DIR_ENDPOINT], endpoint) != SL_FLOW_NONE)
		return -EEXIST;
	return sl_flow_insert_hashed(t, tuple, hash, state, policy, now, timeouts);
}

int
sl_flow_rekey(struct sl_flow_table *t, uint32_t index, const struct sl_tuple *endpoint, sl_tick now)
{
	struct sl_flow *f = &t->flows[index];
	const uint64_t was = key_hash(t, &f->tuple[SL_DIR_ENDPOINT]);
	const uint64_t hash = key_hash(t, endpoint);
	const uint32_t ref = index << 1 | SL_DIR_ENDPOINT;

	if (find_hashed(t, hash, endpoint) != SL_FLOW_NONE)
		return -EEXIST;
	// First the old one, because a bucket does not tell two keys of one ref and tag apart.
	// There is room for it again where it was.
	take_key(t, was, ref);
	if (!put_key(t, hash, ref)) {
		put_key(t, was, ref);
		return -ENOSPC;
	}
	__atomic_store_n(&f->seq, f->seq + 1, __ATOMIC_RELAXED);
	store_tuple(&f->tuple[SL_DIR_ENDPOINT], endpoint);
	__atomic_store_n(&f->seq, f->seq + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&f->last_seen, now, __ATOMIC_RELAXED);
	return 0;
}

void
flow_remove_unlinked(struct sl_flow_table *t, uint32_t index)
{
	struct sl_flow *f = &t->flows[index];

	for (uint32_t d = 0; sl_unlikely(t->gen[index] & GEN_ELSEWHERE) && d < 2; d++)
		take_key(t, key_hash(t, &f->tuple[d]), index << 1 | d);
	t->gen[index] = (t->gen[index] + 1) & GEN_MASK;
	clear_record(f);
	give_record(t, index);
	__atomic_store_n(&t->live, t->live - 1, __ATOMIC_RELAXED);
}

void
sl_flow_remove(struct sl_flow_table *t, uint32_t index)
{
	flow_timer_unlink(t, index);
	flow_remove_unlinked(t, index);
}
