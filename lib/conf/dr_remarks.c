// What of a valid DestinationRule has no effect here, or not yet: each is a note on the object and
// a warning.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dr_check.h"
#include "sl_str.h"

#define LB   "loadBalancer"
#define HASH "loadBalancer.consistentHash"

// A remark on something in the block, when it is there.
static void
remark_at(struct se_check *c, const struct dr_block *b, const char *path, const char *text)
{
	if (dr_find(b, path))
		se_remark(c, NULL, P(c, "%s.%s", b->path, path), "%s", text);
}

// ---- loadBalancer ----

static void
remark_hash(struct se_check *c, const struct dr_block *b)
{
	static const char *const keys[] = {
		"httpHeaderName", "httpCookie", "httpQueryParameterName", NULL};

	if (!dr_find(b, HASH) || b->lb->hash == SL_LB_HASH_SOURCE_IP)
		return;
	if (b->lb->hash == SL_LB_HASH_NONE)
		se_remark(c, NULL, P(c, "%s." HASH, b->path),
			"nothing to hash, as useSourceIp: true would be: an endpoint at random, as "
			"Envoy does");
	for (size_t i = 0; keys[i]; i++) {
		char path[64];

		snprintf(path, sizeof(path), HASH ".%s", keys[i]);
		remark_at(c, b, path,
			"no HTTP is read at this tier: an endpoint at random, as Envoy does for "
			"TCP");
	}
}

static bool
is_true_fraction(const char *text)
{
	const char *dot = strchr(text, '.');

	return dot && dot[1 + strspn(dot + 1, "0")];
}

static void
remark_warmup(struct se_check *c, const struct dr_block *b)
{
	const struct sl_load_balancer *lb = b->lb;
	const char *key = dr_find(b, LB ".warmup") ? "warmup" : "warmupDurationSecs";
	const char *percent = dr_text(b, LB ".warmup.minimumPercent");
	const char *with = dr_find(b, HASH)                  ? "consistentHash"
			   : lb->simple == SL_LB_RANDOM      ? "RANDOM"
			   : lb->simple == SL_LB_PASSTHROUGH ? "PASSTHROUGH"
							     : NULL;

	if (!lb->warmup.duration_ns)
		return;
	if (dr_find(b, LB ".warmupDurationSecs"))
		se_remark(c, NULL, P(c, "%s." LB ".warmupDurationSecs", b->path),
			dr_find(b, LB ".warmup") ? "no effect: warmup comes first"
						 : "deprecated: write warmup.duration");
	if (with)
		se_remark(c, NULL, P(c, "%s." LB ".%s", b->path, key),
			"no effect with %s: ROUND_ROBIN and LEAST_REQUEST start slowly", with);
	else if (is_true_fraction(percent))
		se_remark(c, NULL, P(c, "%s." LB ".warmup.minimumPercent", b->path),
			"rounded to %u", lb->warmup.minimum_percent);
}

static void
remark_locality(struct se_check *c, const struct dr_block *b)
{
	remark_at(
		c, b, LB ".zoneAwareLbSetting", "not served yet: the client's zone does not count");
	if (b->lb->simple == SL_LB_PASSTHROUGH)
		remark_at(c, b, LB ".localityLbSetting",
			"no effect with PASSTHROUGH, which keeps the client's destination");
}

// ---- the other blocks ----

static void
remark_pool(struct se_check *c, const struct dr_block *b)
{
	remark_at(c, b, "connectionPool.http", "no effect here: no HTTP is read at this tier");
	remark_at(c, b, "connectionPool.tcp.tcpKeepalive",
		"no effect here: connections do not end at this gateway, their own keep-alives "
		"pass");
	if (!b->pool->max_connections)
		remark_at(c, b, "connectionPool.tcp.maxConnections",
			"0 counts as not given: no limit");
}

static void
remark_tls(struct se_check *c, const struct dr_block *b)
{
	const struct node *tls = dr_find(b, "tls");
	const char *mode = dr_text(b, "tls.mode");

	if (!tls)
		return;
	if (*mode && strcmp(mode, "DISABLE") != 0)
		se_remark(c, NULL, P(c, "%s.tls.mode", b->path),
			"no TLS is originated here yet: the bytes are passed as they come");
	else if (tls->n > (*mode ? 1 : 0))
		se_remark(c, NULL, P(c, "%s.tls", b->path), "no effect: the mode is DISABLE%s",
			*mode ? "" : ", the default");
}

// ---- policies ----

struct port_at {
	uint32_t port;
	uint32_t i;
};

static int
by_port(const void *a, const void *b)
{
	const struct port_at *x = a, *y = b;

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return x->i < y->i ? -1 : x->i > y->i;
}

static void
remark_ports(struct se_check *c, const struct dr_block *b)
{
	const struct sl_port_policy *ports = b->ports;
	struct port_at *v = sl_xcalloc(b->n_ports, sizeof(*v));
	uint32_t first = 0;

	for (uint32_t i = 0; i < b->n_ports; i++) {
		v[i] = (struct port_at){ports[i].port, i};
		if (!ports[i].port || ports[i].port > 65535)
			se_remark(c, NULL, P(c, "%s.portLevelSettings[%u].port.number", b->path, i),
				"no effect: no service has port %u", ports[i].port);
	}
	qsort(v, b->n_ports, sizeof(*v), by_port);
	for (uint32_t i = 1; i < b->n_ports; i++) {
		if (v[i].port != v[first].port)
			first = i;
		else
			se_remark(c, NULL, P(c, "%s.portLevelSettings[%u]", b->path, v[i].i),
				"no effect: portLevelSettings[%u] is for port %u, too, and comes "
				"first",
				v[first].i, v[i].port);
	}
	free(v);
}

static void
remark_policy(struct se_check *c, const struct dr_block *b)
{
	remark_at(c, b, "tunnel",
		"no tunnel is opened here yet: the bytes go to the endpoint as they come");
	remark_at(c, b, "proxyProtocol",
		"no PROXY header is sent yet: the endpoint sees an address of the pool");
	remark_at(c, b, "retryBudget", "no effect here: no HTTP is read at this tier");
	remark_ports(c, b);
}

static void
remark_block(struct se_check *c, const struct dr_block *b)
{
	if (!b->is_port)
		remark_policy(c, b);
	remark_hash(c, b);
	remark_warmup(c, b);
	remark_locality(c, b);
	remark_pool(c, b);
	remark_at(c, b, "outlierDetection",
		"no endpoint is ejected yet; localities fail over, and minHealthPercent counts");
	remark_tls(c, b);
}

void
dr_remarks(struct reader *r, const struct node *root, struct sl_object *obj)
{
	struct se_check c = {
		.r = r, .root = root, .spec = node_get(root, "spec"), .obj = obj, .notes = obj};

	dr_each_block(&c, remark_block);
}
