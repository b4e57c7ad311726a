#include "hosts.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sl_mesh_hosts.h"
#include "sl_str.h"

struct ips {
	struct sl_ip *v;
	uint32_t n;
	uint32_t cap;
};

static void
add(struct ips *out, const struct sl_ip *ip, bool ipv6)
{
	if (!ip->family || (ip->family == AF_INET6 && !ipv6))
		return;
	if (out->n == out->cap) {
		out->cap = out->cap ? 2 * out->cap : 4;
		out->v = sl_xrealloc(out->v, out->cap, sizeof(*out->v));
	}
	out->v[out->n++] = *ip;
}

// Of what is IPv6 only the family keeps it from being served.
static void
add_addresses(const struct sl_mesh_service *svc, struct ips *out, bool ipv6)
{
	for (uint32_t i = 0; i < svc->n_vips; i++) {
		const struct sl_prefix *p = &svc->vip[i]->prefix;

		if (sl_prefix_is_host(p) &&
			(p->addr.family == AF_INET6 || !sl_mesh_vip_not_served(svc->vip[i])))
			add(out, &p->addr, ipv6);
	}
}

static void
add_picked(const struct sl_mesh *m, const struct service *s, struct ips *out, bool ipv6)
{
	for (uint32_t i = 0; i < s->obj.n; i++) {
		const struct sl_object *se = s->obj.v[i];
		struct ptrs picked = {0};

		if (se->se.resolution == SL_RESOLUTION_NONE && se->se.has_selector)
			selector_pick(m, se, &picked);
		for (uint32_t k = 0; k < picked.n; k++) {
			const struct sl_object *obj = ((struct workload *)picked.v[k])->obj;
			const bool is_we = obj->kind == SL_KIND_WORKLOAD_ENTRY;

			if (is_we ? obj->we.healthy : obj->pod.ready)
				add(out, is_we ? &obj->we.ep.ip : &obj->pod.ip, ipv6);
		}
		ptrs_fini(&picked);
	}
}

// An address that leads to nothing but a refusal of ours is worse than what DNS says of the host.
static void
row_of(const struct sl_mesh *m, const struct service *s, struct ips *out, bool ipv6)
{
	const struct sl_mesh_service *svc = &s->pub;

	out->n = 0;
	if (!svc->clients)
		return;
	if (!svc->not_served) {
		add_addresses(svc, out, ipv6);
		add(out, &svc->auto_vip[0], ipv6);
		add(out, &svc->auto_vip[1], ipv6);
	}
	if (!svc->n_vips && svc->resolution == SL_RESOLUTION_NONE)
		add_picked(m, s, out, ipv6);
	out->n = sl_ip_unique(out->v, out->n);
}

// ---- what changed ----

static uint64_t
hash_of(const struct service *s, const struct ips *ips)
{
	uint64_t hash = sl_mix64(s->pub.clients);

	if (!ips->n)
		return 0;
	for (uint32_t i = 0; i < ips->n; i++) {
		const struct sl_ip *ip = &ips->v[i];

		hash = sl_str_hash(&ip->family, sizeof(ip->family), hash | 1);
		hash = sl_str_hash(ip->v6, ip->family == AF_INET ? 4 : 16, hash | 1);
	}
	return hash | 1;
}

void
hosts_follow(struct sl_mesh *m, struct service *s)
{
	struct ips ips = {0};
	uint64_t hash;

	row_of(m, s, &ips, true);
	hash = hash_of(s, &ips);
	m->hosts_generation += hash != s->host_row;
	s->host_row = hash;
	free(ips.v);
}

void
hosts_gone(struct sl_mesh *m, const struct service *s)
{
	m->hosts_generation += s->host_row != 0;
}

uint64_t
sl_mesh_hosts_generation(const struct sl_mesh *m)
{
	return m->hosts_generation;
}

void
sl_mesh_hosts(struct sl_mesh *m, bool ipv6, sl_mesh_host_fn *fn, void *ctx)
{
	struct map_it it = {0};
	struct ips ips = {0};

	for (struct service *s; (s = by_key_next(&m->services, &it)) != NULL;) {
		row_of(m, s, &ips, ipv6);
		if (ips.n)
			fn(ctx, &(struct sl_mesh_host_row){.host = s->pub.host,
					.clients = s->pub.clients,
					.ip = ips.v,
					.n = ips.n});
	}
	free(ips.v);
}
