// Hosts with services by what they end in, so that a rule or route of "*.a.example" finds those
// that it covers without looking at all.
#include <stdlib.h>
#include <string.h>

#include "mesh.h"
#include "sl_str.h"

// What a pattern has behind its star: ".a.example".
struct suffix {
	struct node node;
	struct member *first;
};

// A host in the list of one of its suffixes.
struct member {
	struct member *next, **link;
	struct host *host;
	struct suffix *suffix;
};

static struct suffix *
suffix_get(struct sl_mesh *m, const char *text)
{
	struct suffix *s = by_key_find(&m->suffixes, text);

	if (!s) {
		s = sl_xcalloc(1, sizeof(*s));
		by_key_add(&m->suffixes, &s->node, text);
	}
	return s;
}

static void
join(struct member *mb, struct host *h, struct suffix *s)
{
	*mb = (struct member){s->first, &s->first, h, s};
	if (s->first)
		s->first->link = &mb->next;
	s->first = mb;
}

void
suffix_put(struct sl_mesh *m, struct host *h)
{
	uint32_t n = 0;

	for (const char *dot = h->node.key; (dot = strchr(dot, '.')) != NULL; dot++)
		n++;
	h->member = sl_xcalloc(n + 1, sizeof(*h->member));
	for (const char *dot = h->node.key; (dot = strchr(dot, '.')) != NULL; dot++)
		join(&h->member[h->n_members++], h, suffix_get(m, dot));
}

void
suffix_del(struct sl_mesh *m, struct host *h)
{
	for (uint32_t i = 0; i < h->n_members; i++) {
		struct member *mb = &h->member[i];

		*mb->link = mb->next;
		if (mb->next)
			mb->next->link = mb->link;
		if (!mb->suffix->first) {
			by_key_del(&m->suffixes, &mb->suffix->node);
			free(mb->suffix);
		}
	}
	free(h->member);
	h->member = NULL;
	h->n_members = 0;
}

// "*" and "*text" are for all hosts to be looked at: rare, and the latter no pattern of names.
static void
each_of_all(struct sl_mesh *m, const char *pattern, void (*fn)(struct sl_mesh *, struct host *))
{
	struct map_it it = {0};

	for (struct host *h; (h = by_key_next(&m->hosts, &it)) != NULL;) {
		if (h->svc.n && covers(pattern, h->node.key))
			fn(m, h);
	}
}

void
suffix_each(struct sl_mesh *m, const char *pattern, void (*fn)(struct sl_mesh *, struct host *))
{
	const struct suffix *s;

	if (pattern[1] != '.') {
		each_of_all(m, pattern, fn);
		return;
	}
	s = by_key_find(&m->suffixes, pattern + 1);
	for (struct member *mb = s ? s->first : NULL; mb; mb = mb->next)
		fn(m, mb->host);
}
