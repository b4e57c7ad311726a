// status.addresses wins over an own address, a user's addresses over that, and of two services with
// one the older (istio-semantics 3.18). docs/decisions/0011-virtual-ips.md
#include "vip.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

// An address that objects name: as one of `addresses`, or of status.addresses.
struct claim {
	struct node node;
	struct ptrs user;   // services; one for each time that an object of it has the address
	struct ptrs status; // services that want it as their virtual IP
	const struct service *winner; // of those
	bool changed;                 // queued
};

// A CIDR among the addresses of objects, inside a range.
struct wide {
	struct node node;
	uint32_t n;
};

struct vip_part {
	bool eligible;
	uint32_t n_taken;
	struct sl_prefix *taken; // addresses of its objects and of their status
	uint32_t n_users;        // of taken: the first ones, of spec.addresses
	struct sl_ip status[2];
	struct claim *claim[2]; // of status
	bool sits[2];
	struct seat seat[2];
};

static const uint8_t families[2] = {AF_INET, AF_INET6};

static void
queue(struct sl_mesh *m, struct service *s)
{
	if (!s->vip_queued) {
		s->vip_queued = true;
		ptrs_add(&m->vip_queue, s);
	}
}

static void
on_moved(void *ctx, struct seat *seat)
{
	struct sl_mesh *m = ctx;

	queue(m, seat->who);
}

// ---- what an object says ----

// Without a host it is that of the only one.
static bool
is_for(const struct sl_service_entry *se, const struct sl_se_status_address *a, const char *host)
{
	return a->host ? strcmp(a->host, host) == 0 : se->n_hosts == 1;
}

// The first that an object of it says. lib/conf left out what cannot be one.
static const struct sl_object *
status_of(const struct service *s, unsigned family, struct sl_ip *ip)
{
	for (uint32_t i = 0; i < s->obj.n; i++) {
		const struct sl_object *obj = s->obj.v[i];

		for (uint32_t k = 0; k < obj->se.n_status_addresses; k++) {
			const struct sl_se_status_address *a = &obj->se.status_address[k];

			if (a->ip.family != families[family] || !is_for(&obj->se, a, s->pub.host))
				continue;
			*ip = a->ip;
			return obj;
		}
	}
	return NULL;
}

static bool
is_eligible(const struct service *s)
{
	const struct sl_service_entry *se =
		s->obj.n ? &((struct sl_object *)s->obj.v[0])->se : NULL;

	return se && !se->n_addresses && !se->no_auto_vip && se->resolution != SL_RESOLUTION_NONE &&
	       se->resolution != SL_RESOLUTION_DYNAMIC_DNS && !strchr(s->pub.host, '*');
}

// What is given to nobody else: addresses of all its objects, also of those that do not decide, and
// of their status, also when it has no effect.
static void
read_taken(const struct service *s, struct vip_part *out)
{
	uint32_t max = 0;

	for (uint32_t i = 0; i < s->obj.n; i++) {
		const struct sl_object *obj = s->obj.v[i];

		max += obj->se.n_addresses + obj->se.n_status_addresses;
	}
	out->taken = max ? sl_xcalloc(max, sizeof(*out->taken)) : NULL;
	for (uint32_t i = 0; i < s->obj.n; i++) {
		const struct sl_object *obj = s->obj.v[i];

		for (uint32_t k = 0; k < obj->se.n_addresses; k++) {
			out->taken[out->n_taken] = obj->se.addresses[k].prefix;
			sl_prefix_mask(&out->taken[out->n_taken++]);
		}
	}
	out->n_users = out->n_taken;
	for (uint32_t i = 0; i < s->obj.n; i++) {
		const struct sl_object *obj = s->obj.v[i];

		for (uint32_t k = 0; k < obj->se.n_status_addresses; k++) {
			const struct sl_ip ip = obj->se.status_address[k].ip;

			out->taken[out->n_taken++] = (struct sl_prefix){
				.addr = ip, .len = ip.family == AF_INET ? 32 : 128};
		}
	}
}

// ---- claims ----

static struct claim *
claim_get(struct sl_mesh *m, const struct sl_ip *ip)
{
	char text[SL_IP_STRLEN];
	struct claim *c = by_key_find(&m->vip_claims, sl_ip_str(ip, text));

	if (!c) {
		c = sl_xcalloc(1, sizeof(*c));
		by_key_add(&m->vip_claims, &c->node, text);
	}
	return c;
}

static void
claim_changed(struct sl_mesh *m, struct claim *c)
{
	if (!c->changed) {
		c->changed = true;
		ptrs_add(&m->vip_changed, c);
	}
}

