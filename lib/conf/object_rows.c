// The rows of objects: what every object has, and the specs of ServiceEntry and WorkloadEntry.
#include "kinds.h"
#include "names.h"
#include "rows.h"
#include "workload.h"

#define META(member) offsetof(struct sl_meta, member)
#define SE(member)   offsetof(struct sl_service_entry, member)
#define PORT(member) offsetof(struct sl_se_port, member)
#define EP(member)   offsetof(struct sl_se_endpoint, member)
#define WE(member)   offsetof(struct sl_workload_entry, ep.member)

#define SERVER_ROW(k)                                                                              \
	{                                                                                          \
		.key = (k), .type = T_ANY, .flags = F_NOISE, .at = NO_AT,                          \
		.help = "Written by a server: accepted, no effect."                                \
	}

// What metadata has in every kind, but for the namespace.
#define META_ROWS(labels_here, annotations_here, annotation_rows)                                  \
	{.key = "name",                                                                            \
		.type = T_STRING,                                                                  \
		.flags = F_REQUIRED,                                                               \
		.at = META(name),                                                                  \
		.check = check_object_name,                                                        \
		.help = "Name, unique in kind and namespace."},                                    \
		{.key = "labels",                                                                  \
			.type = T_LABELS,                                                          \
			.at = META(labels),                                                        \
			.count_at = META(n_labels),                                                \
			.help = "Labels.",                                                         \
			.here = labels_here},                                                      \
		{.key = "annotations",                                                             \
			.type = T_LABELS,                                                          \
			.at = META(annotations),                                                   \
			.count_at = META(n_annotations),                                           \
			.help = "Annotations.",                                                    \
			.sub_of = annotation_rows,                                                 \
			.here = annotations_here                                                   \
			"`kubectl.kubernetes.io/last-applied-configuration` is dropped."},         \
		{.key = "creationTimestamp",                                                       \
			.type = T_STRING,                                                          \
			.at = META(creation),                                                      \
			.check = check_timestamp,                                                  \
			.help = "When it was made (RFC 3339).",                                    \
			.here = "Decides who comes first when two objects claim the same address " \
				"and port; "                                                       \
				"one without is the oldest."},                                     \
		SERVER_ROW("generateName"), SERVER_ROW("uid"), SERVER_ROW("resourceVersion"),      \
		SERVER_ROW("generation"), SERVER_ROW("managedFields"),                             \
		SERVER_ROW("ownerReferences"), SERVER_ROW("finalizers"), SERVER_ROW("selfLink"),   \
		SERVER_ROW("deletionGracePeriodSeconds")

#define ANY_META_ROWS                                                                              \
	META_ROWS("A `workloadSelector` goes by those of WorkloadEntries and Pods.", "", NULL)
#define SE_META_ROWS                                                                               \
	META_ROWS("`networking.istio.io/enable-autoallocate-ip: \"false\"` (in any letter case): " \
		  "no "                                                                            \
		  "virtual IPs. Istio's own that have no effect are reported.",                    \
		"`networking.istio.io/traffic-distribution` prefers near endpoints; those of "     \
		"`sluice.io/` say how names are resolved. Istio's others that have no effect are " \
		"reported. ",                                                                      \
		se_annotations_schema)

#define NAMESPACE_ROW                                                                              \
	{                                                                                          \
		.key = "namespace", .type = T_STRING, .flags = F_ALWAYS, .at = META(namespace_),   \
		.check = check_namespace, .def = "default", .help = "Namespace."                   \
	}
#define DELETION_ROW SERVER_ROW("deletionTimestamp")

static const struct field meta_rows[] = {NAMESPACE_ROW, ANY_META_ROWS, DELETION_ROW};
static const struct schema meta = {
	"metadata", FIELDS(meta_rows), .loc_at = NO_AT, .title = "metadata"};

const struct schema *
meta_schema(void)
{
	return &meta;
}

