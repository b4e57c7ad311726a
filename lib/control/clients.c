// Who the clients are: the client groups of sluice.yaml, for the mesh (what they see) and for the
// workers (which address is of which group).
#include <stdlib.h>
#include <string.h>

#include "control_priv.h"

static void
configure_mesh(struct sl_control *c)
{
	const struct sl_conf *conf = c->conf;
	struct sl_mesh_client *client = sl_xcalloc(conf->n_groups, sizeof(*client));

	for (uint32_t i = 0; i < conf->n_groups; i++) {
		const struct sl_conf_group *g = &conf->groups[i];

		client[i] = (struct sl_mesh_client){.namespace_ = g->namespace_,
			.labels = g->labels,
			.n_labels = g->n_labels,
			.locality = g->locality,
			.network = g->network};
	}
	sl_mesh_configure(
		c->mesh, &(struct sl_mesh_cfg){.client = client,
				 .n_clients = conf->n_groups,
				 .root_namespace = conf->root_namespace,
				 .se_export_to = {conf->se_export_to, conf->n_se_export_to},
				 .vs_export_to = {conf->vs_export_to, conf->n_vs_export_to},
				 .dr_export_to = {conf->dr_export_to, conf->n_dr_export_to},
				 .connect_timeout_ns = conf->connect_timeout_ns,
				 .locality = &conf->locality,
				 .allow_any = conf->outbound == SL_OUTBOUND_ALLOW_ANY});
	free(client);
}

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

// A new part each time: a reload is rare, and an equal part only costs its publishing.
void
control_take_clients(struct sl_control *c)
{
	struct sl_fwd_clients *clients = NULL;

	configure_mesh(c);
	if (c->conf->n_group_prefixes > 0)
		clients = make_clients(c->conf);
	sl_fwd_clients_put(c->clients);
	c->clients = clients;
}
