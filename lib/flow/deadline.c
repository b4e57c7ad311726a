// When a flow's time comes: the timeout of its state, and what its policy says.
#include "table.h"

static const struct sl_flow_policy *
policy_of(const struct sl_flow *f, const struct sl_flow_timeouts *timeouts)
{
	static const struct sl_flow_policy none;

	return f->policy < timeouts->n_policies ? &timeouts->policy[f->policy] : &none;
}

static sl_tick
timeout_of(const struct sl_flow *f, const struct sl_flow_policy *policy,
	const struct sl_flow_timeouts *timeouts)
{
	const bool in_use = f->state >= SL_FLOW_ESTABLISHED && f->state <= SL_FLOW_FIN_ENDPOINT;

	return in_use && policy->idle ? policy->idle : timeouts->by_state[f->state];
}

static sl_tick
earlier(sl_tick a, sl_tick b)
{
	return a < b ? a : b;
}

sl_tick
flow_deadline(const struct sl_flow *f, const struct sl_flow_timeouts *timeouts)
{
	const struct sl_flow_policy *policy = policy_of(f, timeouts);
	sl_tick deadline = tick_add(f->last_seen, timeout_of(f, policy, timeouts));

	if (policy->max_age && f->state != SL_FLOW_UDP)
		deadline = earlier(deadline, tick_add(f->created, policy->max_age));
	if (policy->connect && f->state == SL_FLOW_SYN_SENT)
		deadline = earlier(deadline, tick_add(f->last_seen, policy->connect));
	return deadline;
}

bool
flow_has_connect(const struct sl_flow *f, const struct sl_flow_timeouts *timeouts)
{
	return policy_of(f, timeouts)->connect != 0;
}
