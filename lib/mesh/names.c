// The names that services want resolved, counted by use, and what is known of each.
//
// A name that loses its last user stays until sl_mesh_names() has told so: a service that is made
// again lets its names go and takes them back, and keeps their answers that way.
#include "names.h"

#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sl_mesh_names.h"
#include "sl_str.h"

struct address {
	struct sl_ip ip;
	char text[SL_IP_STRLEN]; // endpoints point to it
};

struct answer {
	struct answer *next; // among the replaced ones
	bool pending;
	const char *why;
	uint32_t n;
	struct address at[];
};

struct name {
	struct sl_mesh_name pub;
	struct asked *asked;
	struct name *other; // of the same text
	struct use *users;
	struct answer *answer; // NULL: pending
	bool told;             // as wanted
	bool queued;           // may have come or gone
};

// A text, with its names by policy.
struct asked {
	struct node node;
	struct name *name;
};

// A service that uses a name: in the list of the name, and once in `uses` of the service.
struct use {
	struct name *name;
	struct service *service;
	struct use *next, **link;
};

static struct name *
name_of(struct sl_mesh_name *pub)
{
	return (struct name *)((char *)pub - offsetof(struct name, pub));
}

static void
queue(struct sl_mesh *m, struct name *name)
{
	if (!name->queued) {
		name->queued = true;
		ptrs_add(&m->names_queue, name);
	}
}

// ---- policies ----

static struct sl_name_policy
policy_for(const struct sl_mesh *m, const struct service *s, const struct sl_object *entry)
{
	const struct sl_se_names *own = &entry->se.names;
	struct sl_name_policy p = *m->cfg.names;

	if (own->given & SL_SE_NAMES_FAMILIES)
		p.families = own->policy.families;
	if (own->given & SL_SE_NAMES_STRICT)
		p.strict = own->policy.strict;
	if (own->given & SL_SE_NAMES_MIN)
		p.refresh_min_ns = own->policy.refresh_min_ns;
	if (own->given & SL_SE_NAMES_MAX)
		p.refresh_max_ns = own->policy.refresh_max_ns;
	if (own->given & SL_SE_NAMES_STALE)
		p.max_stale_ns = own->policy.max_stale_ns;
	// What the object says bends the other end, which is not its own then.
	if (p.refresh_min_ns > p.refresh_max_ns) {
		if (own->given & SL_SE_NAMES_MIN)
			p.refresh_max_ns = p.refresh_min_ns;
		else
			p.refresh_min_ns = p.refresh_max_ns;
	}
	p.first = s->pub.resolution == SL_RESOLUTION_DNS_ROUND_ROBIN ||
		  entry->se.resolution == SL_RESOLUTION_DNS_ROUND_ROBIN;
	return p;
}

static bool
same_policy(const struct sl_name_policy *a, const struct sl_name_policy *b)
{
	return a->families == b->families && a->strict == b->strict && a->first == b->first &&
	       a->refresh_min_ns == b->refresh_min_ns && a->refresh_max_ns == b->refresh_max_ns &&
	       a->max_stale_ns == b->max_stale_ns;
}

// ---- answers ----

// With `first` one address counts, and the others are not kept.
static struct answer *
answer_new(const struct sl_name_policy *policy, const struct sl_mesh_answer *from)
{
	const struct sl_ip *ip = policy->first && from->first.family ? &from->first : from->ip;
	const uint32_t n = policy->first && from->n ? 1 : from->n;
	struct answer *a = sl_xcalloc(1, sizeof(*a) + n * sizeof(*a->at));

	a->pending = from->pending;
	a->why = from->why;
	for (; a->n < n; a->n++) {
		a->at[a->n].ip = ip[a->n];
		sl_ip_str(&ip[a->n], a->at[a->n].text);
	}
	return a;
}

static bool
same_answer(const struct answer *a, const struct answer *b)
{
	if (!a)
		return b->pending;
	if (a->pending != b->pending || a->n != b->n || !a->why != !b->why)
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		if (!sl_ip_equal(&a->at[i].ip, &b->at[i].ip))
			return false;
	}
	return !a->why || strcmp(a->why, b->why) == 0;
}