static const struct field se_meta_rows[] = {NAMESPACE_ROW, SE_META_ROWS, DELETION_ROW};
static const struct schema se_meta = {
	"metadata", FIELDS(se_meta_rows), .loc_at = NO_AT, .title = "metadata"};

const struct schema *
se_meta_schema(void)
{
	return &se_meta;
}

// Of a Pod it counts: see pod_finish().
static const struct field pod_meta_rows[] = {NAMESPACE_ROW, ANY_META_ROWS,
	{.key = "deletionTimestamp",
		.type = T_ANY,
		.at = NO_AT,
		.help = "When it is to be gone.",
		.here = "With it, the Pod is no endpoint any more."}};
static const struct schema pod_meta = {
	"metadata", FIELDS(pod_meta_rows), .loc_at = NO_AT, .title = "metadata"};

const struct schema *
pod_meta_schema(void)
{
	return &pod_meta;
}

static const struct field cluster_meta_rows[] = {ANY_META_ROWS, DELETION_ROW};
static const struct schema cluster_meta = {
	"metadata", FIELDS(cluster_meta_rows), .loc_at = NO_AT, .title = "metadata"};

const struct schema *
cluster_meta_schema(void)
{
	return &cluster_meta;
}

static const struct field port_rows[] = {
	{.key = "number",
		.type = T_NUMBER,
		.flags = F_REQUIRED,
		.at = PORT(number),
		.min = 1,
		.max = 65535,
		.rule = "S15+C8",
		.missing_rule = "S15+C9",
		.help = "Port that clients connect to, unique in the entry."},
	{.key = "name",
		.type = T_STRING,
		.flags = F_REQUIRED,
		.at = PORT(name),
		.max = 256,
		.check = check_dns_label,
		.rule = "S15",
		.missing_rule = "S15+C9",
		.help = "Name, unique in the entry."},
	{.key = "protocol",
		.type = T_STRING,
		.flags = F_UPPER,
		.at = PORT(protocol),
		.max = 256,
		.check = check_protocol,
		.rule = "S15",
		.def = "",
		.help = "TCP, UDP, HTTP, HTTPS, HTTP2, HTTP_PROXY, GRPC, GRPC-Web, TLS, MONGO, "
			"REDIS "
			"or MYSQL, in any letter case.",
		.here = "UDP is carried as UDP (Istio carries no UDP), everything else as TCP, "
			"without a look at names in it. HTTP and TLS ports without a plain "
			"address: "
			"with STATIC all traffic to the port goes to the service; with NONE not "
			"served yet."},
	{.key = "targetPort",
		.type = T_NUMBER,
		.at = PORT(target_port),
		.min = 1,
		.max = 65535,
		.rule = "S13+C8",
		.zero_rule = "C8",
		.def_text = "`number`",
		.help = "Port at the endpoints that do not give their own."},
};
static const struct schema port_schema = {"ports[]", FIELDS(port_rows),
	.size = sizeof(struct sl_se_port), .loc_at = PORT(loc), .title = "spec.ports[]"};

