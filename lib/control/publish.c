// Registry and kernel state to a snapshot, published when it differs from the one in force.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control_priv.h"
#include "names.h"
#include "removed.h"
#include "responder.h"
#include "sl_flow.h"

_Static_assert(SL_FLOW_STATE_MAX <= SL_FWD_STATES, "a timeout for every state");

static sl_tick
ticks(uint64_t ns)
{
	const uint64_t t = (ns + (1u << SL_FLOW_TICK_SHIFT) - 1) >> SL_FLOW_TICK_SHIFT;

	return t == 0 ? 1 : t > UINT32_MAX / 2 ? UINT32_MAX / 2 : (sl_tick)t;
}

// Each worker holds a limit on its own, with its share of it rounded up.
static uint32_t
share(uint32_t limit, uint32_t n_workers)
{
	return (limit + n_workers - 1) / n_workers;
}

void
control_params(const struct sl_conf *conf, struct sl_fwd_params *out)
{
	memset(out, 0, sizeof(*out));
	out->timeout[SL_FLOW_UDP] = ticks(conf->timeout_udp_ns);
	out->timeout[SL_FLOW_SYN_SENT] = ticks(conf->timeout_syn_ns);
	out->timeout[SL_FLOW_SYN_RECV] = ticks(conf->timeout_syn_ns);
	out->timeout[SL_FLOW_ESTABLISHED] = ticks(conf->timeout_established_ns);
	// Half closed is still in use: the other side may send for as long as it likes.
	out->timeout[SL_FLOW_FIN_CLIENT] = ticks(conf->timeout_established_ns);
	out->timeout[SL_FLOW_FIN_ENDPOINT] = ticks(conf->timeout_established_ns);
	out->timeout[SL_FLOW_CLOSING] = ticks(conf->timeout_closing_ns);
	out->timeout[SL_FLOW_RESET] = ticks(conf->timeout_reset_ns);
	out->deny = conf->deny_silent ? SL_DENY_SILENT : SL_DENY_REJECT;
	out->reply_rate = conf->reply_rate;
	out->max_half_open = (uint8_t)conf->max_half_open;
	out->max_unanswered = (uint8_t)conf->max_unanswered;
	out->source_rate = share(conf->source_rate, conf->n_workers);
	out->source_burst =
		share(conf->source_burst ? conf->source_burst : conf->source_rate, conf->n_workers);
}

static void
retire(void *ctx, void *object, void (*free_fn)(void *))
{
	struct sl_control *c = ctx;

	sl_rcu_retire(c->cfg.rcu, object, free_fn);
	control_reclaim_later(c);
}

// What lib/compile wants to know of the kernel, collected from lib/host.
struct net_input {
	struct sl_compile_port port[SL_MAX_PORTS];
	struct sl_fwd_route *route;
	struct sl_compile_neigh *neigh;
	struct sl_fwd_addr *addr;
	struct sl_compile_net net;
};

static void
take_routes(struct net_input *in, struct sl_host *host)
{
	uint32_t n;
	const struct sl_host_route *route = sl_host_routes(host, &n);

	in->route = sl_xcalloc(n, sizeof(*in->route));
	for (uint32_t i = 0; i < n; i++)
		in->route[i] = (struct sl_fwd_route){
			.dst = route[i].dst,
			.len = route[i].len,
			.unreachable = route[i].unreachable,
			.port = route[i].index,
			.gateway = route[i].gateway,
			.metric = route[i].metric,
		};
	in->net.route = in->route;
	in->net.n_routes = n;
}

static void
take_neighs(struct net_input *in, struct sl_host *host)
{
	uint32_t n;
	const struct sl_host_neigh *neigh = sl_host_neighs(host, &n);

	in->neigh = sl_xcalloc(n, sizeof(*in->neigh));
	for (uint32_t i = 0; i < n; i++)
		in->neigh[i] = (struct sl_compile_neigh){
			.port = neigh[i].index,
			.addr = neigh[i].addr,
			.mac = neigh[i].mac,
			.state = neigh[i].usable   ? SL_ADJ_OK
				 : neigh[i].failed ? SL_ADJ_FAILED
						   : SL_ADJ_UNRESOLVED,
		};
	in->net.neigh = in->neigh;
	in->net.n_neighs = n;
}

static void
take_addrs(struct net_input *in, const struct sl_control *c)
{
	uint32_t n, out = 0;
	const struct sl_host_addr *addr = sl_host_addrs(c->cfg.host, &n);

	in->addr = sl_xcalloc(n + c->cfg.n_pool, sizeof(*in->addr));
	for (uint32_t i = 0; i < n; i++)
		if (!addr[i].ours)
			in->addr[out++] =
				(struct sl_fwd_addr){.addr = addr[i].addr, .kinds = SL_ADDR_LOCAL};
	for (uint32_t i = 0; i < c->cfg.n_pool; i++)
		in->addr[out++] =
			(struct sl_fwd_addr){.addr = c->cfg.pool[i], .kinds = SL_ADDR_POOL};
	in->net.addr = in->addr;
	in->net.n_addrs = out;
}

// A new net part in c->net when something changed. 0 or -errno.
static int
compile_net(struct sl_control *c)
{
	struct net_input in = {.net = {.port = in.port, .n_ports = c->cfg.n_ports}};
	struct sl_fwd_net *net;
	int err;

	for (uint16_t p = 0; p < c->cfg.n_ports; p++)
		in.port[p] =
			(struct sl_compile_port){.mac = c->cfg.ports[p].mac, .up = c->link_up[p]};
	take_routes(&in, c->cfg.host);
	take_neighs(&in, c->cfg.host);
	take_addrs(&in, c);
	errno = 0;
	net = sl_compile_net(c->compile, &in.net);
	err = errno;
	free(in.route);
	free(in.neigh);
	free(in.addr);
	if (!net)
		return -err;
	sl_fwd_net_put(c->net);
	c->net = net;
	return 0;
}

