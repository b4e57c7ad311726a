#include "wide.h"

#include <errno.h>
#include <stdlib.h>

#include "lpm.h"

// A cell to sort by port.
struct item {
	uint64_t port; // wide_key()
	uint32_t cell;
	uint32_t vip; // host order
	uint8_t len;
};

static int
cmp_item(const void *x, const void *y)
{
	const struct item *a = x, *b = y;

	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return a->cell < b->cell ? -1 : a->cell > b->cell;
}

static bool
is_wide(const struct sl_fwd_service *svc)
{
	return svc->key.proto != 0 && svc->key.len < 32;
}

static uint32_t
count(const struct sl_fwd_service *cell, uint32_t n_cells)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_cells; i++)
		n += is_wide(&cell[i]);
	return n;
}

static void
collect(struct item *item, const struct sl_fwd_service *cell, uint32_t n_cells)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_cells; i++) {
		const struct sl_fwd_key *key = &cell[i].key;

		if (is_wide(&cell[i]))
			item[n++] = (struct item){.port = wide_key(key->proto, key->port),
				.cell = i,
				.vip = sl_be32_to_cpu(key->vip),
				.len = key->len};
	}
	qsort(item, n, sizeof(*item), cmp_item);
}

static size_t
room(uint32_t n)
{
	return lpm_room(LPM_RANGES_MAX(n));
}

// Items of one port, with `first` of other ports before, whose ranges take `start`. Returns how
// much these take.
static size_t
add_port(struct wide *w, const struct item *item, uint32_t n, uint32_t first, size_t start,
	struct lpm_prefix *p)
{
	struct wide_port *port = &w->port[w->n_ports];
	uint32_t n_cidrs = 0;

	*port = (struct wide_port){
		.first = start, .cidr = 2 * first + w->n_ports, .any = WIDE_NONE};
	for (uint32_t i = 0; i < n; i++) {
		w->cell[first + i] = item[i].cell;
		if (item[i].len == 0)
			port->any = item[i].cell;
		else
			p[n_cidrs++] = (struct lpm_prefix){
				.first = item[i].vip, .len = item[i].len, .value = first + i};
	}
	*fwd_map_at(&w->by_port, item[0].port) = w->n_ports++;
	if (n_cidrs == 0)
		return 0;
	port->n = lpm_make(p, n_cidrs, false, w->start + port->first, w->cidr + port->cidr, w->up);
	for (uint32_t i = port->cidr; i < port->cidr + port->n; i++)
		w->spot[i] = w->cidr[i] == LPM_NONE ? WIDE_NONE : w->cell[w->cidr[i]];
	return room(n_cidrs);
}

static uint32_t
end_of_port(const struct item *item, uint32_t n, uint32_t i)
{
	uint32_t end = i + 1;

	while (end < n && item[end].port == item[i].port)
		end++;
	return end;
}

// Room for the ranges of all ports.
static size_t
room_of_ports(const struct item *item, uint32_t n)
{
	size_t sum = 0;

	for (uint32_t i = 0, end; i < n; i = end) {
		end = end_of_port(item, n, i);
		sum += room(end - i);
	}
	return sum;
}

static void
add_ports(struct wide *w, const struct item *item, uint32_t n, struct lpm_prefix *p)
{
	size_t start = 0;

	for (uint32_t i = 0, end; i < n; i = end) {
		end = end_of_port(item, n, i);
		start += add_port(w, item + i, end - i, i, start, p);
	}
}

int
wide_init(struct wide *w, const struct sl_fwd_service *cell, uint32_t n_cells)
{
	const uint32_t n = count(cell, n_cells);
	struct lpm_prefix *p;
	struct item *item;
	int rc = -ENOMEM;

	*w = (struct wide){.n_ports = 0};
	if (n == 0)
		return 0;
	item = malloc(n * sizeof(*item));
	p = malloc(n * sizeof(*p));
	w->port = malloc(n * sizeof(*w->port));
	w->cidr = malloc(3 * (size_t)n * sizeof(*w->cidr)); // two an item and one a port
	w->spot = malloc(3 * (size_t)n * sizeof(*w->spot));
	w->cell = malloc(n * sizeof(*w->cell));
	w->up = malloc(n * sizeof(*w->up));
	if (item) {
		collect(item, cell, n_cells);
		w->start = lpm_alloc(room_of_ports(item, n));
	}
	if (item && p && w->port && w->start && w->cidr && w->spot && w->cell && w->up &&
		fwd_map_init(&w->by_port, n) == 0) {
		add_ports(w, item, n, p);
		rc = 0;
	}
	free(item);
	free(p);
	return rc;
}

void
wide_fini(struct wide *w)
{
	fwd_map_fini(&w->by_port);
	free(w->port);
	free(w->start);
	free(w->cidr);
	free(w->spot);
	free(w->cell);
	free(w->up);
}