static void
reserve(struct sl_mesh *m, const struct sl_prefix *p, int by)
{
	struct range *r = &m->vip_range[p->addr.family == AF_INET6];
	char text[SL_PREFIX_STRLEN];
	struct wide *w;

	if (sl_prefix_is_host(p)) {
		range_reserve(r, p, by);
		return;
	}
	// A CIDR costs as many steps as it has addresses: once, however many have it.
	w = by_key_find(&m->vip_wide, sl_prefix_str(p, text));
	if (!w) {
		w = sl_xcalloc(1, sizeof(*w));
		by_key_add(&m->vip_wide, &w->node, text);
	}
	w->n += by;
	if (w->n == (by > 0))
		range_reserve(r, p, by);
	if (!w->n) {
		by_key_del(&m->vip_wide, &w->node);
		free(w);
	}
}

static void
take(struct sl_mesh *m, struct service *s, const struct vip_part *part, int by)
{
	for (uint32_t i = 0; i < part->n_taken; i++) {
		const struct sl_prefix *p = &part->taken[i];
		struct claim *c;

		reserve(m, p, by);
		if (i >= part->n_users || !sl_prefix_is_host(p))
			continue;
		c = claim_get(m, &p->addr);
		claim_changed(m, c);
		if (by > 0)
			ptrs_add(&c->user, s);
		else
			ptrs_del(&c->user, s);
	}
}

static void
want_status(struct sl_mesh *m, struct service *s, unsigned family, const struct sl_ip *ip)
{
	struct vip_part *part = s->vip_part;

	if (part->claim[family] && !sl_ip_equal(&part->status[family], ip)) {
		ptrs_del(&part->claim[family]->status, s);
		claim_changed(m, part->claim[family]);
		part->claim[family] = NULL;
	}
	part->status[family] = *ip;
	if (!ip->family)
		return;
	if (!part->claim[family]) {
		part->claim[family] = claim_get(m, ip);
		ptrs_add(&part->claim[family]->status, s);
	}
	claim_changed(m, part->claim[family]); // it may be older than before
}

// ---- following ----

static bool
has_part(const struct vip_part *p)
{
	return p->eligible || p->n_taken;
}

static bool
same_taken(const struct vip_part *a, const struct vip_part *b)
{
	if (a->n_taken != b->n_taken || a->n_users != b->n_users)
		return false;
	for (uint32_t i = 0; i < a->n_taken; i++) {
		if (a->taken[i].len != b->taken[i].len ||
			!sl_ip_equal(&a->taken[i].addr, &b->taken[i].addr))
			return false;
	}
	return true;
}

static void
follow_taken(struct sl_mesh *m, struct service *s, struct vip_part *now)
{
	struct vip_part *part = s->vip_part;

	if (same_taken(part, now)) {
		free(now->taken);
		return;
	}
	take(m, s, part, -1);
	free(part->taken);
	part->taken = now->taken;
	part->n_taken = now->n_taken;
	part->n_users = now->n_users;
	take(m, s, part, 1);
}

void
vip_follow(struct sl_mesh *m, struct service *s)
{
	struct vip_part now = {.eligible = is_eligible(s)};

	if (!m->vip_range[0].cell && !m->vip_range[1].cell)
		return;
	read_taken(s, &now);
	if (!s->vip_part && !has_part(&now))
		return;
	if (!s->vip_part)
		s->vip_part = sl_xcalloc(1, sizeof(*s->vip_part));
	s->vip_part->eligible = now.eligible;
	for (unsigned f = 0; f < 2; f++) {
		struct sl_ip ip = {0};

		if (now.eligible && m->vip_range[f].cell)
			status_of(s, f, &ip);
		want_status(m, s, f, &ip);
	}
	follow_taken(m, s, &now);
	queue(m, s);
}

// ---- settling ----

static const struct service *
other_user(const struct claim *c, const struct service *s)
{
	for (uint32_t i = 0; i < c->user.n; i++) {
		if (c->user.v[i] != s)
			return c->user.v[i];
	}
	return NULL;
}

static void
elect(struct sl_mesh *m, struct claim *c)
{
	c->winner = NULL;
	for (uint32_t i = 0; i < c->status.n; i++) {
		struct service *s = c->status.v[i];

		queue(m, s);
		if (!other_user(c, s) &&
			(!c->winner || sl_mesh_order(&s->pub, &c->winner->pub) < 0))
			c->winner = s;
	}
}

static void
settle_claims(struct sl_mesh *m)
{
	for (uint32_t i = 0; i < m->vip_changed.n; i++) {
		struct claim *c = m->vip_changed.v[i];

		c->changed = false;
		if (c->user.n || c->status.n) {
			elect(m, c);
			continue;
		}
		by_key_del(&m->vip_claims, &c->node);
		ptrs_fini(&c->user);
		ptrs_fini(&c->status);
		free(c);
	}
	m->vip_changed.n = 0;
}

static bool
has_status(const struct service *s, unsigned family)
{
	const struct claim *c = s->vip_part->claim[family];

	return c && c->winner == s;
}

// One that has what its status says needs no seat.
static void
take_seat(struct sl_mesh *m, struct service *s, unsigned family)
{
	struct vip_part *part = s->vip_part;
	struct range *r = &m->vip_range[family];
	const bool wants = part->eligible && r->cell && !has_status(s, family);

	if (wants == part->sits[family])
		return;
	part->sits[family] = wants;
	if (wants) {
		part->seat[family] =
			(struct seat){.hash = s->node.hash, .key = s->node.key, .who = s};
		range_add(r, &part->seat[family]);
	} else {
		range_del(r, &part->seat[family]);
	}
}

