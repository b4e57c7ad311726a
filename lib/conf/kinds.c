// The table of kinds. A kind that is read has its line here and its rows and rules elsewhere.
#include "kinds.h"

#include <errno.h>
#include <string.h>

#include "dr_check.h"
#include "gw_check.h"
#include "rows.h"
#include "se_check.h"
#include "sl_str.h"
#include "vs_check.h"
#include "workload.h"

#define OBJ(member) offsetof(struct sl_object, member)

static const char by_a_server[] = "Written by a server: accepted, no effect.";
static const char istio_version[] =
	"`networking.istio.io/v1`, `v1beta1` or `v1alpha3`: equal here.";

// ---- whole objects ----

#define VERSION_ROW(text)                                                                          \
	{                                                                                          \
		.key = "apiVersion", .type = T_STRING, .flags = F_REQUIRED,                        \
		.at = OBJ(api_version), .help = (text)                                             \
	}
#define KIND_ROW(name)                                                                             \
	{                                                                                          \
		.key = "kind", .type = T_ANY, .flags = F_REQUIRED, .at = NO_AT,                    \
		.help = "`" name "`."                                                              \
	}
#define META_ROW(schema)                                                                           \
	{                                                                                          \
		.key = "metadata", .type = T_OBJECT, .flags = F_REQUIRED, .at = OBJ(meta),         \
		.sub_of = (schema), .help = "Name and labels."                                     \
	}
#define SPEC_ROW(member, schema, text)                                                             \
	{                                                                                          \
		.key = "spec", .type = T_OBJECT, .flags = F_REQUIRED, .at = OBJ(member),           \
		.sub_of = (schema), .rule = "C1", .help = (text)                                   \
	}
#define ANY_ROW(name, f, text)                                                                     \
	{                                                                                          \
		.key = (name), .type = T_ANY, .flags = (f), .at = NO_AT, .help = (text)            \
	}
#define ROOT(name, rows)                                                                           \
	{                                                                                          \
		(name), .fields = (rows), .n = SL_ARRAY_LEN(rows),                                 \
			.size = sizeof(struct sl_object), .loc_at = OBJ(loc), .title = (name)      \
	}

static const struct field se_root[] = {
	VERSION_ROW(istio_version),
	KIND_ROW("ServiceEntry"),
	META_ROW(se_meta_schema),
	SPEC_ROW(se, se_schema, "The service."),
	{.key = "status",
		.type = T_ANY,
		.at = NO_AT,
		.sub_of = se_status_schema,
		.help = "Written by a server: `addresses` are read, the rest has no effect."},
};
static const struct schema se_object = ROOT("ServiceEntry", se_root);

static const struct field we_root[] = {
	VERSION_ROW(istio_version),
	KIND_ROW("WorkloadEntry"),
	META_ROW(meta_schema),
	SPEC_ROW(we, we_schema, "The workload."),
	ANY_ROW("status", 0,
		"With the annotation `proxy.istio.io/health-checks-enabled: \"true\"` the "
		"condition "
		"`Healthy` has to be True, or the workload gets no traffic. Nothing else of it has "
		"an "
		"effect."),
};
static const struct schema we_object = ROOT("WorkloadEntry", we_root);

static const struct field dr_root[] = {
	VERSION_ROW(istio_version),
	KIND_ROW("DestinationRule"),
	META_ROW(meta_schema),
	SPEC_ROW(dr, dr_schema, "The rule."),
	ANY_ROW("status", F_NOISE, by_a_server),
};
static const struct schema dr_object = ROOT("DestinationRule", dr_root);

static const struct field vs_root[] = {
	VERSION_ROW(istio_version),
	KIND_ROW("VirtualService"),
	META_ROW(meta_schema),
	SPEC_ROW(vs, vs_schema, "The routes."),
	ANY_ROW("status", F_NOISE, by_a_server),
};
static const struct schema vs_object = ROOT("VirtualService", vs_root);

static const struct field gw_root[] = {
	VERSION_ROW(istio_version),
	KIND_ROW("Gateway"),
	META_ROW(meta_schema),
	SPEC_ROW(gw, gw_schema, "The servers."),
	ANY_ROW("status", F_NOISE, by_a_server),
};
static const struct schema gw_object = ROOT("Gateway", gw_root);

