// The listings of services and endpoints, the same offline and in the daemon.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sl_emit.h"
#include "sl_model.h"
#include "sl_str.h"

static int
by_name(const void *pa, const void *pb)
{
	const struct sl_service *a = *(const struct sl_service *const *)pa;
	const struct sl_service *b = *(const struct sl_service *const *)pb;
	int order = strcmp(a->obj->meta.namespace_, b->obj->meta.namespace_);

	if (order == 0)
		order = strcmp(a->host, b->host);
	return order ? order : strcmp(a->obj->meta.name, b->obj->meta.name);
}

const struct sl_service **
sl_services_list(struct sl_registry *r, const char *namespace_, const char *host, size_t *n)
{
	size_t all;
	const struct sl_service *svc = sl_registry_services(r, &all);
	const struct sl_service **list = sl_xcalloc(all, sizeof(struct sl_service *));

	*n = 0;
	for (size_t i = 0; i < all; i++) {
		if (namespace_ && strcmp(svc[i].obj->meta.namespace_, namespace_) != 0)
			continue;
		if (host && strcmp(svc[i].host, host) != 0)
			continue;
		list[(*n)++] = &svc[i];
	}
	if (*n > 1)
		qsort(list, *n, sizeof(struct sl_service *), by_name);
	return list;
}

static void
emit_or_null(struct sl_emit *e, const char *key, const char *text)
{
	sl_emit_str(e, key, text && *text ? text : NULL);
}

static void
emit_load(struct sl_emit *e, const struct sl_endpoint_load *load)
{
	if (load) {
		sl_emit_u64(e, "flows", load->flows);
		sl_emit_u64(e, "flowsTotal", load->total);
	} else {
		sl_emit_null(e, "flows");
		sl_emit_null(e, "flowsTotal");
	}
}

void
sl_endpoint_emit(const struct sl_service *svc, const struct sl_se_port *port,
	const struct sl_se_endpoint *ep, const char *state, const struct sl_endpoint_load *load,
	struct sl_emit *e)
{
	const uint32_t number = sl_se_endpoint_port(ep, port);
	char locality[256], title[512];

	sl_emit_obj(e, NULL);
	if (ep->ip.family == AF_INET6)
		sl_emit_strf(e, "endpoint", "[%s]:%u", ep->address, number);
	else
		sl_emit_strf(e, "endpoint", "%s:%u", ep->address ? ep->address : "", number);
	emit_or_null(e, "address", ep->address);
	sl_emit_u64(e, "port", number);
	sl_emit_str(e, "status", strcmp(state, "up") == 0 ? "HEALTHY" : "UNKNOWN");
	sl_emit_null(e, "outlierCheck");
	sl_emit_strf(e, "cluster", "outbound|%u||%s", port->number, svc->host);
	sl_emit_str(e, "namespace", svc->obj->meta.namespace_);
	sl_emit_str(e, "host", svc->host);
	sl_emit_u64(e, "servicePort", port->number);
	sl_emit_str(e, "portName", port->name);
	sl_emit_u64(e, "weight", sl_se_endpoint_weight(ep));
	emit_or_null(e, "locality", sl_se_endpoint_locality(ep, locality, sizeof(locality)));
	emit_or_null(e, "network", ep->network);
	sl_emit_str(e, "source", sl_object_title(svc->obj, title, sizeof(title)));
	emit_load(e, load);
	sl_emit_end(e);
}
