// Source ports: one ring of free ports for each pool address and protocol.
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "sl_sport.h"

enum { TCP, UDP, N_PROTOS };

// The free ports of one address and protocol, oldest first; port[] holds at most per_addr of them.
struct ring {
	sl_be32 addr;
	uint16_t head;
	uint16_t count;
};

struct sl_sport {
	uint32_t free_count[N_PROTOS]; // relaxed atomic: w: worker, r: any
	uint32_t n_addrs;
	uint32_t per_addr; // ports of this worker
	uint16_t *ports;   // [proto][address][per_addr]
	struct sl_flow_mem mem;
	struct ring ring[]; // [proto][address]
};

static unsigned
proto_of(uint8_t proto)
{
	assert(proto == SL_PROTO_TCP || proto == SL_PROTO_UDP);
	return proto == SL_PROTO_TCP ? TCP : UDP;
}

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
list_ports(const struct sl_sport_range *range, unsigned worker, unsigned n_workers, uint16_t *out)
{
	uint32_t n = 0;

	for (uint32_t p = range->first; p <= range->last; p++) {
		if (p % n_workers != worker || p == 0 || is_reserved(range, (uint16_t)p))
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

static void
fill_rings(struct sl_sport *s, const sl_be32 *addrs, const struct sl_sport_range *range,
	unsigned worker, unsigned n_workers)
{
	uint64_t seed = (uintptr_t)s;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed ^= addrs[0];
	for (uint32_t r = 0; r < N_PROTOS * s->n_addrs; r++) {
		uint16_t *ports = s->ports + (size_t)r * s->per_addr;

		list_ports(range, worker, n_workers, ports);
		shuffle(ports, s->per_addr, &seed);
		s->ring[r] = (struct ring){
			.addr = addrs[r % s->n_addrs],
			.count = (uint16_t)s->per_addr,
		};
	}
}

struct sl_sport *
sl_sport_new(const sl_be32 *addrs, uint32_t n_addrs, const struct sl_sport_range *range,
	unsigned worker, unsigned n_workers, const struct sl_flow_mem *mem)
{
	const size_t n_rings = (size_t)N_PROTOS * n_addrs;
	struct sl_sport *s;
	uint32_t per_addr;

	if (n_addrs == 0 || n_addrs > UINT16_MAX || worker >= n_workers)
		goto einval;
	per_addr = list_ports(range, worker, n_workers, NULL);
	if (per_addr == 0)
		goto einval;
	s = mem->alloc(mem->ctx, sizeof(*s) + n_rings * sizeof(s->ring[0]) +
					 n_rings * per_addr * sizeof(s->ports[0]));
	if (!s) {
		errno = ENOMEM;
		return NULL;
	}
	s->n_addrs = n_addrs;
	s->per_addr = per_addr;
	s->ports = (uint16_t *)(s->ring + n_rings);
	s->mem = *mem;
	s->free_count[TCP] = s->free_count[UDP] = n_addrs * per_addr;
	fill_rings(s, addrs, range, worker, n_workers);
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

static void
add_free(struct sl_sport *s, unsigned proto, uint32_t n)
{
	__atomic_store_n(&s->free_count[proto], s->free_count[proto] + n, __ATOMIC_RELAXED);
}

int
sl_sport_get(struct sl_sport *s, uint8_t proto, uint32_t client_hash, uint16_t *pool_addr,
	sl_be32 *addr, sl_be16 *port)
{
	const unsigned pr = proto_of(proto);
	uint32_t a = (uint32_t)((uint64_t)client_hash * s->n_addrs >> 32);
	uint32_t r;

	if (s->free_count[pr] == 0)
		return -ENOSPC;
	// Some address has a port, so this ends.
	for (r = pr * s->n_addrs + a; s->ring[r].count == 0; r = pr * s->n_addrs + a)
		a = a + 1 == s->n_addrs ? 0 : a + 1;

	struct ring *ring = &s->ring[r];

	*pool_addr = (uint16_t)a;
	*addr = ring->addr;
	*port = sl_cpu_to_be16(s->ports[(size_t)r * s->per_addr + ring->head]);
	ring->head = ring->head + 1u == s->per_addr ? 0 : (uint16_t)(ring->head + 1u);
	ring->count--;
	add_free(s, pr, UINT32_MAX);
	return 0;
}

void
sl_sport_put(struct sl_sport *s, uint8_t proto, uint16_t pool_addr, sl_be16 port)
{
	const unsigned pr = proto_of(proto);
	const uint32_t r = pr * s->n_addrs + pool_addr;
	struct ring *ring = &s->ring[r];
	uint32_t tail = (uint32_t)ring->head + ring->count;

	assert(pool_addr < s->n_addrs && ring->count < s->per_addr);
	tail = tail >= s->per_addr ? tail - s->per_addr : tail;
	s->ports[(size_t)r * s->per_addr + tail] = sl_be16_to_cpu(port);
	ring->count++;
	add_free(s, pr, 1);
}

uint32_t
sl_sport_total(const struct sl_sport *s, uint8_t proto)
{
	(void)proto; // the same for both
	return s->n_addrs * s->per_addr;
}

uint32_t
sl_sport_free_count(const struct sl_sport *s, uint8_t proto)
{
	return __atomic_load_n(&s->free_count[proto_of(proto)], __ATOMIC_RELAXED);
}
