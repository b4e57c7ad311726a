#include <stdlib.h>

#include "sl_fwd.h"

struct sl_fwd *
sl_fwd_new(const struct sl_fwd *init)
{
	const struct sl_flow_policy none = {.idle = 0};
	struct sl_fwd *fwd = malloc(sizeof(*fwd));

	if (!fwd)
		return NULL;
	*fwd = *init;
	if (!fwd->policies)
		fwd->policies = sl_fwd_policies_new(&none, 1);
	if (!fwd->policies) {
		free(fwd);
		return NULL;
	}
	return fwd;
}

void
sl_fwd_free(void *object)
{
	struct sl_fwd *fwd = object;

	if (!fwd)
		return;
	sl_fwd_services_put(fwd->services);
	sl_fwd_net_put(fwd->net);
	sl_fwd_clients_put(fwd->clients);
	sl_fwd_policies_put(fwd->policies);
	sl_fwd_eps_put(fwd->unknown);
	free(fwd);
}
