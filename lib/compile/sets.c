// A binding of the mesh to an endpoint set of the workers.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "sl_str.h"

// ---- policies ----

static sl_tick
ticks(uint64_t ns)
{
	const uint64_t t = (ns + (1u << SL_FLOW_TICK_SHIFT) - 1) >> SL_FLOW_TICK_SHIFT;

	return t == 0 ? 1 : t > UINT32_MAX / 2 ? UINT32_MAX / 2 : (sl_tick)t;
}

static struct sl_flow_policy
policy_of(const struct sl_mesh_policy *m)
{
	struct sl_flow_policy p = {.connect = ticks(m->connect_timeout_ns)};

	if (m->has_idle)
		p.idle = m->idle_timeout_ns ? ticks(m->idle_timeout_ns) : UINT32_MAX;
	if (m->max_duration_ns)
		p.max_age = ticks(m->max_duration_ns);
	return p;
}

static uint16_t *
policy_slot(const struct policies *t, const struct sl_flow_policy *p)
{
	size_t i = sl_mix64(((uint64_t)p->idle << 32 | p->connect) ^ sl_mix64(p->max_age)) &
		   (POLICY_SLOTS - 1);

	while (t->slot[i] && memcmp(&t->v[t->slot[i]], p, sizeof(*p)) != 0)
		i = (i + 1) & (POLICY_SLOTS - 1);
	return &t->slot[i];
}

// Its index. With no index left: 0, the gateway's own timeouts.
static uint16_t
intern(struct plan *plan, const struct sl_flow_policy *p)
{
	struct policies *t = &plan->c->policies;
	uint16_t *slot = policy_slot(t, p);

	if (*slot == 0 && memcmp(&t->v[0], p, sizeof(*p)) != 0) {
		if (t->n >= POLICIES_MAX) {
			plan->without_policy++;
			return 0;
		}
		*slot = (uint16_t)t->n;
		PLAN_PUSH(t->v, t->n, t->cap, *p);
	}
	return *slot;
}

// What the pass added goes: no worker has seen it.
void
policies_undo(struct policies *t)
{
	if (t->n == t->n_made)
		return;
	t->n = t->n_made;
	memset(t->slot, 0, POLICY_SLOTS * sizeof(*t->slot));
	for (uint32_t i = 1; i < t->n; i++)
		*policy_slot(t, &t->v[i]) = (uint16_t)i;
}

// ---- one cluster ----

// A cluster on its way to a set: the spec and the arrays that it points to.
struct draft {
	struct sl_fwd_eps_spec spec;
	struct slot_key key; // of the service port
	struct home *home;   // NULL: no slot is asked for
	struct sl_fwd_ep *ep;
	struct sl_fwd_group *group;
	uint64_t *since;
};

static void
draft_fini(struct plan *p, struct draft *d)
{
	if (d->home)
		home_put(p->c->slots, d->home);
	free(d->ep);
	free(d->group);
	free(d->since);
}

static int
take_slot(struct plan *p, const struct draft *d, const struct slot_key *key, uint32_t *slot)
{
	const uint32_t used = p->c->slots->used;

	*slot = slot_get(p->c->slots, d->home, key);
	if (*slot == SLOT_NONE)
		return -ENOSPC;
	if (p->c->slots->used > used)
		PLAN_PUSH(p->new_slots, p->n_new_slots, p->new_slots_cap, *slot);
	return 0;
}

static struct slot_key
key_of(const struct sl_mesh_cluster *cl)
{
	return (struct slot_key){.namespace_ = cl->svc->namespace_,
		.host = cl->svc->host,
		.port = cl->port,
		.port_name = cl->port_name};
}

static int
by_address(const void *x, const void *y)
{
	const struct sl_fwd_ep *a = x, *b = y;
	const uint32_t p = sl_be32_to_cpu(a->addr), q = sl_be32_to_cpu(b->addr);

	if (p != q)
		return p < q ? -1 : 1;
	return sl_be16_to_cpu(a->port) - sl_be16_to_cpu(b->port);
}

// Each group by address, so that the order in which objects name endpoints means nothing.
static void
sort_groups(struct draft *d)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < d->spec.n_groups; i++) {
		if (d->group[i].n > 1)
			qsort(&d->ep[at], d->group[i].n, sizeof(*d->ep), by_address);
		at += d->group[i].n;
	}
}