static bool
is_asked_for(const struct sl_name_policy *p, const struct sl_ip *ip)
{
	return p->families & (ip->family == AF_INET ? SL_NAME_V4 : SL_NAME_V6);
}

// A service whose policy is another one now goes on with what is known of the name, of the families
// that it wants: without, a reload would leave it without endpoints until somebody answers.
static void
inherit(struct name *name)
{
	for (const struct name *o = name->asked->name; o && !name->answer; o = o->other) {
		const struct answer *a = o->answer;

		if (!a || !a->n || o->pub.policy.first != name->pub.policy.first)
			continue;
		struct answer *own = sl_xcalloc(1, sizeof(*a) + a->n * sizeof(*a->at));

		for (uint32_t i = 0; i < a->n; i++)
			if (is_asked_for(&name->pub.policy, &a->at[i].ip))
				own->at[own->n++] = a->at[i];
		if (own->n)
			name->answer = own;
		else
			free(own);
	}
}

bool
sl_mesh_name_answer(
	struct sl_mesh *m, struct sl_mesh_name *pub, const struct sl_mesh_answer *answer)
{
	struct name *name = name_of(pub);
	struct answer *next;

	if (answer->pending && name->answer)
		return false;
	next = answer_new(&pub->policy, answer);
	if (same_answer(name->answer, next)) {
		free(next);
		return false;
	}
	if (name->answer) {
		name->answer->next = m->old_answers;
		m->old_answers = name->answer;
	}
	name->answer = next;
	for (const struct use *u = name->users; u; u = u->next)
		service_queue_answer(m, u->service);
	return true;
}

void
mesh_names_drop_old(struct sl_mesh *m)
{
	for (struct answer *a = m->old_answers, *next; a; a = next) {
		next = a->next;
		free(a);
	}
	m->old_answers = NULL;
}

// ---- names and their users ----

