// Hosts by hash, built once. A name and all that is left of it when labels are taken away at its
// beginning are hashed in one pass from its end.

#include "table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "groups.h"
#include "sl_str.h"

#define LABELS_MAX 128
#define WILDCARD   UINT64_C(0x9e3779b97f4a7c15) // of "*.x" is hashed x, and this

// The addresses of a host for the groups in clients, first those of IPv4. A host's views are
// disjoint.
struct view {
	uint64_t clients;
	struct sl_ip *ip;
	uint32_t n[2];
};

struct host {
	char *name;
	const char *key; // in name: without "*."
	uint32_t len;    // of key
	bool wildcard;
	uint32_t n_views;
	struct view *view;
};

struct slot {
	uint32_t tag;    // of the hash what does not say where it is
	uint32_t number; // of the host, plus 1; 0: empty
};

struct sl_dns_table {
	struct host *host;
	uint32_t n;
	struct slot *slot;
	uint32_t mask;
	struct dns_groups groups;
	char *search; // NULL: none
	uint32_t search_len;
	uint32_t ttl;
};

// ---- keys ----

// A name without some labels at its beginning.
struct rest {
	const char *at;
	uint64_t hash;
	uint32_t len;
};

struct rests {
	struct rest rest[LABELS_MAX]; // the whole name is the last one
	uint32_t n;
};

static void
make_rests(const char *name, uint32_t len, struct rests *out)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	out->n = 0;
	for (uint32_t i = len; i-- > 0 && out->n < LABELS_MAX;) {
		h = (h ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
		if (i == 0 || name[i - 1] == '.')
			out->rest[out->n++] =
				(struct rest){.at = name + i, .hash = h ^ h >> 29, .len = len - i};
	}
}

// The rest with `skip` labels less than the name; NULL: there are not that many.
static const struct rest *
without(const struct rests *r, uint32_t skip)
{
	return skip < r->n ? &r->rest[r->n - 1 - skip] : NULL;
}

static uint64_t
hash_of(const struct rest *r, bool wildcard)
{
	return r->hash ^ (wildcard ? WILDCARD : 0);
}

// ---- building ----

static int
by_host(const void *pa, const void *pb)
{
	const struct sl_dns_table_row *const *a = pa, *const *b = pb;

	return strcmp((*a)->host, (*b)->host);
}

// The view of that group, and of all that see the same rows.
static void
make_view(const struct sl_dns_table_row *const *row, uint32_t n, uint64_t group, struct view *v)
{
	uint32_t n_ips = 0, at = 0;

	v->clients = UINT64_MAX;
	for (uint32_t i = 0; i < n; i++) {
		const bool sees = row[i]->clients & group;

		v->clients &= sees ? row[i]->clients : ~row[i]->clients;
		n_ips += sees ? row[i]->n : 0;
	}
	v->ip = sl_xcalloc(n_ips ? n_ips : 1, sizeof(*v->ip));
	for (uint32_t i = 0; i < n; i++) {
		if (!(row[i]->clients & group) || row[i]->n == 0)
			continue;
		memcpy(v->ip + at, row[i]->ip, row[i]->n * sizeof(*v->ip));
		at += row[i]->n;
	}
	n_ips = sl_ip_unique(v->ip, n_ips);
	for (uint32_t i = 0; i < n_ips; i++)
		v->n[v->ip[i].family == AF_INET ? DNS_V4 : DNS_V6]++;
	v->ip = sl_xrealloc(v->ip, n_ips ? n_ips : 1, sizeof(*v->ip));
}

static void
make_views(struct host *h, const struct sl_dns_table_row *const *row, uint32_t n)
{
	uint64_t left = 0;

	for (uint32_t i = 0; i < n; i++)
		left |= row[i]->clients;
	while (left) {
		h->view = sl_xrealloc(h->view, h->n_views + 1, sizeof(*h->view));
		struct view *v = &h->view[h->n_views++];

		memset(v, 0, sizeof(*v));
		make_view(row, n, left & -left, v);
		left &= ~v->clients;
	}
}

static void
insert(struct sl_dns_table *t, uint64_t hash, uint32_t number)
{
	uint32_t at = (uint32_t)hash & t->mask;

	while (t->slot[at].number)
		at = (at + 1) & t->mask;
	t->slot[at] = (struct slot){.tag = (uint32_t)(hash >> 32), .number = number + 1};
}

static void
add_host(struct sl_dns_table *t, const struct sl_dns_table_row *const *row, uint32_t n)
{
	struct host *h = &t->host[t->n];
	struct rests r;

	h->name = sl_xstrdup(row[0]->host);
	h->wildcard = strncmp(h->name, "*.", 2) == 0;
	h->key = h->wildcard ? h->name + 2 : h->name;
	h->len = (uint32_t)strlen(h->key);
	make_rests(h->key, h->len, &r);
	make_views(h, row, n);
	insert(t, hash_of(without(&r, 0), h->wildcard), t->n++);
}

