// Rules of loadBalancer, but for localities.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dr_check.h"
#include "sl_str.h"

#define HASH "loadBalancer.consistentHash"

// Fields of a oneof: the second that is there is one too many.
static void
check_one_of(struct se_check *c, const struct dr_block *b, const char *in, const char *const *keys)
{
	const char *first = NULL;

	for (; *keys; keys++) {
		char path[96];

		snprintf(path, sizeof(path), "%s.%s", in, *keys);
		if (!dr_find(b, path))
			continue;
		if (first)
			se_say(c, SL_ERROR, NULL, P(c, "%s.%s", b->path, path),
				"not together with %s: one of them", first);
		else
			first = *keys;
	}
}

static void
check_cookie_attributes(struct se_check *c, const struct dr_block *b)
{
	const struct node *list = dr_find(b, HASH ".httpCookie.attributes");
	struct dr_name *v;
	char path[256];
	size_t n = 0;

	if (!list || list->kind != NODE_SEQ)
		return;
	v = sl_xcalloc(list->n, sizeof(*v));
	for (uint32_t i = 0; i < list->n; i++) {
		const struct node *name = node_get(list->items[i], "name");

		if (name && name->kind == NODE_SCALAR && *name->text)
			v[n++] = (struct dr_name){name->text, i};
	}
	snprintf(path, sizeof(path), "%s." HASH ".httpCookie.attributes", b->path);
	dr_unique(c, "D12", path, v, n);
	free(v);
}

static bool
is_prime(uint64_t x)
{
	if (x < 4)
		return true; // as Envoy has it, 1 too
	if (x % 2 == 0)
		return false;
	for (uint64_t f = 3; f * f <= x; f += 2)
		if (x % f == 0)
			return false;
	return true;
}

static void
check_maglev(struct se_check *c, const struct dr_block *b)
{
	const uint64_t size = b->lb->maglev_size; // 0: not given, or out of range

	if (!b->lb->maglev)
		return;
	P(c, "%s." HASH ".maglev.tableSize", b->path);
	if (!dr_find(b, HASH ".maglev.tableSize"))
		se_say(c, SL_ERROR, "D14", c->path, "is required, and missing");
	else if (size && !is_prime(size))
		se_say(c, SL_ERROR, "D14", c->path, "%" PRIu64 " is not a prime", size);
}

// The deprecated place of the ring's size.
static void
check_ring(struct se_check *c, const struct dr_block *b)
{
	const char *other = dr_find(b, HASH ".ringHash") ? "ringHash"
			    : dr_find(b, HASH ".maglev") ? "maglev"
							 : NULL;
	const struct node *n = dr_find(b, HASH ".minimumRingSize");

	if (!n || (n->kind == NODE_SCALAR && strcmp(n->text, "0") == 0))
		return;
	P(c, "%s." HASH ".minimumRingSize", b->path);
	if (other)
		se_say(c, SL_ERROR, "D13", c->path,
			"not together with %s: write ringHash.minimumRingSize alone", other);
	else
		se_say(c, SL_WARNING, "D13", c->path, "deprecated: write ringHash.minimumRingSize");
}

static void
check_warmup(struct se_check *c, const struct dr_block *b)
{
	const struct node *n = dr_find(b, "loadBalancer.warmup.aggression");
	const bool number = n && n->kind == NODE_SCALAR &&
			    (n->scalar == SCALAR_INT || n->scalar == SCALAR_FLOAT);

	if (number && n->text[strspn(n->text, "+0.")] == '\0')
		se_say(c, SL_ERROR, "D21", P(c, "%s.loadBalancer.warmup.aggression", b->path),
			"%s is not above 0", n->text);
}

void
dr_check_lb(struct se_check *c, const struct dr_block *b)
{
	static const char *const policies[] = {"simple", "consistentHash", NULL};
	static const char *const keys[] = {
		"httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName", NULL};
	static const char *const tables[] = {"ringHash", "maglev", NULL};

	check_one_of(c, b, "loadBalancer", policies);
	check_one_of(c, b, HASH, keys);
	check_one_of(c, b, HASH, tables);
	check_cookie_attributes(c, b);
	check_ring(c, b);
	check_maglev(c, b);
	check_warmup(c, b);
	if (dr_find(b, "loadBalancer.localityLbSetting") &&
		dr_find(b, "loadBalancer.zoneAwareLbSetting"))
		se_say(c, SL_ERROR, "D15", P(c, "%s.loadBalancer.zoneAwareLbSetting", b->path),
			"not together with localityLbSetting");
	if (strcmp(dr_text(b, "loadBalancer.simple"), "LEAST_CONN") == 0)
		se_say(c, SL_WARNING, NULL, P(c, "%s.loadBalancer.simple", b->path),
			"LEAST_CONN is deprecated: write LEAST_REQUEST, which is the same");
}
