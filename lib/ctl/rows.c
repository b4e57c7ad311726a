#include "sl_ctl_rows.h"

#include <string.h>

// The words of istioctl for the states of `services`.
static const char *
endpoint_status(const char *state)
{
	if (!state || strcmp(state, "unknown") == 0)
		return "UNKNOWN";
	if (strcmp(state, "notServed") == 0)
		return "NOT SERVED";
	if (strcmp(state, "draining") == 0)
		return "DRAINING";
	return strcmp(state, "up") == 0 ? "HEALTHY" : "UNHEALTHY";
}

static void
emit_text(struct sl_emit *e, const char *key, const char *text)
{
	sl_emit_str(e, key, text && *text ? text : NULL);
}

static void
emit_count(struct sl_emit *e, const char *key, bool known, uint64_t count)
{
	if (known)
		sl_emit_u64(e, key, count);
	else
		sl_emit_null(e, key);
}

void
sl_ctl_emit_endpoint(struct sl_emit *e, const struct sl_ctl_endpoint *p)
{
	const char *address = p->address ? p->address : "";
	const bool v6 = strchr(address, ':') != NULL;

	sl_emit_strf(e, "endpoint", "%s%s%s:%u", v6 ? "[" : "", address, v6 ? "]" : "", p->port);
	emit_text(e, "address", address);
	sl_emit_u64(e, "port", p->port);
	sl_emit_str(e, "status", endpoint_status(p->state));
	// Nothing checks yet whether endpoints misbehave.
	sl_emit_null(e, "outlierCheck");
	sl_emit_strf(e, "cluster", "outbound|%u||%s", p->service_port, p->host ? p->host : "");
	emit_text(e, "namespace", p->namespace_);
	emit_text(e, "host", p->host);
	sl_emit_u64(e, "servicePort", p->service_port);
	emit_text(e, "portName", p->port_name);
	sl_emit_u64(e, "weight", p->weight);
	emit_text(e, "locality", p->locality);
	emit_text(e, "network", p->network);
	emit_text(e, "source", p->source);
	emit_count(e, "flows", p->has_flows, p->flows);
	emit_count(e, "flowsTotal", p->has_flows, p->flows_total);
}