// Past the limits of a set the rest is left out.
static void
draft_groups(struct draft *d, const struct sl_mesh_cluster *cl)
{
	uint32_t left = d->spec.n;

	d->group = sl_xcalloc(cl->n_groups, sizeof(*d->group));
	for (uint32_t i = 0; i < cl->n_groups && left > 0; i++) {
		const struct sl_mesh_group *g = &cl->group[i];
		const uint32_t n = g->n < left ? g->n : left;

		d->group[d->spec.n_groups++] = (struct sl_fwd_group){.n = n,
			.weight = g->weight,
			.priority = g->priority < SL_FWD_PRIORITIES ? g->priority
								    : SL_FWD_PRIORITIES - 1};
		left -= n;
	}
	d->spec.group = d->group;
}

static int
draft_endpoints(struct plan *p, struct draft *d, const struct sl_mesh_cluster *cl)
{
	struct slot_key key = d->key;

	d->spec.n = cl->n_eps < SL_FWD_EPS_MAX ? cl->n_eps : SL_FWD_EPS_MAX;
	for (uint32_t i = 0; i < d->spec.n; i++) {
		key.addr = cl->ep[i].addr;
		key.addr_port = sl_cpu_to_be16((uint16_t)cl->ep[i].port);
		slot_fetch(p->c->slots, d->home, &key);
	}
	d->ep = sl_xcalloc(d->spec.n, sizeof(*d->ep));
	for (uint32_t i = 0; i < d->spec.n; i++) {
		const struct sl_mesh_ep *from = &cl->ep[i];
		struct sl_fwd_ep *ep = &d->ep[i];
		int rc;

		key.addr = ep->addr = from->addr;
		key.addr_port = ep->port = sl_cpu_to_be16((uint16_t)from->port);
		ep->down = !from->healthy;
		ep->weight = from->weight ? from->weight : 1;
		rc = take_slot(p, d, &key, &ep->slot);
		if (rc < 0)
			return rc;
	}
	d->spec.ep = d->ep;
	draft_groups(d, cl);
	sort_groups(d);
	return 0;
}

static int
draft_original_dst(struct plan *p, struct draft *d, const struct sl_mesh_cluster *cl)
{
	struct slot_key key = d->key;

	key.addr_port = sl_cpu_to_be16((uint16_t)cl->dst_port);
	d->spec.algo = SL_FWD_ORIGINAL_DST;
	d->spec.n = 1;
	d->ep = sl_xcalloc(1, sizeof(*d->ep));
	*d->ep = (struct sl_fwd_ep){.port = key.addr_port, .weight = 1};
	d->spec.ep = d->ep;
	return take_slot(p, d, &key, &d->ep->slot);
}

// Consistent hashing by anything but the source address has nothing to hash at L4, and falls back
// to random as in Istio.
static void
draft_balancer(struct draft *d, const struct sl_load_balancer *lb)
{
	struct sl_fwd_eps_spec *s = &d->spec;

	if (lb->hash == SL_LB_HASH_SOURCE_IP) {
		const uint64_t size = lb->maglev ? lb->maglev_size : lb->ring_size;
		const uint32_t max = lb->maglev ? SL_FWD_MAGLEV_MAX : SL_FWD_RING_MAX;

		s->algo = lb->maglev ? SL_FWD_MAGLEV : SL_FWD_RING_HASH;
		s->table_size = size < max ? (uint32_t)size : max;
	} else if (lb->hash != SL_LB_HASH_NONE || lb->simple == SL_LB_RANDOM) {
		s->algo = SL_FWD_RANDOM;
	} else if (lb->simple == SL_LB_ROUND_ROBIN) {
		s->algo = SL_FWD_ROUND_ROBIN;
	} else {
		s->algo = SL_FWD_LEAST_REQUEST;
	}
}

static void
draft_warmup(struct plan *p, struct draft *d, const struct sl_warmup *w)
{
	if (!w->duration_ns || d->spec.algo > SL_FWD_ROUND_ROBIN)
		return;
	d->since = sl_xcalloc(d->spec.n, sizeof(*d->since));
	for (uint32_t i = 0; i < d->spec.n; i++)
		d->since[i] = slot_since(p->c->slots, d->ep[i].slot, d->ep[i].down != 0, p->now_ns);
	d->spec.warmup_ns = w->duration_ns;
	d->spec.warmup_min_percent = w->minimum_percent;
	d->spec.warmup_aggression = w->aggression > 0 ? w->aggression : 1;
	d->spec.since_ns = d->since;
}