static const struct field endpoint_rows[] = {
	{.key = "address",
		.type = T_STRING,
		.at = EP(address),
		.max = 256,
		.rule = "C11",
		.help = "IP address; with DNS resolutions also a host name; with STATIC also "
			"`unix:///path`.",
		.here = "IPv4 addresses and names are served."},
	{.key = "ports",
		.type = T_PORT_MAP,
		.at = EP(ports),
		.count_at = EP(n_ports),
		.min = 1,
		.max = 65535,
		.max_items = 128,
		.rule = "S24+C8",
		.help = "Port at this endpoint by the name of a port of the entry."},
	{.key = "labels",
		.type = T_LABELS,
		.at = EP(labels),
		.count_at = EP(n_labels),
		.max_items = 256,
		.max = 63,
		.rule = "C11",
		.help = "Labels.",
		.here = "The subsets and failoverPriority of a DestinationRule go by them."},
	{.key = "network",
		.type = T_STRING,
		.at = EP(network),
		.max = 2048,
		.rule = "C11",
		.help = "Network of a multi-network mesh.",
		.here = "No effect: no network gateways are known, the endpoint is reached "
			"directly. "
			"Without an address it gets no traffic."},
	{.key = "locality",
		.type = T_STRING,
		.at = EP(locality),
		.max = 2048,
		.rule = "C11",
		.help = "`region/zone/subzone`.",
		.here = "Decides who is near, with a DestinationRule or the annotation "
			"`networking.istio.io/traffic-distribution`."},
	{.key = "weight",
		.type = T_NUMBER,
		.at = EP(weight),
		.max = UINT32_MAX,
		.rule = "C11",
		.def_text = "1",
		.help = "Relative share of new flows; 0 counts as 1."},
	{.key = "serviceAccount",
		.type = T_STRING,
		.at = EP(service_account),
		.max = 253,
		.rule = "C11",
		.help = "Identity of the workload.",
		.here = "No effect: TLS is passed through."},
};
static const struct schema endpoint_schema = {"endpoints[]", FIELDS(endpoint_rows),
	.size = sizeof(struct sl_se_endpoint), .loc_at = EP(loc), .title = "spec.endpoints[]"};

static const struct field selector_rows[] = {
	{.key = "labels",
		.type = T_LABELS,
		.at = SE(selector),
		.count_at = SE(n_selector),
		.max_items = 256,
		.max = 63,
		.rule = "C10",
		.help = "Labels that a WorkloadEntry or Pod must have."},
};
static const struct schema selector_schema = {"workloadSelector", FIELDS(selector_rows),
	.loc_at = NO_AT, .title = "spec.workloadSelector"};

static const char *const locations[] = {"MESH_EXTERNAL", "MESH_INTERNAL", NULL};
static const char *const resolutions[] = {
	"NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS", NULL};

static const struct field se_rows[] = {
	{.key = "hosts",
		.type = T_STRING,
		.flags = F_LIST | F_REQUIRED,
		.at = SE(hosts),
		.count_at = SE(n_hosts),
		.min_items = 1,
		.max_items = 256,
		.max = 255,
		.rule = "S4+C1",
		.help = "Names of the service, exact or with a wildcard first label.",
		.here = "Each is one service in `sluicectl services`. Traffic is recognised by VIP "
			"and port, not by name."},
	{.key = "addresses",
		.type = T_VIP,
		.flags = F_LIST,
		.at = SE(addresses),
		.count_at = SE(n_addresses),
		.max_items = 256,
		.rule = "S8",
		.help = "VIPs: addresses that clients connect to, or CIDRs.",
		.here = "IPv4 is served. Plain addresses come before CIDRs, the longest CIDR of "
			"the port before shorter ones. Without any, the hosts get virtual IPs "
			"(docs/names.md), and the ports are taken at every address that nothing "
			"else has."},
	{.key = "ports",
		.type = T_OBJECT,
		.flags = F_LIST,
		.at = SE(ports),
		.count_at = SE(n_ports),
		.max_items = 256,
		.rule = "S10",
		.sub = &port_schema,
		.help = "Ports of the service."},
	{.key = "location",
		.type = T_ENUM,
		.at = SE(location),
		.names = locations,
		.rule = "C12",
		.def = "MESH_EXTERNAL",
		.help = "Outside or inside of the mesh.",
		.here = "No effect: it governs mutual TLS in Istio."},
	{.key = "resolution",
		.type = T_ENUM,
		.at = SE(resolution),
		.names = resolutions,
		.rule = "S33+C12",
		.def = "NONE",
		.help = "Where endpoints come from.",
		.here = "STATIC is served (`endpoints` or `workloadSelector`), and NONE: a "
			"client's "
			"own destination is kept, at `targetPort` if there is one; DNS, where each "
			"address of each name is an endpoint, and DNS_ROUND_ROBIN, where the first "
			"of one answer is (docs/names.md). DYNAMIC_DNS is not served yet."},
	{.key = "endpoints",
		.type = T_OBJECT,
		.flags = F_LIST,
		.at = SE(endpoints),
		.count_at = SE(n_endpoints),
		.max_items = 4096,
		.rule = "S18",
		.sub = &endpoint_schema,
		.help = "Backends. Without any, a STATIC service refuses, and the hosts of a DNS "
			"service stand for themselves, each for itself alone."},
	{.key = "exportTo",
		.type = T_STRING,
		.flags = F_LIST,
		.at = SE(export_to),
		.count_at = SE(n_export_to),
		.max_items = 1024,
		.max = 253,
		.rule = "E2",
		.def_text = "`*`",
		.help = "Namespaces that see the service: `*`, `.`, `~` or names.",
		.here = "Obeyed for the namespace of each client group of sluice.yaml."},
	{.key = "subjectAltNames",
		.type = T_STRING,
		.flags = F_LIST,
		.at = SE(subject_alt_names),
		.count_at = SE(n_subject_alt_names),
		.max_items = 1024,
		.max = 2048,
		.help = "Names that an endpoint's certificate must carry.",
		.here = "No effect: TLS is passed through."},
	{.key = "workloadSelector",
		.type = T_OBJECT,
		.at = 0,
		.has_at = SE(has_selector),
		.sub = &selector_schema,
		.help = "Endpoints by label.",
		.here = "WorkloadEntries and Pods of the namespace, unless resolution is NONE."},
};
static const struct schema se_spec = {"spec", FIELDS(se_rows),
	.size = sizeof(struct sl_service_entry), .loc_at = NO_AT, .title = "spec"};

