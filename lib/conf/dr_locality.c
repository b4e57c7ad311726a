// Rules of localityLbSetting, of a DestinationRule or the mesh.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dr_check.h"
#include "sl_str.h"

struct setting {
	const char *at;
	const struct sl_locality_lb *lb;
};

// ---- distribute ----

static bool
has_empty_part(const char *locality)
{
	const size_t len = strlen(locality);

	return !len || locality[0] == '/' || locality[len - 1] == '/' || strstr(locality, "//");
}

static bool
check_locality(struct se_check *c, const char *locality)
{
	const char *star = strchr(locality, '*');

	if (has_empty_part(locality))
		se_say(c, SL_ERROR, "D18", c->path,
			"\"%.80s\" has an empty part, expected "
			"region, region/zone or region/zone/subzone",
			locality);
	else if (star && star[1])
		se_say(c, SL_ERROR, "D18", c->path,
			"\"%.80s\" has a wildcard before its end, where one may stand", locality);
	else
		return true;
	return false;
}

// A locality without a wildcard at its end stands for what is in it, and so does one with.
struct place {
	const char *text;
	size_t len;     // without the wildcard
	uint32_t i;     // in its list
	uint32_t up;    // in the sorted list, the one around it; UINT32_MAX: none
	uint32_t first; // of it and those around it, the first in its list
};

static struct place
place_of(const char *text, uint32_t i)
{
	size_t len = strlen(text);

	if (len && text[len - 1] == '*' && (len == 1 || text[len - 2] == '/'))
		len -= len == 1 ? 1 : 2;
	return (struct place){.text = text, .len = len, .i = i};
}

static bool
is_wild(const struct place *p)
{
	return p->text[p->len] != '\0';
}

static bool
is_in(const struct place *outer, const struct place *p)
{
	return p->len >= outer->len && strncmp(outer->text, p->text, outer->len) == 0 &&
	       (!outer->len || p->len == outer->len || p->text[outer->len] == '/');
}

// What is in a locality follows it.
static int
by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	for (size_t i = 0; i < x->len && i < y->len; i++) {
		if (x->text[i] == y->text[i])
			continue;
		if (x->text[i] == '/' || y->text[i] == '/')
			return x->text[i] == '/' ? -1 : 1;
		return (unsigned char)x->text[i] < (unsigned char)y->text[i] ? -1 : 1;
	}
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return x->i < y->i ? -1 : x->i > y->i;
}

// Calls say for each place that has another one in it or around it. ordered: the first that fits a
// client counts, so that a later wildcard catches the rest.
static void
find_overlaps(struct se_check *c, const struct setting *b, uint32_t list, struct place *v,
	uint32_t n, bool ordered,
	void (*say)(struct se_check *c, const struct setting *b, uint32_t list,
		const struct place *later, const struct place *earlier))
{
	qsort(v, n, sizeof(*v), by_place);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t up = i ? i - 1 : UINT32_MAX;

		while (up != UINT32_MAX && !is_in(&v[up], &v[i]))
			up = v[up].up;
		v[i].up = up;
		v[i].first = i;
		if (up == UINT32_MAX)
			continue;
		if (v[v[up].first].i < v[i].i) {
			v[i].first = v[up].first;
			say(c, b, list, &v[i], &v[v[up].first]);
		} else if (!ordered || !is_wild(&v[up])) {
			say(c, b, list, &v[up], &v[i]);
		}
	}
}

static void
say_to(struct se_check *c, const struct setting *b, uint32_t list, const struct place *later,
	const struct place *earlier)
{
	P(c, "%s.distribute[%u].to", b->at, list);
	se_say(c, SL_ERROR, "D18", se_path_key(c, later->text), "overlaps with \"%.80s\"",
		earlier->text);
}

static void
say_from(struct se_check *c, const struct setting *b, uint32_t list, const struct place *later,
	const struct place *earlier)
{
	(void)list;
	se_say(c, SL_ERROR, "D18", P(c, "%s.distribute[%u].from", b->at, later->i),
		"\"%.80s\" overlaps with distribute[%u].from", later->text, earlier->i);
}