// Each worker holds a limit on its own, with its share of it rounded up.
static int
draft_limit(struct plan *p, struct draft *d, const struct sl_mesh_cluster *cl)
{
	const struct sl_object *dr = cl->policy.dr;
	const uint32_t max = cl->policy.pool.max_connections, workers = p->c->cfg.n_workers;
	struct slot_key key = d->key;
	char *cluster;
	int rc;

	d->spec.cluster_slot = SL_FWD_SLOT_NONE;
	if (!max && d->spec.algo != SL_FWD_ROUND_ROBIN)
		return 0;
	d->spec.max_flows = max ? (uint32_t)(((uint64_t)max + workers - 1) / workers) : 0;
	cluster = sl_xasprintf("%s %s/%s", cl->subset ? cl->subset : "",
		dr ? dr->meta.namespace_ : "", dr ? dr->meta.name : "");
	key.cluster = cluster;
	rc = take_slot(p, d, &key, &d->spec.cluster_slot);
	free(cluster);
	return rc;
}

static int
draft_cluster(struct plan *p, struct draft *d, const struct sl_mesh_cluster *cl)
{
	const struct sl_flow_policy policy = policy_of(&cl->policy);
	int rc;

	*d = (struct draft){.spec = {.cluster_slot = SL_FWD_SLOT_NONE,
				    .policy = intern(p, &policy),
				    .pending = cl->pending}};
	// Nothing to go to: a set without endpoints, whatever the balancer.
	if (!cl->svc || (cl->n_eps == 0 && !cl->original_dst))
		return 0;
	d->key = key_of(cl);
	d->home = home_hold(p->c->slots, &d->key);
	if (cl->original_dst) {
		rc = draft_original_dst(p, d, cl);
	} else {
		draft_balancer(d, &cl->policy.lb);
		d->spec.locality_weighted = cl->locality_weighted;
		if (cl->policy.outlier)
			d->spec.min_health_percent = (uint8_t)cl->policy.min_health_percent;
		rc = draft_endpoints(p, d, cl);
		if (rc == 0)
			draft_warmup(p, d, &cl->policy.lb.warmup);
	}
	return rc < 0 ? rc : draft_limit(p, d, cl);
}

// ---- images ----

// Whatever decides about the set, in a row: no pointers, no padding.
static void
put_image(struct sl_buf *out, const struct draft *d, uint32_t weight)
{
	const struct sl_fwd_eps_spec *s = &d->spec;
	const uint64_t head[] = {weight, s->n, s->n_groups, s->locality_weighted,
		s->min_health_percent, s->algo, s->table_size, s->cluster_slot, s->max_flows,
		s->policy, s->warmup_ns, s->warmup_min_percent, s->pending};

	sl_buf_put(out, head, sizeof(head));
	sl_buf_put(out, &s->warmup_aggression, sizeof(s->warmup_aggression));
	if (s->n)
		sl_buf_put(out, d->ep, s->n * sizeof(*d->ep));
	for (uint32_t i = 0; i < s->n_groups; i++) {
		const uint32_t group[] = {d->group[i].n, d->group[i].weight, d->group[i].priority};

		sl_buf_put(out, group, sizeof(group));
	}
	if (d->since)
		sl_buf_put(out, d->since, s->n * sizeof(*d->since));
}

static uint64_t
image_hash(const struct sl_buf *image)
{
	return sl_text_hash(image->data, image->len);
}

static bool
same_image(const struct set *set, const struct sl_buf *image, uint64_t hash)
{
	return set->hash == hash && set->len == image->len &&
	       memcmp(set->image, image->data, image->len) == 0;
}

// ---- sets of this pass ----

static size_t
memo_place(const struct plan *p, const struct sl_buf *image, uint64_t hash)
{
	size_t i = hash & p->memo_mask;

	while (p->memo[i] && !same_image(p->memo[i], image, hash))
		i = (i + 1) & p->memo_mask;
	return i;
}