// A host that no question can name has no place in an answer either.
static bool
can_be_asked(const char *host)
{
	uint8_t wire[255];

	return sl_dns_name_put(host, wire) > 1 && strcmp(host, "*") != 0;
}

static void
add_hosts(struct sl_dns_table *t, const struct sl_dns_table_cfg *cfg)
{
	const struct sl_dns_table_row **row = sl_xcalloc(cfg->n_rows + 1, sizeof(*row));
	uint32_t n = 0;

	for (uint32_t i = 0; i < cfg->n_rows; i++)
		if (cfg->row[i].clients && can_be_asked(cfg->row[i].host))
			row[n++] = &cfg->row[i];
	qsort(row, n, sizeof(*row), by_host);
	t->host = sl_xcalloc(n ? n : 1, sizeof(*t->host));
	for (t->mask = 1; t->mask < 2 * n; t->mask = t->mask << 1 | 1)
		;
	t->slot = sl_xcalloc(t->mask + 1, sizeof(*t->slot));
	for (uint32_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && by_host(&row[i], &row[end]) == 0; end++)
			;
		add_host(t, row + i, end - i);
	}
	free(row);
}

struct sl_dns_table *
sl_dns_table_new(const struct sl_dns_table_cfg *cfg)
{
	struct sl_dns_table *t = sl_xcalloc(1, sizeof(*t));

	t->ttl = cfg->ttl;
	t->search = sl_xstrdup(cfg->search && *cfg->search ? cfg->search : NULL);
	t->search_len = t->search ? (uint32_t)strlen(t->search) : 0;
	dns_groups_init(&t->groups, cfg->client, cfg->n_clients);
	add_hosts(t, cfg);
	return t;
}

void
sl_dns_table_free(struct sl_dns_table *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->n; i++) {
		for (uint32_t v = 0; v < t->host[i].n_views; v++)
			free(t->host[i].view[v].ip);
		free(t->host[i].view);
		free(t->host[i].name);
	}
	dns_groups_fini(&t->groups);
	free(t->search);
	free(t->host);
	free(t->slot);
	free(t);
}

uint32_t
sl_dns_table_count(const struct sl_dns_table *t)
{
	return t->n;
}

// ---- looking up ----

static bool
is_key(const struct host *h, const struct rest *r, bool wildcard)
{
	return h->len == r->len && h->wildcard == wildcard && memcmp(h->key, r->at, r->len) == 0;
}

static const struct host *
find_host(const struct sl_dns_table *t, const struct rest *r, bool wildcard)
{
	if (!r)
		return NULL;
	const uint64_t hash = hash_of(r, wildcard);

	for (uint32_t at = (uint32_t)hash & t->mask; t->slot[at].number; at = (at + 1) & t->mask) {
		const struct host *h = &t->host[t->slot[at].number - 1];

		if (t->slot[at].tag == (uint32_t)(hash >> 32) && is_key(h, r, wildcard))
			return h;
	}
	return NULL;
}

static bool
in_search(const struct sl_dns_table *t, const char *name, uint32_t len)
{
	const uint32_t dot = len - t->search_len - 1;

	return t->search && len > t->search_len + 1 && name[dot] == '.' &&
	       memcmp(name + dot + 1, t->search, t->search_len) == 0;
}

// Whether there is such a host, and the group may see it.
static bool
find(const struct sl_dns_table *t, uint64_t group, const struct host *h, struct dns_found *out)
{
	for (uint32_t i = 0; h && i < h->n_views; i++) {
		const struct view *v = &h->view[i];

		if (!(v->clients & group))
			continue;
		*out = (struct dns_found){.ip = {v->ip, v->ip + v->n[DNS_V4]},
			.n = {v->n[DNS_V4], v->n[DNS_V6]},
			.host = h->name,
			.ttl = t->ttl};
		return true;
	}
	return false;
}

// A host that is in the search domain has no second name there.
static bool
find_alias(
	const struct sl_dns_table *t, uint64_t group, const struct host *h, struct dns_found *out)
{
	out->is_alias =
		h && !in_search(t, h->name, (uint32_t)strlen(h->name)) && find(t, group, h, out);
	return out->is_alias;
}

bool
dns_table_find(const struct sl_dns_table *t, const struct sl_ip *client, const char *name,
	struct dns_found *out)
{
	const uint64_t group = UINT64_C(1) << dns_groups_of(&t->groups, client);
	const uint32_t len = (uint32_t)strlen(name);
	struct rests own, alias = {.n = 0};

	make_rests(name, len, &own);
	if (in_search(t, name, len))
		make_rests(name, len - t->search_len - 1, &alias);
	for (uint32_t skip = 0; skip < own.n; skip++) {
		const bool wildcard = skip > 0;

		if (find(t, group, find_host(t, without(&own, skip), wildcard), out) ||
			find_alias(t, group, find_host(t, without(&alias, skip), wildcard), out))
			return true;
	}
	return false;
}
