// What is free at a dense place: one bit an index, and two bits a word above them, so that the next
// free one is found in a few steps however full the place is.
#include "sport.h"

#define CHANCES 8 // sets that the hand passes at most

static uint32_t
div_up(uint32_t a, uint32_t b)
{
	return (a + b - 1) / b;
}

size_t
sport_set_bytes(uint32_t n)
{
	const uint32_t words = div_up(n, WORD_BITS);

	return sizeof(struct set) +
	       (words + 2 * (size_t)div_up(words, WORD_BITS)) * sizeof(uint64_t);
}

// Words that may have something: unknown, or not empty.
static uint64_t *
maybe(struct set *set)
{
	return set->bits;
}

static uint64_t *
unknown(const struct sl_sport *s, struct set *set)
{
	return set->bits + s->n_sums;
}

static uint64_t *
words(const struct sl_sport *s, struct set *set)
{
	return set->bits + 2 * (size_t)s->n_sums;
}

static bool
bit_at(const uint64_t *bits, uint32_t i)
{
	return bits[i / WORD_BITS] >> i % WORD_BITS & 1;
}

static void
bit_set(uint64_t *bits, uint32_t i)
{
	bits[i / WORD_BITS] |= UINT64_C(1) << i % WORD_BITS;
}

static void
bit_clear(uint64_t *bits, uint32_t i)
{
	bits[i / WORD_BITS] &= ~(UINT64_C(1) << i % WORD_BITS);
}

static void
set_first(uint64_t *bits, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += WORD_BITS)
		bits[i / WORD_BITS] =
			n - i >= WORD_BITS ? UINT64_MAX : (UINT64_C(1) << (n - i)) - 1;
}

// The next set bit from i on, round, of n bits with n_words words. n: there is none.
static uint32_t
bit_next(const uint64_t *bits, uint32_t n_words, uint32_t i)
{
	uint32_t w = i / WORD_BITS;
	uint64_t word = w < n_words ? bits[w] & UINT64_MAX << i % WORD_BITS : 0;

	for (uint32_t k = 0; word == 0 && k < n_words; k++) {
		w = w + 1 >= n_words ? 0 : w + 1;
		word = bits[w];
	}
	return word ? w * WORD_BITS + (uint32_t)__builtin_ctzll(word) : n_words * WORD_BITS;
}

// ---- which set is whose ----

struct set *
sport_set_in(const struct sl_sport *s, const struct slot *slot, uint64_t place)
{
	for (uint32_t i = slot->head; sl_unlikely(i); i = set_at(s, i)->next)
		if (set_at(s, i)->place == place)
			return set_at(s, i);
	return NULL;
}

struct set *
sport_set_find(const struct sl_sport *s, uint64_t place)
{
	return sport_set_in(s, slot_of(s, place), place);
}

static bool
is_of_addrs(uint64_t place)
{
	return (place & ALL_ADDRS) == ALL_ADDRS;
}

static void
unlink_set(struct sl_sport *s, uint32_t number)
{
	const struct set *set = set_at(s, number);
	uint16_t *link = &slot_of(s, set->place)->head;

	while (*link != number)
		link = &set_at(s, *link)->next;
	*link = set->next;
	s->n_all -= is_of_addrs(set->place);
}

// One that was never used, or the next one that nobody asked for lately.
static uint32_t
take_set(struct sl_sport *s)
{
	if (s->n_used < s->n_sets) {
		__atomic_store_n(&s->n_used, s->n_used + 1, __ATOMIC_RELAXED);
		return s->n_used;
	}
	for (unsigned i = 0; i < CHANCES; i++) {
		s->hand = s->hand >= s->n_sets ? 1 : s->hand + 1;
		if (!set_at(s, s->hand)->warm)
			break;
		set_at(s, s->hand)->warm = false;
	}
	unlink_set(s, s->hand);
	return s->hand;
}

static void
set_free(struct set *set, uint32_t n)
{
	__atomic_store_n(&set->n_free, (uint16_t)n, __ATOMIC_RELAXED);
}

struct set *
sport_set_new(struct sl_sport *s, uint64_t place)
{
	const uint32_t number = take_set(s);
	const bool ports = !is_of_addrs(place);
	const uint32_t n = ports ? s->n_ports : s->n_addrs;
	const uint32_t n_words = div_up(n, WORD_BITS);
	struct slot *slot = slot_of(s, place);
	struct set *set = set_at(s, number);

	memset(set->bits, 0, s->set_bytes - sizeof(*set));
	__atomic_store_n(&set->place, place, __ATOMIC_RELAXED);
	__atomic_store_n(&set->n_unknown, ports ? (uint16_t)n_words : 0, __ATOMIC_RELAXED);
	set_free(set, ports ? 0 : n);
	set->next = slot->head;
	set->from = 0;
	set->warm = false;
	slot->head = (uint16_t)number;
	s->n_all += !ports;
	set_first(maybe(set), n_words);
	if (ports)
		set_first(unknown(s, set), n_words);
	else
		set_first(words(s, set), n);
	return set;
}