static void
memo_grow(struct plan *p)
{
	struct set **old = p->memo;
	const size_t n = old ? p->memo_mask + 1 : 0;

	p->memo_mask = n ? 2 * n - 1 : 63;
	p->memo = sl_xcalloc(p->memo_mask + 1, sizeof(struct set *));
	for (size_t i = 0; i < n; i++) {
		size_t at;

		if (!old[i])
			continue;
		for (at = old[i]->hash & p->memo_mask; p->memo[at]; at = (at + 1) & p->memo_mask)
			;
		p->memo[at] = old[i];
	}
	free(old);
}

// The memo holds no reference: whoever takes a set in this pass keeps it until its end.
static void
memo_add(struct plan *p, struct set *set, const struct sl_buf *image)
{
	if (2 * ++p->n_memo > p->memo_mask)
		memo_grow(p);
	p->memo[memo_place(p, image, set->hash)] = set;
}

static struct set *
memo_find(struct plan *p, const struct sl_buf *image, uint64_t hash)
{
	return p->memo ? p->memo[memo_place(p, image, hash)] : NULL;
}

// ---- sets ----

static struct sl_fwd_eps *
eps_of_draft(struct sl_compile *c, const struct draft *d)
{
	struct sl_fwd_eps *eps = sl_fwd_eps_new(&d->spec);

	if (eps)
		slots_hold(c->slots, eps);
	return eps;
}

// VirtualService weights are 31 bits each: scaled down where their sum does not fit into 32.
static void
weigh(const struct sl_mesh_binding *b, uint32_t *weight)
{
	uint64_t sum = 0;
	unsigned shift = 0;

	for (uint32_t i = 0; i < b->n_clusters; i++)
		sum += b->cluster[i].weight;
	while (sum >> shift > UINT32_MAX)
		shift++;
	for (uint32_t i = 0; i < b->n_clusters; i++)
		weight[i] = sum ? b->cluster[i].weight >> shift : 1;
}

static struct sl_fwd_eps *
eps_of_drafts(struct sl_compile *c, const struct draft *d, const uint32_t *weight, uint32_t n)
{
	struct sl_fwd_eps **part, *eps = NULL;
	uint32_t made = 0;
	int err = 0;

	if (n == 1)
		return eps_of_draft(c, d);
	part = sl_xcalloc(n, sizeof(struct sl_fwd_eps *));
	while (made < n && (part[made] = eps_of_draft(c, &d[made])))
		made++;
	if (made == n)
		eps = sl_fwd_eps_split(part, weight, n);
	if (!eps)
		err = errno;
	for (uint32_t i = 0; !eps && i < made; i++)
		sl_fwd_eps_put(part[i]);
	free(part);
	errno = err;
	return eps;
}

static struct set *
old_set(const struct plan *p, const struct claim *claim, uint64_t hash)
{
	const struct member *m = &p->c->member[claim->member];

	for (uint32_t i = 0; i < m->n_claims; i++) {
		struct set *old = m->claim[i].set;

		if (m->claim[i].entry == claim->entry && old && same_image(old, &p->image, hash))
			return old;
	}
	return NULL;
}

// What the claim had, if it is for the same clients.
static struct set *
last_set(const struct plan *p, const struct claim *claim)
{
	const struct member *m = &p->c->member[claim->member];

	for (uint32_t i = 0; i < m->n_claims; i++)
		if (m->claim[i].entry == claim->entry && m->claim[i].wanted == claim->wanted)
			return m->claim[i].set;
	return NULL;
}

static int
set_of_drafts(struct plan *p, const struct draft *d, const uint32_t *weight, uint32_t n,
	struct claim *claim)
{
	uint64_t hash;
	struct set *set;

	sl_buf_reset(&p->image);
	for (uint32_t i = 0; i < n; i++)
		put_image(&p->image, &d[i], n > 1 ? weight[i] : 1);
	hash = image_hash(&p->image);
	set = old_set(p, claim, hash);
	if (!set)
		set = memo_find(p, &p->image, hash);
	if (!set) {
		set = sl_xcalloc(1, sizeof(*set) + p->image.len);
		set->hash = hash;
		set->len = p->image.len;
		memcpy(set->image, p->image.data, p->image.len);
		set->eps = eps_of_drafts(p->c, d, weight, n);
		if (!set->eps) {
			free(set);
			return -errno;
		}
		memo_add(p, set, &p->image);
	}
	set->refs++;
	claim->next_set = set;
	return 0;
}

