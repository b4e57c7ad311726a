// The rows of sluice.yaml that say who the clients are, and what Istio has in MeshConfig.
#include "dr_check.h"
#include "names.h"
#include "rows.h"

#define AT(member)      offsetof(struct sl_conf, member)
#define CLIENTS(member) offsetof(struct sl_conf_clients, member)

#define MS SL_NSEC_PER_MSEC
#define H  (3600 * SL_NSEC_PER_SEC)

static const struct field clients_rows[] = {
	{.key = "cidrs",
		.type = T_PREFIX,
		.flags = F_LIST | F_REQUIRED,
		.at = CLIENTS(cidrs),
		.count_at = CLIENTS(n_cidrs),
		.min_items = 1,
		.max_items = 4096,
		.help = "Addresses of the clients: IPv4 CIDRs without host bits. One CIDR may lie "
			"in another: the longest that has an address decides."},
	{.key = "namespace",
		.type = T_STRING,
		.at = CLIENTS(namespace_),
		.check = check_namespace,
		.def_text = "`node.namespace`",
		.help = "Their namespace: they see what is exported to it."},
	{.key = "labels",
		.type = T_LABELS,
		.at = CLIENTS(labels),
		.count_at = CLIENTS(n_labels),
		.max_items = 256,
		.max = 63,
		.check = check_label_value,
		.def_text = "none",
		.help = "Their labels, for `workloadSelector`, `sourceLabels` and "
			"`failoverPriority`."},
	{.key = "locality",
		.type = T_STRING,
		.at = CLIENTS(locality),
		.max = 2048,
		.check = check_node_locality,
		.def_text = "`node.locality`",
		.help = "Where they are, `region/zone/subzone`."},
};
static const struct schema entry_schema = {"clients[]", FIELDS(clients_rows),
	.size = sizeof(struct sl_conf_clients), .loc_at = CLIENTS(loc)};

// Who sees an object that does not say so itself.
#define EXPORT(key_, member, objects)                                                              \
	{                                                                                          \
		.key = key_, .type = T_STRING, .flags = F_LIST, .at = AT(member),                  \
		.count_at = AT(n_##member), .max_items = 1024, .check = check_export_entry,        \
		.def_text = "`*`",                                                                 \
		.help = "`exportTo` of each " objects " without one: `*`, `.` or namespaces."      \
	}

static const struct field mesh_rows[] = {
	{.key = "rootNamespace",
		.type = T_STRING,
		.at = AT(root_namespace),
		.check = check_namespace,
		.def = "istio-system",
		.help = "Namespace whose DestinationRules are for clients of every namespace."},
	EXPORT("defaultServiceExportTo", se_export_to, "ServiceEntry"),
	EXPORT("defaultVirtualServiceExportTo", vs_export_to, "VirtualService"),
	EXPORT("defaultDestinationRuleExportTo", dr_export_to, "DestinationRule"),
	{.key = "connectTimeout",
		.type = T_DURATION,
		.flags = F_MILLIS,
		.at = AT(connect_timeout_ns),
		.min = MS,
		.max = H,
		.def = "10s",
		.help = "How long an endpoint has to answer a handshake before another one is "
			"tried, where no DestinationRule says it."},
	{.key = "localityLbSetting",
		.type = T_OBJECT,
		.at = AT(locality),
		.has_at = AT(locality.given),
		.sub_of = locality_schema,
		.help = "Balancing between localities, where no DestinationRule says it."},
};
static const struct schema spec_schema = {"mesh", FIELDS(mesh_rows), .loc_at = NO_AT};

const struct schema *
clients_schema(void)
{
	return &entry_schema;
}

const struct schema *
mesh_schema(void)
{
	return &spec_schema;
}