static const struct field pod_root[] = {
	VERSION_ROW("`v1`."),
	KIND_ROW("Pod"),
	META_ROW(pod_meta_schema),
	ANY_ROW("spec", F_NOISE, "Kubernetes' business: not checked, not kept."),
	ANY_ROW("status", 0,
		"`podIP` is an endpoint of the services whose `workloadSelector` the labels match, "
		"healthy while the condition `Ready` is True (without conditions: while `phase` is "
		"`Running`). Nothing else of it has an effect."),
};
static const struct schema pod_object = ROOT("Pod", pod_root);

static const struct field namespace_root[] = {
	VERSION_ROW("`v1`."),
	KIND_ROW("Namespace"),
	META_ROW(cluster_meta_schema),
	ANY_ROW("spec", F_NOISE, "Kubernetes' business: not checked, not kept."),
	ANY_ROW("status", F_NOISE, by_a_server),
};
static const struct schema namespace_object = ROOT("Namespace", namespace_root);

static const struct field kept_root[] = {
	VERSION_ROW("Group and version."),
	{.key = "kind", .type = T_ANY, .flags = F_REQUIRED, .at = NO_AT, .help = "Kind."},
	META_ROW(meta_schema),
	ANY_ROW("spec", 0, "Kept as it is, not checked, and without effect yet."),
	ANY_ROW("status", F_NOISE, by_a_server),
};
static const struct schema kept_object = ROOT("object", kept_root);

// What a DestinationRule's rows cannot fill takes a valid one.
static void
dr_accept(struct reader *r, const struct node *root, struct sl_object *obj)
{
	dr_finish(root, obj);
	dr_remarks(r, root, obj);
}

// ---- the table ----

#define ISTIO       "networking.istio.io/"
#define GATEWAY_API "gateway.networking.k8s.io/"
#define ISTIO_KIND(k, s)                                                                           \
	.kind = (k), .schema = (s), .versions = {ISTIO "v1", ISTIO "v1beta1", ISTIO "v1alpha3"}
#define KEPT_KIND(k) .kind = (k), .schema = &kept_object, .remarks = kept_remarks

static const struct kind kinds[] = {
	{ISTIO_KIND(SL_KIND_SERVICE_ENTRY, &se_object), .rules = se_rules, .finish = se_finish,
		.remarks = se_remarks},
	{ISTIO_KIND(SL_KIND_WORKLOAD_ENTRY, &we_object), .rules = we_rules, .finish = we_finish,
		.remarks = we_remarks},
	{ISTIO_KIND(SL_KIND_DESTINATION_RULE, &dr_object), .rules = dr_rules, .remarks = dr_accept},
	{ISTIO_KIND(SL_KIND_VIRTUAL_SERVICE, &vs_object), .rules = vs_rules, .remarks = vs_remarks},
	{ISTIO_KIND(SL_KIND_GATEWAY, &gw_object), .rules = gw_rules, .remarks = gw_remarks},
	{.kind = SL_KIND_POD,
		.schema = &pod_object,
		.versions = {"v1"},
		.rules = pod_rules,
		.finish = pod_finish,
		.remarks = pod_remarks},
	{
		.kind = SL_KIND_NAMESPACE,
		.schema = &namespace_object,
		.versions = {"v1"},
	},
	{KEPT_KIND(SL_KIND_GATEWAY_API_GATEWAY),
		.versions = {GATEWAY_API "v1", GATEWAY_API "v1beta1", GATEWAY_API "v1alpha2"}},
	{KEPT_KIND(SL_KIND_HTTP_ROUTE),
		.versions = {GATEWAY_API "v1", GATEWAY_API "v1beta1", GATEWAY_API "v1alpha2"}},
	{KEPT_KIND(SL_KIND_REFERENCE_GRANT),
		.versions = {GATEWAY_API "v1", GATEWAY_API "v1beta1", GATEWAY_API "v1alpha2"}},
	{KEPT_KIND(SL_KIND_TRAFFIC_POLICY), .versions = {"gateway.kgateway.dev/v1alpha1"},
		.old_version = GATEWAY_API "v1alpha2"},
};

const struct kind *
kind_of(enum sl_kind kind)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(kinds); i++)
		if (kinds[i].kind == kind)
			return &kinds[i];
	return NULL;
}

static bool
has_version(const struct kind *k, const char *version)
{
	for (size_t i = 0; k->versions[i]; i++)
		if (strcmp(k->versions[i], version) == 0)
			return true;
	return k->old_version && strcmp(k->old_version, version) == 0;
}

static bool
in_group(const char *version, const char *group)
{
	const size_t len = strlen(group);

	if (!len)
		return !strchr(version, '/');
	return strncmp(version, group, len) == 0 && version[len] == '/';
}

