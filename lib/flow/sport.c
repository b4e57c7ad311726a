// Source ports: lending and giving back. What is free is what the flow table does not have; a few
// tries find it while a place is sparse, and a set of the place when it is not.
#include "sport.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>

#define TRIES     4  // ports looked up at a place without a set
#define PASS_MAX  16 // ports of each other worker that are passed by for them, at most
#define LEARN_MAX 16 // words of 64 ports that one search learns at most, n of them by hash
#define SPILL_MAX 8  // further addresses that one search tries at most

// Sets for twice as many places as can have a sixteenth of their ports lent at one time, in 4 bytes
// a flow at most; 8 at least.
#define DENSE_SHARE    32
#define SET_BYTES_FLOW 4
#define SETS_MIN       8
#define SETS_MAX       65535u

// The reserve is one in so many ports at most.
#define RESERVE_SHARE 100

// One port in so many flows may rest.
#define REST_SHARE 16
#define REST_MIN   64

static bool
is_reserved(const struct sl_sport_range *range, uint16_t port)
{
	uint32_t low = 0, high = range->n_reserved;

	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;

		if (range->reserved[mid] == port)
			return true;
		if (range->reserved[mid] < port)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

// The worker's ports into out (NULL: only counted). Returns how many.
static uint32_t
list_ports(const struct sl_sport_range *range, unsigned worker, unsigned step, uint16_t *out)
{
	uint32_t n = 0;

	for (uint32_t p = range->first; p <= range->last; p++) {
		if (p % step != worker % step || p == 0 || is_reserved(range, (uint16_t)p))
			continue;
		if (out)
			out[n] = (uint16_t)p;
		n++;
	}
	return n;
}

// splitmix64
static uint64_t
draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void
shuffle(uint16_t *ports, uint32_t n, uint64_t *state)
{
	for (uint32_t i = n; i > 1; i--) {
		const uint32_t j = (uint32_t)((draw(state) >> 32) * i >> 32);
		const uint16_t p = ports[i - 1];

		ports[i - 1] = ports[j];
		ports[j] = p;
	}
}

// ---- beginning and end ----

static uint32_t
pow2_at_least(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

struct sizes {
	uint32_t n_ports, n_sets, rests;
	size_t set_bytes;
};

static struct sizes
sizes_of(uint32_t n_addrs, uint32_t n_ports, uint32_t n_own, uint32_t capacity)
{
	const uint32_t n = n_ports > n_addrs ? n_ports : n_addrs;
	struct sizes z = {.n_ports = n_ports, .set_bytes = sport_set_bytes(n)};
	uint64_t n_sets = (uint64_t)DENSE_SHARE * capacity / n_own;
	const uint64_t most = (uint64_t)SET_BYTES_FLOW * capacity / z.set_bytes;

	n_sets = (n_sets < most ? n_sets : most) + SETS_MIN;
	z.n_sets = n_sets < SETS_MAX ? (uint32_t)n_sets : SETS_MAX;
	z.rests =
		pow2_at_least(capacity / REST_SHARE > REST_MIN ? capacity / REST_SHARE : REST_MIN);
	return z;
}

// Places in one piece of memory, each aligned to 8 bytes. With base NULL only the size counts.
static void *
part(uint8_t *base, size_t *at, size_t bytes)
{
	const size_t begin = *at;

	*at += (bytes + 7) & ~(size_t)7;
	return base ? base + begin : NULL;
}

static size_t
lay_out(struct sl_sport *s, uint32_t n_addrs, unsigned step, const struct sizes *z)
{
	struct sl_sport none;
	uint8_t *base = (uint8_t *)s;
	size_t at = 0;

	s = s ? s : &none;
	part(base, &at, sizeof(*s));
	s->slot = part(base, &at, N_SLOTS * sizeof(*s->slot));
	s->port = part(base, &at, z->n_ports * sizeof(*s->port));
	s->index = part(base, &at, (65536 / step + 1) * sizeof(*s->index));
	s->addr = part(base, &at, n_addrs * sizeof(*s->addr));
	s->rests.ring = part(base, &at, z->rests * sizeof(*s->rests.ring));
	s->rests.chain = part(base, &at, z->rests * sizeof(*s->rests.chain));
	s->sets = part(base, &at, z->n_sets * z->set_bytes);
	return at;
}

static void
draw_secrets(struct sl_sport *s, uint64_t *seed)
{
	uint64_t drawn[3];

	if (getrandom(drawn, sizeof(drawn), 0) != sizeof(drawn))
		for (unsigned i = 0; i < SL_ARRAY_LEN(drawn); i++)
			drawn[i] = (uintptr_t)s ^ (i + s->addr[0]) * UINT64_C(0x9e3779b97f4a7c15);
	s->secret[0] = drawn[0];
	s->secret[1] = drawn[1] | 1;
	*seed = drawn[2];
}

static void
fill_ports(struct sl_sport *s, const struct sl_sport_range *range, uint64_t seed)
{
	list_ports(range, s->worker, s->step, s->port);
	shuffle(s->port, s->n_ports, &seed);
	for (uint32_t i = 0; i < s->n_ports; i++)
		s->index[s->port[i] / s->step] = (uint16_t)i;
}

// This worker's share, rounded up.
static uint32_t
reserve_of(const struct sl_sport_range *range, uint32_t n_own, unsigned n_workers)
{
	const uint32_t share = (range->reserve + n_workers - 1) / n_workers;

	return share < n_own / RESERVE_SHARE ? share : n_own / RESERVE_SHARE;
}

size_t
sl_sport_bytes(uint32_t n_addrs, unsigned n_workers, uint32_t capacity)
{
	const uint32_t n_own = n_workers > 1 ? 65535 / n_workers + 1 : 65535;
	const struct sizes by_port = sizes_of(n_addrs, n_own, n_own, capacity);
	const struct sizes by_hash = sizes_of(n_addrs, 65535, n_own, capacity);
	const size_t a = lay_out(NULL, n_addrs, n_workers, &by_port);
	const size_t b = lay_out(NULL, n_addrs, 1, &by_hash);

	// With fewer ports there may be room for one set more.
	return (a > b ? a : b) + by_hash.set_bytes;
}

struct sl_sport *
sl_sport_new(const sl_be32 *addrs, uint32_t n_addrs, const struct sl_sport_range *range,
	unsigned worker, const struct sl_owner *owner, struct sl_flow_table *flows,
	const struct sl_flow_mem *mem)
{
	const unsigned n_workers = owner->n_workers, step = owner->n_entries ? 1 : n_workers;
	uint64_t seed;

	if (n_addrs == 0 || n_addrs >= ALL_ADDRS || worker >= n_workers)
		goto einval;
	const uint32_t n_ports = list_ports(range, worker, step, NULL);
	const uint32_t n_own =
		step == n_workers ? n_ports : (n_ports + n_workers - 1 - worker) / n_workers;

	if (n_own == 0)
		goto einval;
	const struct sizes z = sizes_of(n_addrs, n_ports, n_own, sl_flow_capacity(flows));
	struct sl_sport *s = mem->alloc(mem->ctx, lay_out(NULL, n_addrs, step, &z));

	if (!s) {
		errno = ENOMEM;
		return NULL;
	}
	lay_out(s, n_addrs, step, &z);
	s->flows = flows;
	s->n_addrs = n_addrs;
	s->n_ports = n_ports;
	s->n_own = n_own;
	s->step = step;
	s->worker = worker;
	s->owner = owner;
	s->reserve = reserve_of(range, n_own, n_workers);
	s->set_bytes = z.set_bytes;
	s->n_words =
		(uint32_t)((n_ports > n_addrs ? n_ports : n_addrs) + WORD_BITS - 1) / WORD_BITS;
	s->n_sums = (s->n_words + WORD_BITS - 1) / WORD_BITS;
	s->n_sets = z.n_sets;
	s->half = (uint16_t)(pow2_at_least(n_ports / 2 + 1) / 2 - (n_ports >= 2));
	s->rests.size = z.rests;
	s->mem = *mem;
	memcpy(s->addr, addrs, n_addrs * sizeof(*addrs));
	draw_secrets(s, &seed);
	fill_ports(s, range, seed);
	return s;

einval:
	errno = EINVAL;
	return NULL;
}

void
sl_sport_free(struct sl_sport *s)
{
	if (s)
		s->mem.free(s->mem.ctx, s);
}

// ---- one place ----

static bool
is_free(const struct sl_sport *s, uint64_t place, uint32_t port)
{
	const struct sl_tuple t = place_tuple(s, place, port);

	return sl_flow_find(s->flows, &t) == SL_FLOW_NONE && !sport_rests(s, place, port);
}

static inline uint16_t
cursor_after(const struct sl_sport *s, const struct slot *slot)
{
	return slot->cursor + 1u >= s->n_ports ? 0 : (uint16_t)(slot->cursor + 1u);
}

// Places begin where their hash says, and go round all ports: one that is given back is tried again
// when the cursor comes by.
static inline uint32_t
next_port(const struct sl_sport *s, uint64_t hash, struct slot *slot)
{
	const uint32_t begin = (uint32_t)((hash >> 32) * s->n_ports >> 32);
	const uint32_t i = begin + slot->cursor;

	slot->cursor = cursor_after(s, slot);
	return i >= s->n_ports ? i - s->n_ports : i;
}

// The next one that is this worker's at the place, of few that are looked at. NO_PORT: none is.
static inline int
next_own(const struct sl_sport *s, uint64_t place, uint64_t hash, struct slot *slot, bool *due)
{
	const uint16_t base = place_base(s, place);

	for (unsigned k = 0; k < PASS_MAX * s->owner->n_workers; k++) {
		const uint32_t port = next_port(s, hash, slot);

		*due = *due || (slot->cursor & s->half) == 0;
		if (place_has(s, base, port))
			return (int)port;
	}
	return NO_PORT;
}

// Each half of a round the place that is at it gets a set, so that one that fills up without a gap
// is known before it is full.
static int
try_few(struct sl_sport *s, uint64_t place, uint64_t hash)
{
	struct slot *slot = place_slot(s, hash);
	int port = 0;
	bool due = false;

	for (unsigned k = 0; k < TRIES; k++) {
		const int own = next_own(s, place, hash, slot, &due);

		if (own < 0)
			break;
		port = own;
		if (is_free(s, place, (uint32_t)port)) {
			if (due)
				sport_set_new(s, place)->from = (uint16_t)(port + 1);
			return (int)port;
		}
	}
	sport_set_new(s, place)->from = (uint16_t)(port + 1);
	return NO_PORT;
}

static int
take_from_set(struct sl_sport *s, struct set *set, uint32_t keep, unsigned *budget)
{
	set->warm = true;
	if (sl_unlikely(!sport_set_has_more(s, set, keep, budget)))
		return set->n_unknown > 0 ? UNSURE : NO_PORT;
	const uint32_t from = set->from;
	const int port = sport_set_next(s, set, from, budget);

	if (port >= 0) {
		sport_set_remove(s, set, (uint32_t)port);
		set->from = (uint16_t)(port + 1);
		if ((uint32_t)port / WORD_BITS != (from - 1) / WORD_BITS) // another word
			sport_set_learn_ahead(s, set);
	}
	return port;
}

static void
add_taken(struct slot *slot, uint32_t n)
{
	__atomic_store_n(&slot->taken, slot->taken + n, __ATOMIC_RELAXED);
}

// A port of the place, if more than `keep` are free. That is seen to where there is a set: without
// one the place is far from being full.
static int
take_from(struct sl_sport *s, uint64_t place, uint32_t keep, unsigned *budget)
{
	const uint64_t hash = place_hash(s, place);
	struct slot *slot = place_slot(s, hash);
	struct set *set = sport_set_in(s, slot, place);
	int port = set ? NO_PORT : try_few(s, place, hash);

	if (port < 0)
		port = take_from_set(s, set ? set : sport_set_in(s, slot, place), keep, budget);
	if (port >= 0)
		add_taken(slot, 1);
	return port;
}

// ---- all of them ----

static void
add_lent(struct sl_sport *s, uint8_t proto, uint32_t n)
{
	uint32_t *lent = &s->lent[proto == SL_PROTO_UDP];

	assert(proto == SL_PROTO_TCP || proto == SL_PROTO_UDP);
	__atomic_store_n(lent, *lent + n, __ATOMIC_RELAXED);
}

// The address has no port: the next ones that may have some, beginning behind it. Which addresses
// have none is kept in a set of the destination.
static int
spill(struct sl_sport *s, const struct sl_tuple *endpoint, uint32_t *addr, int port,
	unsigned *budget)
{
	const uint64_t all = place_of(endpoint, ALL_ADDRS);

	for (unsigned k = 0; k <= SPILL_MAX; k++) {
		struct set *open = sport_set_find(s, all);

		open = open ? open : sport_set_new(s, all);
		if (port == NO_PORT)
			sport_set_remove(s, open, *addr);
		const int next = sport_set_next(s, open, *addr + 1, budget);

		if (next < 0 || (uint32_t)next == *addr || k == SPILL_MAX)
			break;
		*addr = (uint32_t)next;
		port = take_from(s, place_of(endpoint, *addr), s->reserve, budget);
		if (port >= 0)
			break;
	}
	return port;
}

// A port beyond the reserve: of *addr, or of one of the next addresses, which becomes *addr.
static int
find_port(struct sl_sport *s, const struct sl_tuple *endpoint, uint32_t *addr, unsigned *budget)
{
	const int port = take_from(s, place_of(endpoint, *addr), s->reserve, budget);

	if (sl_unlikely(port < 0) && s->n_addrs > 1)
		return spill(s, endpoint, addr, port, budget);
	return port;
}

// Likewise one of the reserve.
static int
find_reserve(struct sl_sport *s, const struct sl_tuple *endpoint, uint32_t *addr, unsigned *budget)
{
	const uint32_t n = s->n_addrs < SPILL_MAX + 1 ? s->n_addrs : SPILL_MAX + 1;
	int port = NO_PORT;

	for (uint32_t k = 0; k < n && port < 0; k++) {
		if (k > 0)
			*addr = *addr + 1 < s->n_addrs ? *addr + 1 : 0;
		port = take_from(s, place_of(endpoint, *addr), 0, budget);
	}
	return port;
}

static int
lend(struct sl_sport *s, struct sl_tuple *endpoint, uint32_t addr, int port, uint16_t *pool_addr)
{
	*pool_addr = (uint16_t)addr;
	endpoint->dst = s->addr[addr];
	endpoint->dport = sl_cpu_to_be16(s->port[port]);
	add_lent(s, endpoint->proto, 1);
	return 0;
}

static int
refuse(struct sl_sport *s, const struct sl_tuple *endpoint)
{
	const uint64_t place = place_of(endpoint, ALL_ADDRS);
	uint64_t *n = &s->refusals[place_proto(place)];

	__atomic_store_n(&s->refused[place_proto(place)], place, __ATOMIC_RELAXED);
	__atomic_store_n(n, *n + 1, __ATOMIC_RELAXED);
	return -ENOSPC;
}

// By hash a word has that many fewer ports of its own.
static unsigned
learn_max(const struct sl_sport *s)
{
	return LEARN_MAX * s->owner->n_workers / s->step;
}

static uint32_t
first_addr(const struct sl_sport *s, uint32_t client_hash)
{
	return (uint32_t)((uint64_t)client_hash * s->n_addrs >> 32);
}

bool
sl_sport_offer(struct sl_sport *s, struct sl_tuple *endpoint, uint32_t client_hash,
	struct sl_sport_offer *offer)
{
	const uint32_t addr = first_addr(s, client_hash);
	const uint64_t place = place_of(endpoint, addr), hash = place_hash(s, place);
	struct slot *slot = place_slot(s, hash);
	const uint16_t cursor = slot->cursor;
	bool due = false;
	int port = NO_PORT;

	// One that has a set, or is to get one, is for get, which keeps the reserve.
	if (sl_likely(!sport_set_in(s, slot, place)))
		port = next_own(s, place, hash, slot, &due);
	if (sl_unlikely(port < 0 || due)) {
		slot->cursor = cursor;
		return false;
	}
	*offer = (struct sl_sport_offer){.pool_addr = (uint16_t)addr, .port = (uint16_t)port};
	endpoint->dst = s->addr[addr];
	endpoint->dport = sl_cpu_to_be16(s->port[port]);
	return true;
}

int
sl_sport_get(
	struct sl_sport *s, struct sl_tuple *endpoint, uint32_t client_hash, uint16_t *pool_addr)
{
	uint32_t addr = first_addr(s, client_hash);
	unsigned budget = learn_max(s);
	const int port = find_port(s, endpoint, &addr, &budget);

	if (sl_unlikely(port < 0))
		return refuse(s, endpoint);
	return lend(s, endpoint, addr, port, pool_addr);
}

int
sl_sport_get_reserve(
	struct sl_sport *s, struct sl_tuple *endpoint, uint32_t client_hash, uint16_t *pool_addr)
{
	uint32_t addr = first_addr(s, client_hash);
	unsigned budget = learn_max(s);
	int port = find_port(s, endpoint, &addr, &budget);

	if (port < 0 && s->reserve > 0) {
		addr = first_addr(s, client_hash);
		port = find_reserve(s, endpoint, &addr, &budget);
	}
	if (port < 0)
		return refuse(s, endpoint);
	return lend(s, endpoint, addr, port, pool_addr);
}

int
sl_sport_take_offered(struct sl_sport *s, const struct sl_tuple *endpoint, uint64_t hash,
	struct sl_sport_offer offer)
{
	const uint64_t place = place_of(endpoint, offer.pool_addr);
	struct slot *slot = slot_of(s, place);

	if (sl_unlikely(sport_set_in(s, slot, place)) ||
		sl_flow_find_hashed(s->flows, hash, endpoint) != SL_FLOW_NONE ||
		sport_rests(s, place, offer.port))
		return -EADDRINUSE;
	add_lent(s, endpoint->proto, 1);
	add_taken(slot, 1);
	return 0;
}

int
sl_sport_take(struct sl_sport *s, const struct sl_tuple *endpoint, uint16_t pool_addr)
{
	const uint64_t place = place_of(endpoint, pool_addr);
	const uint32_t port = port_index(s, endpoint->dport);

	if (!place_has(s, place_base(s, place), port) || !is_free(s, place, port))
		return -EADDRINUSE;
	struct slot *slot = slot_of(s, place);
	struct set *set = sport_set_in(s, slot, place);

	if (set)
		sport_set_remove(s, set, port);
	add_lent(s, endpoint->proto, 1);
	add_taken(slot, 1);
	return 0;
}

// Some address of the destination has one again then.
void
sport_free_port(struct sl_sport *s, uint64_t place, uint32_t port)
{
	struct slot *slot = slot_of(s, place);
	struct set *set = sport_set_in(s, slot, place);
	struct set *open = s->n_all > 0 ? sport_set_find(s, place | ALL_ADDRS) : NULL;

	add_taken(slot, UINT32_MAX);
	if (set)
		sport_set_add(s, set, port);
	if (open)
		sport_set_add(s, open, place & ALL_ADDRS);
}

void
sl_sport_put(struct sl_sport *s, const struct sl_tuple *endpoint, uint16_t pool_addr, sl_tick now,
	sl_tick rest)
{
	const uint64_t place = place_of(endpoint, pool_addr);

	assert(pool_addr < s->n_addrs && s->addr[pool_addr] == endpoint->dst);
	add_lent(s, endpoint->proto, UINT32_MAX);
	if (rest > 0)
		sport_rest_add(s, place, port_index(s, endpoint->dport), tick_add(now, rest));
	else
		sport_free_port(s, place, port_index(s, endpoint->dport));
}

// ---- what is shown, see also sport_fill.c ----

uint32_t
sl_sport_total(const struct sl_sport *s)
{
	return s->n_addrs * s->n_own;
}

uint32_t
sl_sport_lent(const struct sl_sport *s, uint8_t proto)
{
	return __atomic_load_n(&s->lent[proto == SL_PROTO_UDP], __ATOMIC_RELAXED);
}

uint32_t
sl_sport_reserve(const struct sl_sport *s)
{
	return s->n_addrs * s->reserve;
}

uint32_t
sl_sport_resting(const struct sl_sport *s, uint8_t proto)
{
	return __atomic_load_n(&s->resting[proto == SL_PROTO_UDP], __ATOMIC_RELAXED);
}

uint64_t
sl_sport_refusals(const struct sl_sport *s, uint8_t proto)
{
	return __atomic_load_n(&s->refusals[proto == SL_PROTO_UDP], __ATOMIC_RELAXED);
}

bool
sl_sport_refused(const struct sl_sport *s, uint8_t proto, struct sl_tuple *destination)
{
	const uint64_t place =
		__atomic_load_n(&s->refused[proto == SL_PROTO_UDP], __ATOMIC_RELAXED);

	*destination = (struct sl_tuple){
		.src = (sl_be32)(place >> 32),
		.sport = (sl_be16)(place >> 16),
		.proto = proto,
	};
	return place != 0;
}
