// Who the clients are: the client groups of sluice.yaml, for the mesh (what they see) and for the
// workers (which address is of which group).
#include <stdlib.h>

#include "control_priv.h"
#include "sl_mesh_conf.h"

static struct sl_fwd_clients *
make_clients(const struct sl_conf *conf)
{
	struct sl_fwd_client *v = sl_xcalloc(conf->n_group_prefixes, sizeof(*v));
	struct sl_fwd_clients *made;

	for (uint32_t i = 0; i < conf->n_group_prefixes; i++)
		v[i] = (struct sl_fwd_client){.dst = conf->group_prefixes[i].prefix.addr.v4,
			.len = conf->group_prefixes[i].prefix.len,
			.group = (uint8_t)conf->group_prefixes[i].group};
	made = sl_fwd_clients_new(v, conf->n_group_prefixes);
	free(v);
	return made;
}

struct sl_dns_address *
control_dns_addresses(const struct sl_conf_dns_address *v, uint32_t n)
{
	struct sl_dns_address *out = sl_xcalloc(n, sizeof(*out));

	for (uint32_t i = 0; i < n; i++)
		out[i] = (struct sl_dns_address){.ip = v[i].ip, .port = v[i].port};
	return out;
}

// A new part each time: a reload is rare, and an equal part only costs its publishing.
void
control_take_clients(struct sl_control *c)
{
	struct sl_fwd_clients *clients = NULL;

	sl_mesh_configure_conf(c->mesh, c->conf);
	if (c->conf->n_group_prefixes > 0)
		clients = make_clients(c->conf);
	sl_fwd_clients_put(c->clients);
	c->clients = clients;
}
