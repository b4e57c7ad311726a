// Virtual IPs of services without addresses: out of status.addresses, else an own one of a range.
#pragma once

#include "mesh.h"
#include "seats.h"

struct vip_part; // of a service: what it takes, and what it wants

// The ranges are those of m->cfg. What services have is taken back at the next auto_vips_settle().
void auto_vips_configure(struct sl_mesh *m);
void auto_vips_fini(struct sl_mesh *m); // before the services are freed
// After a service was made, or when it is gone: s->obj says what there is to take.
void vip_follow(struct sl_mesh *m, struct service *s);
// After all that: who has what. Tells those whose virtual IP is another.
void auto_vips_settle(struct sl_mesh *m, void (*tell)(struct sl_mesh *, struct service *));

// What status.addresses gives the service in a family (0: IPv4, 1: IPv6) and another service has:
// the object that says so. NULL: nothing.
const struct sl_object *vip_lost_status(const struct service *s, unsigned family, struct sl_ip *ip,
	const char **why, const struct service **other);
// It wants a virtual IP of the family and the range has no more: the range. NULL: not so.
const struct sl_prefix *vip_range_full(
	const struct sl_mesh *m, const struct service *s, unsigned family);