// ---- what is in it ----

void
sport_set_add(const struct sl_sport *s, struct set *set, uint32_t i)
{
	if (bit_at(unknown(s, set), i / WORD_BITS) || bit_at(words(s, set), i))
		return;
	bit_set(words(s, set), i);
	bit_set(maybe(set), i / WORD_BITS);
	set_free(set, set->n_free + 1u);
}

void
sport_set_remove(const struct sl_sport *s, struct set *set, uint32_t i)
{
	const uint32_t w = i / WORD_BITS;

	if (!bit_at(words(s, set), i))
		return;
	bit_clear(words(s, set), i);
	set_free(set, set->n_free - 1u);
	if (words(s, set)[w] == 0)
		bit_clear(maybe(set), w);
}

// The flow table is asked for a word of ports, and those that rest.
static void
learn(const struct sl_sport *s, struct set *set, uint32_t w)
{
	const uint32_t first = w * WORD_BITS;
	const uint32_t n = s->n_ports - first < WORD_BITS ? s->n_ports - first : WORD_BITS;
	const uint16_t base = place_base(s, set->place);
	struct sl_tuple tuple[WORD_BITS];
	const struct sl_tuple *at[WORD_BITS] = {NULL};
	uint32_t ref[WORD_BITS], own[WORD_BITS], n_own = 0;
	uint64_t word = 0;

	_Static_assert(WORD_BITS <= SL_FLOW_BURST, "one burst");
	for (uint32_t i = 0; i < n; i++) {
		if (!place_has(s, base, first + i))
			continue;
		tuple[n_own] = place_tuple(s, set->place, first + i);
		at[n_own] = &tuple[n_own];
		own[n_own++] = i;
	}
	sl_flow_lookup(s->flows, at, n_own, ref);
	for (uint32_t k = 0; k < n_own; k++)
		if (ref[k] == SL_FLOW_NONE && !sport_rests(s, set->place, first + own[k]))
			word |= UINT64_C(1) << own[k];
	words(s, set)[w] = word;
	bit_clear(unknown(s, set), w);
	set_free(set, set->n_free + (uint32_t)__builtin_popcountll(word));
	__atomic_store_n(&set->n_unknown, set->n_unknown - 1, __ATOMIC_RELAXED);
	if (word == 0)
		bit_clear(maybe(set), w);
}

void
sport_set_learn_ahead(const struct sl_sport *s, struct set *set)
{
	if (sl_likely(set->n_unknown == 0))
		return;
	const uint32_t n = div_up(s->n_ports, WORD_BITS);
	const uint32_t w = set->from / WORD_BITS + n / 2;

	learn(s, set, bit_next(unknown(s, set), s->n_sums, w < n ? w : w - n));
}

bool
sport_set_has_more(const struct sl_sport *s, struct set *set, uint32_t keep, unsigned *budget)
{
	while (set->n_free <= keep && set->n_unknown > 0 && *budget > 0) {
		--*budget;
		learn(s, set, bit_next(unknown(s, set), s->n_sums, set->from / WORD_BITS));
	}
	return set->n_free > keep;
}

int
sport_set_next(const struct sl_sport *s, struct set *set, uint32_t i, unsigned *budget)
{
	uint32_t w = i / WORD_BITS;
	uint64_t mask = UINT64_MAX << i % WORD_BITS; // in the first word from i on

	set->warm = true;
	if (w >= s->n_words || !bit_at(maybe(set), w)) {
		w = bit_next(maybe(set), s->n_sums, w);
		mask = UINT64_MAX;
	}
	while (w < s->n_sums * WORD_BITS) {
		if (bit_at(unknown(s, set), w)) {
			if (*budget == 0)
				return UNSURE;
			--*budget;
			learn(s, set, w);
		}
		const uint64_t word = words(s, set)[w] & mask;

		if (word)
			return (int)(w * WORD_BITS + (uint32_t)__builtin_ctzll(word));
		w = bit_next(maybe(set), s->n_sums, w + 1);
		mask = UINT64_MAX;
	}
	return NO_PORT;
}