static char *
normal(const char *text)
{
	char *copy = sl_xstrdup(text);
	size_t len = strlen(copy);

	for (char *c = copy; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (len > 1 && copy[len - 1] == '.')
		copy[len - 1] = '\0';
	return copy;
}

static struct asked *
asked_get(struct sl_mesh *m, const char *text)
{
	char *key = normal(text);
	struct asked *asked = by_key_find(&m->asked, key);

	if (!asked) {
		asked = sl_xcalloc(1, sizeof(*asked));
		by_key_add(&m->asked, &asked->node, key);
	}
	free(key);
	return asked;
}

static struct name *
name_get(struct sl_mesh *m, const char *text, const struct sl_name_policy *policy)
{
	struct asked *asked = asked_get(m, text);
	struct name *name = asked->name;

	while (name && !same_policy(&name->pub.policy, policy))
		name = name->other;
	if (name)
		return name;
	name = sl_xcalloc(1, sizeof(*name));
	name->pub.name = asked->node.key;
	name->pub.policy = *policy;
	name->asked = asked;
	inherit(name);
	name->other = asked->name;
	asked->name = name;
	queue(m, name);
	return name;
}

static void
name_free(struct sl_mesh *m, struct name *name)
{
	struct asked *asked = name->asked;
	struct name **link = &asked->name;

	while (*link != name)
		link = &(*link)->other;
	*link = name->other;
	if (!asked->name) {
		by_key_del(&m->asked, &asked->node);
		free(asked);
	}
	free(name->answer);
	free(name);
}

// While a service is made it is the last user that came: once is enough to look.
static void
use(struct service *s, struct name *name)
{
	struct use *u;

	if (name->users && name->users->service == s)
		return;
	u = sl_xcalloc(1, sizeof(*u));
	*u = (struct use){.name = name, .service = s, .next = name->users, .link = &name->users};
	if (u->next)
		u->next->link = &u->next;
	name->users = u;
	ptrs_add(&s->uses, u);
}

void
mesh_names_release(struct sl_mesh *m, struct service *s)
{
	for (uint32_t i = 0; i < s->uses.n; i++) {
		struct use *u = s->uses.v[i];

		*u->link = u->next;
		if (u->next)
			u->next->link = u->link;
		if (!u->name->users)
			queue(m, u->name);
		free(u);
	}
	ptrs_fini(&s->uses);
}

void
mesh_names_fini(struct sl_mesh *m)
{
	struct map_it it = {0};

	mesh_names_drop_old(m);
	ptrs_fini(&m->names_queue);
	for (struct asked *a; (a = by_key_next(&m->asked, &it)) != NULL;) {
		while (a->name->other)
			name_free(m, a->name->other);
		name_free(m, a->name);
	}
	by_key_fini(&m->asked);
}

// ---- endpoints ----

static void
add_addresses(struct service *s, const struct answer *a, struct sl_mesh_endpoint ep)
{
	for (uint32_t i = 0; i < a->n; i++) {
		const struct sl_se_endpoint at = {
			.address = (char *)a->at[i].text, .ip = a->at[i].ip};

		ep.ip = at.ip;
		ep.address = at.address;
		ep.not_served = sl_se_endpoint_not_served(&at);
		service_add_endpoint(s, &ep);
	}
}

void
mesh_name_endpoints(struct sl_mesh *m, struct service *s, const struct sl_mesh_endpoint *as)
{
	const struct sl_name_policy policy = policy_for(m, s, as->entry);
	struct name *name = name_get(m, as->address, &policy);
	const struct answer *a = name->answer;
	struct sl_mesh_endpoint ep = *as;

	use(s, name);
	ep.name = name->pub.name;
	if (a && a->n) {
		add_addresses(s, a, ep);
		return;
	}
	ep.pending = !a || a->pending;
	ep.not_served = ep.pending ? "its name has no answer yet"
			: a->why   ? a->why
				   : "its name has no address";
	s->pub.pending = s->pub.pending || ep.pending;
	service_add_endpoint(s, &ep);
}

// ---- for who resolves ----

void
sl_mesh_names(struct sl_mesh *m, sl_mesh_name_fn *fn, void *ctx)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->names_queue.n; i++) {
		struct name *name = m->names_queue.v[i];

		name->queued = false;
		if (name->users) {
			m->names_queue.v[n++] = name;
			continue;
		}
		if (name->told)
			fn(ctx, &name->pub, false);
		name_free(m, name);
	}
	m->names_queue.n = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct name *name = m->names_queue.v[i];

		if (name->told)
			continue;
		name->told = true;
		fn(ctx, &name->pub, true);
	}
}

static int
by_host(const void *pa, const void *pb)
{
	const struct sl_mesh_service *a = *(const struct sl_mesh_service *const *)pa;
	const struct sl_mesh_service *b = *(const struct sl_mesh_service *const *)pb;
	const int d = strcmp(a->namespace_, b->namespace_);

	return d ? d : strcmp(a->host, b->host);
}

const struct sl_mesh_service **
sl_mesh_name_users(const struct sl_mesh *m, const char *text, size_t *n)
{
	char *key = normal(text);
	const struct asked *asked = by_key_find(&m->asked, key);
	struct ptrs found = {0};
	uint32_t kept = 0;

	free(key);
	for (const struct name *name = asked ? asked->name : NULL; name; name = name->other) {
		for (const struct use *u = name->users; u; u = u->next)
			ptrs_add(&found, &u->service->pub);
	}
	if (found.n > 1)
		qsort(found.v, found.n, sizeof(*found.v), by_host);
	for (uint32_t i = 0; i < found.n; i++) {
		if (kept == 0 || found.v[kept - 1] != found.v[i])
			found.v[kept++] = found.v[i];
	}
	*n = kept;
	return (const struct sl_mesh_service **)found.v;
}

const struct sl_mesh_name *
sl_mesh_service_name(const struct sl_mesh_service *svc, size_t *it)
{
	const struct service *s = service_of(svc);

	return *it < s->uses.n ? &((const struct use *)s->uses.v[(*it)++])->name->pub : NULL;
}
