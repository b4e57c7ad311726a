#include "notes.h"

#include <stdio.h>
#include <stdlib.h>

#include "sl_str.h"

void
remark_add(struct remarks *r, const struct remark *remark)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 64;
		r->v = sl_xrealloc(r->v, r->cap, sizeof(*r->v));
	}
	r->v[r->n++] = *remark;
}

static int
order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
cmp_remark(const void *x, const void *y)
{
	const struct remark *a = x, *b = y;
	int d = order((uintptr_t)a->obj, (uintptr_t)b->obj);

	if (d == 0)
		d = order(a->kind, b->kind);
	if (d == 0)
		d = order(a->index, b->index);
	return d ? d : order(a->port, b->port);
}

static void
write_vip_taken(const struct remark *r)
{
	const struct sl_se_address *address = &r->obj->se.addresses[r->index];
	char path[32], title[600], vip[SL_IP_STRLEN];

	snprintf(path, sizeof(path), "spec.addresses[%u]", r->index);
	sl_object_note(r->obj, path, &address->loc, true,
		"%s port %u/%s belongs to %s, which is first in service order: not served here",
		sl_ip_str(&address->prefix.addr, vip), r->obj->se.ports[r->port].number,
		sl_se_port_transport(&r->obj->se.ports[r->port]) == IPPROTO_UDP ? "udp" : "tcp",
		sl_object_title(r->other, title, sizeof(title)));
}

static void
write_twin(const struct remark *r)
{
	char path[32];

	snprintf(path, sizeof(path), "spec.endpoints[%u]", r->index);
	sl_object_note(r->obj, path, &r->obj->se.endpoints[r->index].loc, true,
		"same address and port as spec.endpoints[%u] on port %u: not counted twice",
		r->first, r->obj->se.ports[r->port].number);
}

// An object with several hosts makes the same remark once per host.
void
remarks_write(struct remarks *r)
{
	if (r->n > 1)
		qsort(r->v, r->n, sizeof(*r->v), cmp_remark);
	for (size_t i = 0; i < r->n; i++) {
		if (i > 0 && cmp_remark(&r->v[i - 1], &r->v[i]) == 0)
			continue;
		if (r->v[i].kind == REMARK_VIP_TAKEN)
			write_vip_taken(&r->v[i]);
		else
			write_twin(&r->v[i]);
	}
}