static void
check_to(struct se_check *c, const struct setting *b, uint32_t i)
{
	const struct sl_lb_distribute *d = &b->lb->distribute[i];
	struct place *v = sl_xcalloc(d->n_to, sizeof(*v));
	bool all = d->n_to != 0;
	uint32_t sum = 0, n = 0;

	for (uint32_t k = 0; k < d->n_to; k++) {
		all = all && d->to[k].weight; // 0: could not be read
		sum += d->to[k].weight;
		P(c, "%s.distribute[%u].to", b->at, i);
		se_path_key(c, d->to[k].locality);
		if (check_locality(c, d->to[k].locality))
			v[n++] = place_of(d->to[k].locality, k);
	}
	find_overlaps(c, b, i, v, n, false, say_to);
	if (all && sum != 100)
		se_say(c, SL_ERROR, "D18", P(c, "%s.distribute[%u].to", b->at, i),
			"the weights add up to %u, expected 100", sum);
	free(v);
}

static void
check_distribute(struct se_check *c, const struct setting *b)
{
	const struct sl_locality_lb *l = b->lb;
	struct place *v = sl_xcalloc(l->n_distribute, sizeof(*v));
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n_distribute; i++) {
		const char *from = l->distribute[i].from;

		check_to(c, b, i);
		P(c, "%s.distribute[%u].from", b->at, i);
		if (from && check_locality(c, from))
			v[n++] = place_of(from, i);
	}
	find_overlaps(c, b, 0, v, n, true, say_from);
	free(v);
}

// ---- failover ----

static bool
check_region(struct se_check *c, const struct setting *b, uint32_t i, const char *key,
	const char *region)
{
	const char *wrong = strpbrk(region, "/*");

	if (wrong)
		se_say(c, SL_ERROR, "D19", P(c, "%s.failover[%u].%s", b->at, i, key),
			"\"%.80s\" is not a region: it holds a %s", region,
			*wrong == '/' ? "zone" : "wildcard");
	return !wrong;
}

static void
check_failover(struct se_check *c, const struct setting *b)
{
	const struct sl_locality_lb *l = b->lb;

	for (uint32_t i = 0; i < l->n_failover; i++) {
		const struct sl_lb_failover *f = &l->failover[i];
		bool ok = f->from && f->to;

		if (f->from)
			ok = check_region(c, b, i, "from", f->from) && ok;
		if (f->to)
			ok = check_region(c, b, i, "to", f->to) && ok;
		if (ok && strcmp(f->from, f->to) == 0)
			se_say(c, SL_ERROR, "D19", P(c, "%s.failover[%u].to", b->at, i),
				"\"%.80s\" is the region itself", f->to);
	}
}

static bool
is_topology(const char *label)
{
	static const char *const labels[] = {"topology.kubernetes.io/region",
		"topology.kubernetes.io/zone", "topology.istio.io/subzone"};

	for (size_t i = 0; i < SL_ARRAY_LEN(labels); i++)
		if (strcmp(labels[i], label) == 0)
			return true;
	return false;
}

// False: failover already says what such a label of failoverPriority would.
static bool
check_priority(struct se_check *c, const struct setting *b)
{
	const struct sl_locality_lb *l = b->lb;

	for (uint32_t i = 0; l->n_failover && i < l->n_failover_priority; i++) {
		if (!l->failover_priority[i] || !is_topology(l->failover_priority[i]))
			continue;
		se_say(c, SL_ERROR, "D17", P(c, "%s.failoverPriority[%u]", b->at, i),
			"\"%s\" does not go with failover, which orders regions itself",
			l->failover_priority[i]);
		return false;
	}
	return true;
}

bool
locality_check(struct se_check *c, const char *at, const struct sl_locality_lb *l)
{
	const struct setting b = {at, l};

	if (l->n_distribute && l->n_failover) {
		se_say(c, SL_ERROR, "D16", P(c, "%s.failover", at), "not together with distribute");
		return false;
	}
	if (!check_priority(c, &b))
		return false;
	check_distribute(c, &b);
	check_failover(c, &b);
	return true;
}

void
dr_check_locality(struct se_check *c, const struct dr_block *b)
{
	const struct sl_locality_lb *l = &b->lb->locality;
	char at[192];

	snprintf(at, sizeof(at), "%s.loadBalancer.localityLbSetting", b->path);
	if (!locality_check(c, at, l) || dr_find(b, "outlierDetection"))
		return;
	if (l->n_failover || l->n_failover_priority)
		se_say(c, SL_WARNING, "D20",
			P(c, "%s.%s", at, l->n_failover ? "failover" : "failoverPriority"),
			"no effect without outlierDetection beside loadBalancer");
}