const struct schema *
se_schema(void)
{
	return &se_spec;
}

// ---- WorkloadEntry ----

static const struct field we_rows[] = {
	{.key = "address",
		.type = T_STRING,
		.at = WE(address),
		.max = 256,
		.rule = "C11",
		.help = "IP address, host name, or `unix:///path`.",
		.here = "IPv4 addresses are served. A host name is resolved for the DNS services "
			"that select the workload; others do without it. A Unix socket is not "
			"served yet."},
	{.key = "ports",
		.type = T_PORT_MAP,
		.at = WE(ports),
		.count_at = WE(n_ports),
		.min = 1,
		.max = 65535,
		.max_items = 128,
		.rule = "W5+C11",
		.help = "Port of this workload by the name of a service's port.",
		.here = "A name that no service has is never used."},
	{.key = "labels",
		.type = T_LABELS,
		.at = WE(labels),
		.count_at = WE(n_labels),
		.max_items = 256,
		.max = 63,
		.rule = "C11",
		.help = "Labels; those of `metadata` win over them."},
	{.key = "network",
		.type = T_STRING,
		.at = WE(network),
		.max = 2048,
		.rule = "C11",
		.help = "Network of a multi-network mesh.",
		.here = "No effect: no network gateways are known. Without an address the workload "
			"gets no traffic."},
	{.key = "locality",
		.type = T_STRING,
		.at = WE(locality),
		.max = 2048,
		.rule = "C11",
		.help = "`region/zone/subzone`, for locality load balancing."},
	{.key = "weight",
		.type = T_NUMBER,
		.at = WE(weight),
		.max = UINT32_MAX,
		.rule = "C11",
		.def_text = "1",
		.help = "Relative share of new flows; 0 counts as 1."},
	{.key = "serviceAccount",
		.type = T_STRING,
		.at = WE(service_account),
		.max = 253,
		.rule = "C11",
		.help = "Identity of the workload.",
		.here = "No effect: TLS is passed through."},
};
static const struct schema we_spec = {"spec", FIELDS(we_rows),
	.size = sizeof(struct sl_workload_entry), .loc_at = WE(loc), .title = "spec"};

const struct schema *
we_schema(void)
{
	return &we_spec;
}
