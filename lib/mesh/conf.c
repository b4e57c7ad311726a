#include <stdlib.h>

#include "sl_mesh_conf.h"
#include "sl_str.h"

static struct sl_prefix
range(const struct sl_conf *conf, const struct sl_prefix *of)
{
	return conf->dns.auto_vips ? *of : (struct sl_prefix){0};
}

void
sl_mesh_configure_conf(struct sl_mesh *m, const struct sl_conf *conf)
{
	struct sl_mesh_client *client = sl_xcalloc(conf->n_groups, sizeof(*client));

	for (uint32_t i = 0; i < conf->n_groups; i++) {
		const struct sl_conf_group *g = &conf->groups[i];

		client[i] = (struct sl_mesh_client){.namespace_ = g->namespace_,
			.labels = g->labels,
			.n_labels = g->n_labels,
			.locality = g->locality,
			.network = g->network};
	}
	sl_mesh_configure(m, &(struct sl_mesh_cfg){.client = client,
				     .n_clients = conf->n_groups,
				     .root_namespace = conf->root_namespace,
				     .se_export_to = {conf->se_export_to, conf->n_se_export_to},
				     .vs_export_to = {conf->vs_export_to, conf->n_vs_export_to},
				     .dr_export_to = {conf->dr_export_to, conf->n_dr_export_to},
				     .connect_timeout_ns = conf->connect_timeout_ns,
				     .auto_vip4 = range(conf, &conf->dns.auto_vip4),
				     .auto_vip6 = range(conf, &conf->dns.auto_vip6),
				     .locality = &conf->locality,
				     .names = &conf->dns.names,
				     .allow_any = conf->outbound == SL_OUTBOUND_ALLOW_ANY});
	free(client);
}