static struct sl_ip
address_of(const struct sl_mesh *m, const struct service *s, unsigned family)
{
	const struct vip_part *part = s->vip_part;

	if (!part)
		return (struct sl_ip){0};
	if (has_status(s, family))
		return part->status[family];
	return part->sits[family] ? range_address(&m->vip_range[family], &part->seat[family])
				  : (struct sl_ip){0};
}

static void
settle_service(
	struct sl_mesh *m, struct service *s, void (*tell)(struct sl_mesh *, struct service *))
{
	for (unsigned f = 0; f < 2; f++) {
		const struct sl_ip ip = address_of(m, s, f);

		if (sl_ip_equal(&ip, &s->pub.auto_vip[f]))
			continue;
		s->pub.auto_vip[f] = ip;
		tell(m, s);
	}
	if (s->vip_part && !has_part(s->vip_part)) {
		free(s->vip_part->taken);
		free(s->vip_part);
		s->vip_part = NULL;
	}
}

void
auto_vips_settle(struct sl_mesh *m, void (*tell)(struct sl_mesh *, struct service *))
{
	settle_claims(m);
	// A seat that is taken or left may move others: they come behind.
	for (uint32_t i = 0; i < m->vip_queue.n; i++) {
		struct service *s = m->vip_queue.v[i];

		for (unsigned f = 0; f < 2 && s->vip_part; f++)
			take_seat(m, s, f);
	}
	for (uint32_t i = 0; i < m->vip_queue.n; i++) {
		struct service *s = m->vip_queue.v[i];

		s->vip_queued = false;
		settle_service(m, s, tell);
	}
	m->vip_queue.n = 0;
}

// ---- begin and end ----

static void
drop_parts(struct sl_mesh *m)
{
	struct map_it it = {0};

	for (struct service *s; (s = by_key_next(&m->services, &it)) != NULL;) {
		if (!s->vip_part)
			continue;
		free(s->vip_part->taken);
		free(s->vip_part);
		s->vip_part = NULL;
		queue(m, s);
	}
}

static void
drop_claims(struct sl_mesh *m)
{
	struct map_it it = {0};

	for (struct claim *c; (c = by_key_next(&m->vip_claims, &it)) != NULL;) {
		by_key_del(&m->vip_claims, &c->node);
		ptrs_fini(&c->user);
		ptrs_fini(&c->status);
		free(c);
	}
	by_key_fini(&m->vip_claims);
	m->vip_changed.n = 0;
	it = (struct map_it){0};
	for (struct wide *w; (w = by_key_next(&m->vip_wide, &it)) != NULL;) {
		by_key_del(&m->vip_wide, &w->node);
		free(w);
	}
	by_key_fini(&m->vip_wide);
}

static bool
same_range(const struct range *r, const struct sl_prefix *p)
{
	struct sl_prefix masked = *p;

	if (!p->addr.family || !r->cell)
		return !p->addr.family == !r->cell;
	sl_prefix_mask(&masked);
	return masked.len == r->whole.len && sl_ip_equal(&masked.addr, &r->whole.addr);
}

void
auto_vips_configure(struct sl_mesh *m)
{
	const struct sl_prefix *prefix[2] = {&m->cfg.auto_vip4, &m->cfg.auto_vip6};

	if (same_range(&m->vip_range[0], prefix[0]) && same_range(&m->vip_range[1], prefix[1]))
		return;
	drop_parts(m);
	drop_claims(m);
	for (unsigned f = 0; f < 2; f++) {
		range_fini(&m->vip_range[f]);
		range_init(&m->vip_range[f], prefix[f], on_moved, m);
	}
}

void
auto_vips_fini(struct sl_mesh *m)
{
	drop_parts(m);
	drop_claims(m);
	ptrs_fini(&m->vip_queue);
	ptrs_fini(&m->vip_changed);
	for (unsigned f = 0; f < 2; f++)
		range_fini(&m->vip_range[f]);
}

// ---- why ----

const struct sl_object *
vip_lost_status(const struct service *s, unsigned family, struct sl_ip *ip, const char **why,
	const struct service **other)
{
	const struct claim *c = s->vip_part ? s->vip_part->claim[family] : NULL;

	if (!c || c->winner == s)
		return NULL;
	*other = other_user(c, s);
	*why = *other ? "has it in spec.addresses" : "is older and has it too";
	if (!*other)
		*other = c->winner;
	return status_of(s, family, ip);
}

const struct sl_prefix *
vip_range_full(const struct sl_mesh *m, const struct service *s, unsigned family)
{
	const struct vip_part *part = s->vip_part;

	return part && part->sits[family] && !part->seat[family].seated
		       ? &m->vip_range[family].whole
		       : NULL;
}
