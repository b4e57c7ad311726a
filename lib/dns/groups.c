#include "groups.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sl_str.h"

#define GROUPS_MAX 64

struct group {
	struct sl_prefix prefix; // without host bits
	uint32_t order;          // of equal ones the first counts
	uint8_t group;
};

struct run {
	uint32_t first, n;
	uint8_t family, len;
};

// By family, the longest first, then by address.
static int
by_prefix(const void *pa, const void *pb)
{
	const struct group *a = pa, *b = pb;

	if (a->prefix.addr.family != b->prefix.addr.family)
		return a->prefix.addr.family < b->prefix.addr.family ? -1 : 1;
	if (a->prefix.len != b->prefix.len)
		return a->prefix.len > b->prefix.len ? -1 : 1;
	const int rc = sl_ip_order(&a->prefix.addr, &b->prefix.addr);

	return rc ? rc : (a->order > b->order) - (a->order < b->order);
}

static bool
same_run(const struct run *run, const struct sl_prefix *p)
{
	return run->family == p->addr.family && run->len == p->len;
}

static void
make_runs(struct dns_groups *g)
{
	for (uint32_t i = 0; i < g->n; i++) {
		const struct sl_prefix *p = &g->prefix[i].prefix;

		if (g->n_runs == 0 || !same_run(&g->run[g->n_runs - 1], p))
			g->run[g->n_runs++] =
				(struct run){.first = i, .family = p->addr.family, .len = p->len};
		g->run[g->n_runs - 1].n++;
	}
}

void
dns_groups_init(struct dns_groups *g, const struct sl_dns_table_client *client, uint32_t n)
{
	*g = (struct dns_groups){.n = n};
	g->prefix = sl_xcalloc(n ? n : 1, sizeof(*g->prefix));
	g->run = sl_xcalloc(n ? n : 1, sizeof(*g->run));
	for (uint32_t i = 0; i < n; i++) {
		g->prefix[i] = (struct group){.prefix = client[i].prefix,
			.order = i,
			.group = client[i].group % GROUPS_MAX};
		sl_prefix_mask(&g->prefix[i].prefix);
	}
	qsort(g->prefix, n, sizeof(*g->prefix), by_prefix);
	make_runs(g);
}

void
dns_groups_fini(struct dns_groups *g)
{
	free(g->prefix);
	free(g->run);
}

// The first of the run that is not below the address.
static const struct group *
search(const struct dns_groups *g, const struct run *run, const struct sl_ip *ip)
{
	const struct group *first = g->prefix + run->first, *end = first + run->n;

	while (first < end) {
		const struct group *middle = first + (end - first) / 2;

		if (sl_ip_order(&middle->prefix.addr, ip) < 0)
			first = middle + 1;
		else
			end = middle;
	}
	return first < g->prefix + run->first + run->n ? first : NULL;
}

uint8_t
dns_groups_of(const struct dns_groups *g, const struct sl_ip *client)
{
	for (uint32_t i = 0; i < g->n_runs; i++) {
		const struct run *run = &g->run[i];
		struct sl_prefix p = {.addr = *client, .len = run->len};

		if (run->family != client->family)
			continue;
		sl_prefix_mask(&p);
		const struct group *found = search(g, run, &p.addr);

		if (found && sl_ip_order(&found->prefix.addr, &p.addr) == 0)
			return found->group;
	}
	return 0;
}