int
set_make(struct plan *p, const struct sl_mesh_binding *b, struct claim *claim)
{
	struct draft *d = sl_xcalloc(b->n_clusters, sizeof(*d));
	uint32_t *weight = sl_xcalloc(b->n_clusters, sizeof(*weight));
	int rc = 0;

	for (uint32_t i = 0; i < b->n_clusters && rc == 0; i++)
		rc = draft_cluster(p, &d[i], &b->cluster[i]);
	weigh(b, weight);
	if (rc == 0)
		rc = set_of_drafts(p, d, weight, b->n_clusters, claim);
	for (uint32_t i = 0; i < b->n_clusters; i++)
		draft_fini(p, &d[i]);
	free(weight);
	free(d);
	return rc;
}

int
set_make_instead(struct plan *p, struct claim *claim)
{
	static const struct draft nothing = {.spec = {.cluster_slot = SL_FWD_SLOT_NONE}};
	static const uint32_t weight = 1;
	struct set *last = last_set(p, claim);

	if (!last)
		return set_of_drafts(p, &nothing, &weight, 1, claim);
	last->refs++;
	claim->next_set = last;
	return 0;
}

// Calls for each slot that the set names, once a part.
static void
each_slot(struct sl_compile *c, struct sl_fwd_eps *eps, uint64_t now_ns,
	void (*fn)(struct sl_compile *c, uint32_t slot, const struct sl_fwd_ep *ep, uint64_t now))
{
	const uint32_t parts = sl_fwd_eps_parts(eps), cluster = sl_fwd_eps_cluster_slot(eps);

	for (uint32_t i = 0; i < parts; i++)
		each_slot(c, sl_fwd_eps_part(eps, i), now_ns, fn);
	if (parts > 0)
		return;
	for (uint32_t i = 0; i < sl_fwd_eps_count(eps); i++)
		fn(c, sl_fwd_eps_at(eps, i)->slot, sl_fwd_eps_at(eps, i), now_ns);
	if (cluster != SL_FWD_SLOT_NONE)
		fn(c, cluster, NULL, now_ns);
}

static void
use(struct sl_compile *c, uint32_t slot, const struct sl_fwd_ep *ep, uint64_t now_ns)
{
	slot_use(c->slots, slot, ep && ep->down, now_ns);
	c->slots->v[slot].weight = ep ? ep->weight : 0;
}

static void
unuse(struct sl_compile *c, uint32_t slot, const struct sl_fwd_ep *ep, uint64_t now_ns)
{
	slot_unuse(c->slots, slot);
}

void
set_use(struct sl_compile *c, struct set *set, uint64_t now_ns)
{
	if (set->in_force)
		return;
	set->in_force = true;
	each_slot(c, set->eps, now_ns, use);
}

void
set_put(struct sl_compile *c, struct set *set)
{
	if (!set || --set->refs > 0)
		return;
	if (set->in_force)
		each_slot(c, set->eps, 0, unuse);
	sl_fwd_eps_put(set->eps);
	free(set);
}

// ---- what no service takes ----

struct sl_fwd_eps *
sl_compile_unknown(struct sl_compile *c)
{
	static const struct slot_key key = {
		.namespace_ = "", .host = "PassthroughCluster", .port_name = ""};
	struct sl_fwd_ep ep = {.weight = 1};
	const struct draft d = {.spec = {.algo = SL_FWD_ORIGINAL_DST,
					.ep = &ep,
					.n = 1,
					.cluster_slot = SL_FWD_SLOT_NONE}};
	struct home *home;
	struct set *set;

	if (c->unknown)
		return c->unknown->eps;
	home = home_hold(c->slots, &key);
	ep.slot = slot_get(c->slots, home, &key);
	home_put(c->slots, home);
	if (ep.slot == SLOT_NONE) {
		errno = ENOSPC;
		return NULL;
	}
	set = sl_xcalloc(1, sizeof(*set));
	set->refs = 1;
	set->eps = eps_of_draft(c, &d);
	if (!set->eps) {
		free(set);
		slot_free(c->slots, ep.slot);
		errno = ENOMEM;
		return NULL;
	}
	set_use(c, set, 0);
	c->unknown = set;
	return set->eps;
}
