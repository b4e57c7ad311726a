// Kinds: their names as kubectl and istioctl know them.
#include <errno.h>
#include <string.h>

#include "sl_model.h"
#include "sl_str.h"

#define ISTIO       "networking.istio.io"
#define GATEWAY_API "gateway.networking.k8s.io"
#define KGATEWAY    "gateway.kgateway.dev"

static const struct {
	const char *name;
	const char *plural;
	const char *brief; // kubectl's short name, "" without
	const char *group; // "": core
	bool kept;
	bool cluster;
} kinds[SL_KIND_MAX] = {
	[SL_KIND_SERVICE_ENTRY] = {"ServiceEntry", "serviceentries", "se", ISTIO, false, false},
	[SL_KIND_WORKLOAD_ENTRY] = {"WorkloadEntry", "workloadentries", "we", ISTIO, false, false},
	[SL_KIND_DESTINATION_RULE] = {"DestinationRule", "destinationrules", "dr", ISTIO, false,
		false},
	[SL_KIND_VIRTUAL_SERVICE] = {"VirtualService", "virtualservices", "vs", ISTIO, false,
		false},
	[SL_KIND_GATEWAY] = {"Gateway", "gateways", "gw", ISTIO, false, false},
	[SL_KIND_POD] = {"Pod", "pods", "po", "", false, false},
	[SL_KIND_NAMESPACE] = {"Namespace", "namespaces", "ns", "", false, true},
	[SL_KIND_GATEWAY_API_GATEWAY] = {"Gateway", "gateways", "gtw", GATEWAY_API, true, false},
	[SL_KIND_HTTP_ROUTE] = {"HTTPRoute", "httproutes", "", GATEWAY_API, true, false},
	[SL_KIND_REFERENCE_GRANT] = {"ReferenceGrant", "referencegrants", "refgrant", GATEWAY_API,
		true, false},
	[SL_KIND_TRAFFIC_POLICY] = {"TrafficPolicy", "trafficpolicies", "", KGATEWAY, true, false},
};

const char *
sl_kind_name(enum sl_kind kind)
{
	return kinds[kind].name;
}

const char *
sl_kind_group(enum sl_kind kind)
{
	return kinds[kind].group;
}

bool
sl_kind_is_kept(enum sl_kind kind)
{
	return kinds[kind].kept;
}

bool
sl_kind_has_namespace(enum sl_kind kind)
{
	return !kinds[kind].cluster;
}

int
sl_kind_parse(const char *text, enum sl_kind *kind)
{
	for (int k = 0; k < SL_KIND_MAX; k++) {
		if (sl_str_is_called(text, kinds[k].name, kinds[k].group) ||
			sl_str_is_called(text, kinds[k].plural, kinds[k].group) ||
			sl_str_is_called(text, kinds[k].brief, kinds[k].group)) {
			*kind = k;
			return 0;
		}
	}
	return -EINVAL;
}
