#include <stdlib.h>

#include "sl_fwd.h"

struct sl_fwd *
sl_fwd_new(uint64_t generation, struct sl_fwd_services *services, struct sl_fwd_net *net,
	const struct sl_fwd_params *params)
{
	struct sl_fwd *fwd = malloc(sizeof(*fwd));

	if (!fwd)
		return NULL;
	*fwd = (struct sl_fwd){
		.generation = generation, .services = services, .net = net, .params = *params};
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
	free(fwd);
}