static void
put_versions(const struct kind *k, struct sl_buf *out)
{
	const size_t skip = strlen(sl_kind_group(k->kind));

	for (size_t i = 0; k->versions[i]; i++)
		sl_buf_printf(out, "%s%s",
			i == 0               ? ""
			: k->versions[i + 1] ? ", "
					     : " or ",
			k->versions[i] + (i && skip ? skip + 1 : 0));
}

const struct kind *
kind_find(const char *kind, const char *version, struct sl_buf *expected)
{
	const struct kind *same_group = NULL, *any = NULL;

	for (size_t i = 0; i < SL_ARRAY_LEN(kinds); i++) {
		const struct kind *k = &kinds[i];

		if (strcmp(sl_kind_name(k->kind), kind) != 0)
			continue;
		if (has_version(k, version))
			return k;
		if (in_group(version, sl_kind_group(k->kind)))
			same_group = k;
		any = any ? any : k;
	}
	if (same_group || any)
		put_versions(same_group ? same_group : any, expected);
	return same_group;
}

bool
kind_is_list(const char *kind, const char *version)
{
	const size_t len = strlen(kind);

	if (strcmp(kind, "List") == 0 && strcmp(version, "v1") == 0)
		return true;
	if (len < 5 || strcmp(kind + len - 4, "List") != 0)
		return false;
	for (size_t i = 0; i < SL_ARRAY_LEN(kinds); i++) {
		const char *name = sl_kind_name(kinds[i].kind);

		if (strlen(name) == len - 4 && strncmp(name, kind, len - 4) == 0)
			return true;
	}
	return false;
}

// ---- known by name ----

// Of Istio and Kubernetes, and nothing to Sluice: a file may hold them, and says so in a warning.
static const struct {
	const char *group; // "": core
	const char *kind;
} foreign[] = {
	{"networking.istio.io", "WorkloadGroup"},
	{"networking.istio.io", "Sidecar"},
	{"networking.istio.io", "EnvoyFilter"},
	{"networking.istio.io", "ProxyConfig"},
	{"security.istio.io", "AuthorizationPolicy"},
	{"security.istio.io", "PeerAuthentication"},
	{"security.istio.io", "RequestAuthentication"},
	{"telemetry.istio.io", "Telemetry"},
	{"extensions.istio.io", "WasmPlugin"},
	{"gateway.networking.k8s.io", "GatewayClass"},
	{"gateway.networking.k8s.io", "GRPCRoute"},
	{"gateway.networking.k8s.io", "TCPRoute"},
	{"gateway.networking.k8s.io", "TLSRoute"},
	{"gateway.networking.k8s.io", "UDPRoute"},
	{"gateway.networking.k8s.io", "BackendTLSPolicy"},
	{"gateway.kgateway.dev", "Backend"},
	{"gateway.kgateway.dev", "BackendConfigPolicy"},
	{"gateway.kgateway.dev", "HTTPListenerPolicy"},
	{"gateway.kgateway.dev", "GatewayParameters"},
	{"networking.k8s.io", "NetworkPolicy"},
	{"networking.k8s.io", "Ingress"},
	{"discovery.k8s.io", "EndpointSlice"},
	{"apps", "Deployment"},
	{"apps", "DaemonSet"},
	{"apps", "StatefulSet"},
	{"", "Service"},
	{"", "Endpoints"},
	{"", "ConfigMap"},
	{"", "Secret"},
	{"", "ServiceAccount"},
	{"", "Node"},
};

int
kind_is_foreign(const char *kind, const char *version, const char **group)
{
	*group = NULL;
	for (size_t i = 0; i < SL_ARRAY_LEN(foreign); i++) {
		if (strcmp(foreign[i].kind, kind) != 0)
			continue;
		*group = foreign[i].group;
		if (in_group(version, foreign[i].group))
			return 0;
	}
	return *group ? -ESRCH : -EINVAL;
}

const char *
kind_nearest(const char *kind)
{
	const char *names[SL_ARRAY_LEN(foreign) + SL_ARRAY_LEN(kinds) + 1];
	size_t n = 0;

	for (size_t i = 0; i < SL_ARRAY_LEN(kinds); i++)
		names[n++] = sl_kind_name(kinds[i].kind);
	for (size_t i = 0; i < SL_ARRAY_LEN(foreign); i++)
		names[n++] = foreign[i].kind;
	names[n] = NULL;
	return sl_str_nearest(kind, names);
}
