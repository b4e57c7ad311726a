// Where the parts of an object stand in its file.
#include "spec.h"

static void
service_entry(struct sl_service_entry *to, const struct sl_service_entry *from)
{
	for (uint32_t i = 0; i < to->n_addresses && i < from->n_addresses; i++)
		to->addresses[i].loc = from->addresses[i].loc;
	for (uint32_t i = 0; i < to->n_ports && i < from->n_ports; i++)
		to->ports[i].loc = from->ports[i].loc;
	for (uint32_t i = 0; i < to->n_endpoints && i < from->n_endpoints; i++)
		to->endpoints[i].loc = from->endpoints[i].loc;
}

static void
destination_rule(struct sl_destination_rule *to, const struct sl_destination_rule *from)
{
	to->loc = from->loc;
	for (uint32_t i = 0; i < to->n_subsets && i < from->n_subsets; i++)
		to->subsets[i].loc = from->subsets[i].loc;
}

static void
routes(struct sl_vs_route *to, uint32_t n, const struct sl_vs_route *from, uint32_t n_from)
{
	for (uint32_t i = 0; i < n && i < n_from; i++) {
		to[i].loc = from[i].loc;
		for (uint32_t k = 0; k < to[i].n_match && k < from[i].n_match; k++)
			to[i].match[k].loc = from[i].match[k].loc;
		for (uint32_t k = 0; k < to[i].n_to && k < from[i].n_to; k++)
			to[i].to[k].loc = from[i].to[k].loc;
	}
}

static void
gateway(struct sl_gateway *to, const struct sl_gateway *from)
{
	for (uint32_t i = 0; i < to->n_servers && i < from->n_servers; i++)
		to->servers[i].loc = from->servers[i].loc;
}

void
spec_take_places(struct sl_object *to, const struct sl_object *from)
{
	switch (to->kind) {
	case SL_KIND_SERVICE_ENTRY:
		service_entry(&to->se, &from->se);
		break;
	case SL_KIND_WORKLOAD_ENTRY:
		to->we.ep.loc = from->we.ep.loc;
		break;
	case SL_KIND_DESTINATION_RULE:
		destination_rule(&to->dr, &from->dr);
		break;
	case SL_KIND_VIRTUAL_SERVICE:
		routes(to->vs.tcp, to->vs.n_tcp, from->vs.tcp, from->vs.n_tcp);
		routes(to->vs.tls, to->vs.n_tls, from->vs.tls, from->vs.n_tls);
		break;
	case SL_KIND_GATEWAY:
		gateway(&to->gw, &from->gw);
		break;
	default:
		break;
	}
}

// ---- the document stands further down ----

static void
move(struct sl_loc *loc, int32_t lines)
{
	if (loc->line)
		loc->line += (uint32_t)lines;
}

static void
move_service_entry(struct sl_service_entry *se, int32_t lines)
{
	for (uint32_t i = 0; i < se->n_addresses; i++)
		move(&se->addresses[i].loc, lines);
	for (uint32_t i = 0; i < se->n_ports; i++)
		move(&se->ports[i].loc, lines);
	for (uint32_t i = 0; i < se->n_endpoints; i++)
		move(&se->endpoints[i].loc, lines);
}

static void
move_routes(struct sl_vs_route *v, uint32_t n, int32_t lines)
{
	for (uint32_t i = 0; i < n; i++) {
		move(&v[i].loc, lines);
		for (uint32_t k = 0; k < v[i].n_match; k++)
			move(&v[i].match[k].loc, lines);
		for (uint32_t k = 0; k < v[i].n_to; k++)
			move(&v[i].to[k].loc, lines);
	}
}

static void
move_spec(struct sl_object *obj, int32_t lines)
{
	switch (obj->kind) {
	case SL_KIND_SERVICE_ENTRY:
		move_service_entry(&obj->se, lines);
		break;
	case SL_KIND_WORKLOAD_ENTRY:
		move(&obj->we.ep.loc, lines);
		break;
	case SL_KIND_DESTINATION_RULE:
		move(&obj->dr.loc, lines);
		for (uint32_t i = 0; i < obj->dr.n_subsets; i++)
			move(&obj->dr.subsets[i].loc, lines);
		break;
	case SL_KIND_VIRTUAL_SERVICE:
		move_routes(obj->vs.tcp, obj->vs.n_tcp, lines);
		move_routes(obj->vs.tls, obj->vs.n_tls, lines);
		break;
	case SL_KIND_GATEWAY:
		for (uint32_t i = 0; i < obj->gw.n_servers; i++)
			move(&obj->gw.servers[i].loc, lines);
		break;
	default:
		break;
	}
}

void
sl_object_move(struct sl_object *obj, int32_t lines)
{
	move(&obj->loc, lines);
	move_spec(obj, lines);
	for (uint32_t i = 0; i < obj->n_notes; i++)
		if (obj->notes[i].line)
			obj->notes[i].line += (uint32_t)lines;
}
