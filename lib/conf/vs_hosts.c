// The hosts of a VirtualService, and the names in its tls matches that have to be within them.
//
// Hosts are looked at in the order of their reversed texts: all that a wildcard covers follows it
// there, so that one pass finds every overlap, and one search tells whether a name is covered.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "sl_ip.h"
#include "sl_str.h"
#include "vs_check.h"

struct host {
	char *key; // reversed, without the `*`
	size_t len;
	bool wild;
	uint32_t i; // in spec.hosts
};

static void
host_init(struct host *h, const char *text, uint32_t i)
{
	h->wild = *text == '*';
	text += h->wild;
	h->len = strlen(text);
	h->i = i;
	h->key = sl_xcalloc(1, h->len + 1);
	for (size_t k = 0; k < h->len; k++)
		h->key[k] = text[h->len - 1 - k];
}

static int
by_key(const void *a, const void *b)
{
	const struct host *x = a, *y = b;
	const int order = strcmp(x->key, y->key);

	if (order)
		return order;
	if (x->wild != y->wild)
		return x->wild ? -1 : 1;
	return x->i < y->i ? -1 : x->i > y->i;
}

// a covers b: is it, or is a wildcard over it.
static bool
covers(const struct host *a, const struct host *b)
{
	if (a->wild)
		return strncmp(a->key, b->key, a->len) == 0;
	return !b->wild && strcmp(a->key, b->key) == 0;
}

// Sorts, reports overlaps and leaves only what nothing else covers.
static uint32_t
reduce(const struct vs_check *c, const struct spot *list, struct host *v, uint32_t n)
{
	uint32_t kept = 0;

	qsort(v, n, sizeof(*v), by_key);
	for (uint32_t i = 0; i < n; i++) {
		const struct host *up = kept ? &v[kept - 1] : NULL;

		if (up && covers(up, &v[i])) {
			const uint32_t later = up->i > v[i].i ? up->i : v[i].i;
			const uint32_t earlier = up->i > v[i].i ? v[i].i : up->i;
			const struct spot s = spot_item(list, later);

			spot_say(c->r, SL_ERROR, "V4", &s, "\"%.80s\" overlaps hosts[%u]",
				spot_text(&s), earlier);
			free(v[i].key);
		} else {
			v[kept++] = v[i];
		}
	}
	return kept;
}

static bool
is_covered(const struct host *v, uint32_t n, const char *name)
{
	struct host h;
	uint32_t low = 0, high = n;
	bool covered;

	host_init(&h, name, UINT32_MAX);
	while (low < high) { // the last one that is not behind h
		const uint32_t mid = low + (high - low) / 2;

		if (by_key(&v[mid], &h) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	covered = low && covers(&v[low - 1], &h);
	free(h.key);
	return covered;
}

// outbound_.PORT_.SUBSET_.HOST: what a gateway with AUTO_PASSTHROUGH reads out of an SNI.
static bool
is_cluster_name(const char *text)
{
	static const char start[] = "outbound_.";
	const char *port = text + sizeof(start) - 1, *subset, *host;

	if (strncmp(text, start, sizeof(start) - 1) != 0 || !isdigit((unsigned char)*port))
		return false;
	subset = port + strspn(port, "0123456789");
	if (strncmp(subset, "_.", 2) != 0)
		return false;
	host = strstr(subset + 2, "_.");
	return host && !check_wildcard_host(host + 2);
}

static bool
is_ip(const char *text)
{
	struct sl_ip ip;

	return sl_ip_parse(text, &ip) == 0;
}

static void
check_host(const struct vs_check *c, const struct spot *s, const char *text)
{
	const struct spot tls = spot_key(&c->spec, "tls");
	const char *expected = check_wildcard_host(text);

	if (strcmp(text, "*") == 0 && c->mesh)
		spot_say(c->r, SL_ERROR, "V3", s,
			"\"*\" goes with gateways only, and this object is for mesh: the clients");
	if (!expected || is_ip(text))
		return;
	if (c->gateways && spot_items(&tls) && is_cluster_name(text))
		return;
	spot_say(c->r, SL_ERROR, "V2", s, "\"%.80s\" is not %s, or an IP address", text, expected);
}

static void
check_sni_hosts(const struct vs_check *c, const struct spot *list, const struct host *v, uint32_t n)
{
	for (uint32_t i = 0; i < spot_items(list); i++) {
		const struct spot s = spot_item(list, i);
		const char *text = spot_text(&s);
		const char *expected = text ? check_wildcard_host(text) : NULL;

		if (!text)
			continue;
		if (is_ip(text))
			spot_say(c->r, SL_WARNING, "V21", &s,
				"an IP address is never in an SNI: this matches nothing");
		else if (expected && !(c->gateways && is_cluster_name(text)))
			spot_say(c->r, SL_ERROR, "V21", &s, "\"%.80s\" is not %s", text, expected);
		else if (!is_covered(v, n, text))
			spot_say(c->r, SL_ERROR, "V21", &s,
				"\"%.80s\" is within none of spec.hosts", text);
	}
}

void
vs_check_hosts(const struct vs_check *c)
{
	const struct spot list = spot_key(&c->spec, "hosts"), tls = spot_key(&c->spec, "tls");
	struct host *v = sl_xcalloc(spot_items(&list) + 1, sizeof(*v));
	uint32_t n = 0;

	for (uint32_t i = 0; i < spot_items(&list); i++) {
		const struct spot s = spot_item(&list, i);

		if (!spot_text(&s))
			continue;
		check_host(c, &s, spot_text(&s));
		host_init(&v[n++], spot_text(&s), i);
	}
	n = reduce(c, &list, v, n);
	for (uint32_t i = 0; i < spot_items(&tls); i++) {
		const struct spot route = spot_item(&tls, i), match = spot_key(&route, "match");

		for (uint32_t k = 0; k < spot_items(&match); k++) {
			const struct spot m = spot_item(&match, k);
			const struct spot names = spot_key(&m, "sniHosts");

			check_sni_hosts(c, &names, v, n);
		}
	}
	for (uint32_t i = 0; i < n; i++)
		free(v[i].key);
	free(v);
}