char *
control_publish_why(const struct sl_control *c, int rc)
{
	if (rc == -ENOSPC)
		return sl_xasprintf("more service ports than a million, or neighbours than %u",
			CONTROL_MAX_ADJS);
	return sl_xstrdup(strerror(-rc));
}

// What the workers are to have now; all parts borrowed.
static int
wanted(struct sl_control *c, struct sl_fwd *out)
{
	*out = (struct sl_fwd){.generation = c->generation + 1,
		.services = sl_compile_current(c->compile),
		.net = c->net,
		.clients = c->clients,
		.policies = sl_compile_policies(c->compile)};
	control_params(c->conf, &out->params);
	if (c->conf->outbound != SL_OUTBOUND_ALLOW_ANY)
		return 0;
	out->unknown = sl_compile_unknown(c->compile);
	return out->unknown ? 0 : -errno;
}

static bool
is_in_force(const struct sl_control *c, const struct sl_fwd *fwd)
{
	const struct sl_fwd *now = c->in_force;

	return now && fwd->services == now->services && fwd->net == now->net &&
	       fwd->clients == now->clients && fwd->policies == now->policies &&
	       fwd->unknown == now->unknown &&
	       memcmp(&fwd->params, &now->params, sizeof(fwd->params)) == 0;
}

static int
publish(struct sl_control *c, const struct sl_fwd *parts)
{
	struct sl_fwd *fwd;

	sl_fwd_services_get(parts->services);
	sl_fwd_net_get(parts->net);
	sl_fwd_policies_get(parts->policies);
	if (parts->clients)
		sl_fwd_clients_get(parts->clients);
	if (parts->unknown)
		sl_fwd_eps_get(parts->unknown);
	fwd = sl_fwd_new(parts);
	if (!fwd) {
		sl_fwd_services_put(parts->services);
		sl_fwd_net_put(parts->net);
		sl_fwd_policies_put(parts->policies);
		sl_fwd_clients_put(parts->clients);
		sl_fwd_eps_put(parts->unknown);
		return -ENOMEM;
	}
	c->in_force = fwd;
	c->generation++;
	sl_rcu_publish(c->cfg.rcu, fwd, sl_fwd_free);
	control_reclaim_later(c);
	return 0;
}

// One pass over what changed, or two: a name that came may have an answer already.
static int
compile_services(struct sl_control *c, struct sl_compile_result *sum)
{
	struct sl_compile_result pass = {0};
	bool again = true;
	int rc = 0;

	for (int i = 0; i < 2 && again; i++) {
		rc = sl_compile_services(
			c->compile, c->mesh, c->cfg.now_ns(c->cfg.ctx), retire, c, &pass);
		pass.added += sum->added;
		pass.removed += sum->removed;
		pass.swapped += sum->swapped;
		pass.table_changed |= sum->table_changed;
		*sum = pass;
		again = names_follow(c->names);
	}
	return rc;
}

static void
tell_result(struct sl_control *c, const struct sl_compile_result *result)
{
	if (result->without_policy)
		sl_log(c->log, SL_LOG_WARN, TOPIC,
			"65534 different sets of connectTimeout, idleTimeout and "
			"maxConnectionDuration have been in use since the start: no more until a "
			"restart, these hold to the gateway's timeouts clusters=%u",
			result->without_policy);
	if (result->swapped)
		sl_log_limited(c->log, &c->swap_limit, SL_LOG_INFO, TOPIC,
			"endpoints changed services=%u", result->swapped);
}

// with_net: the kernel may have something new, too.
static int
publish_what_changed(struct sl_control *c, bool with_net)
{
	struct sl_compile_result result = {0};
	struct sl_fwd parts;
	int rc, failed;

	free(c->unfit);
	c->unfit = NULL;
	// Objects that do not fit must not cut the workers off from the kernel's next hops: the net
	// part goes out with the services in force.
	failed = compile_services(c, &result);
	if (failed < 0 && !c->in_force)
		return failed;
	rc = with_net || result.table_changed ? compile_net(c) : 0;
	if (rc < 0)
		return rc;
	tell_result(c, &result);
	rc = wanted(c, &parts);
	if (rc < 0)
		return rc;
	// Against what is in force, not against the last try, which may have failed half-way.
	if (is_in_force(c, &parts))
		return failed;
	rc = publish(c, &parts);
	if (rc < 0)
		return rc;
	sl_log(c->log, SL_LOG_DEBUG, TOPIC,
		"published generation=%llu service_ports=%u endpoints=%u added=%u removed=%u",
		(unsigned long long)c->generation, result.services, result.endpoints, result.added,
		result.removed);
	return failed;
}

// What follows from what is in force now.
static int
publish_and_follow(struct sl_control *c, bool with_net)
{
	const int rc = publish_what_changed(c, with_net);

	removed_settle(c->removed);
	responder_follow(c->responder);
	names_check_ready(c->names);
	return rc;
}

int
control_publish(struct sl_control *c)
{
	return publish_and_follow(c, true);
}

int
control_publish_answers(struct sl_control *c)
{
	return publish_and_follow(c, false);
}
