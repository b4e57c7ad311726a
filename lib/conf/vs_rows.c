// The rows of a VirtualService. http routes are checked to the last field and not kept; tcp and tls
// routes go into the struct.
// lint: length: one table, and a field's row stands beside those of its neighbours
#include <string.h>

#include "names.h"
#include "regex.h"
#include "unkept.h"
#include "vs_check.h"

#define VS(member)    offsetof(struct sl_virtual_service, member)
#define ROUTE(member) offsetof(struct sl_vs_route, member)
#define MATCH(member) offsetof(struct sl_vs_match, member)
#define TO(member)    offsetof(struct sl_vs_destination, member)

// Rows of http routes, which are all of a kind: checked, not kept, nothing done.
#define BOOL(k, h)                                                                                 \
	{                                                                                          \
		.key = (k), .type = T_BOOL, UNKEPT, .help = (h)                                    \
	}
#define MAP(k, r, h)                                                                               \
	{                                                                                          \
		.key = (k), .type = T_LABELS, UNKEPT, .rule = (r), .help = (h)                     \
	}
#define GROUP(k, s, h)                                                                             \
	{                                                                                          \
		.key = (k), .type = T_OBJECT, UNKEPT, .sub = (s), .help = (h)                      \
	}
#define GROUPS(k, s, r, h)                                                                         \
	{                                                                                          \
		.key = (k), .type = T_OBJECT, .flags = F_LIST, UNKEPT, .rule = (r), .sub = (s),    \
		.help = (h)                                                                        \
	}
#define NAMED(k, s, r, h)                                                                          \
	{                                                                                          \
		.key = (k), .type = T_NAMED, UNKEPT, .rule = (r), .sub = (s), .help = (h)          \
	}
#define NUMBER(k, r, lo, hi, h)                                                                    \
	{                                                                                          \
		.key = (k), .type = T_NUMBER, UNKEPT, .rule = (r), .min = (lo), .max = (hi),       \
		.help = (h)                                                                        \
	}
#define TIME(k, h)                                                                                 \
	{                                                                                          \
		.key = (k), .type = T_DURATION, .flags = F_MILLIS, UNKEPT, .min = 1000000,         \
		.max = UINT64_C(2562047) * 3600 * 1000000000, .rule = "V12", .help = (h)           \
	}

// ---- destinations ----

static const char *
check_destination(const char *text)
{
	return strcmp(text, "*") == 0 ? "a host: \"*\" alone is none" : check_wildcard_host(text);
}

static const struct field selector_rows[] = {
	{.key = "number",
		.type = T_NUMBER,
		.flags = F_REQUIRED,
		.at = TO(port),
		.min = 1,
		.max = 65535,
		.rule = "V8",
		.help = "Port of the service."},
};
static const struct schema selector_schema = SCHEMA("port", selector_rows);

static const struct field destination_rows[] = {
	{.key = "host",
		.type = T_STRING,
		.flags = F_REQUIRED,
		.at = TO(host),
		.check = check_destination,
		.rule = "V8",
		.help = "Host of a service; a name without dots is one of the object's namespace."},
	{.key = "subset",
		.type = T_STRING,
		.flags = F_BLANK,
		.at = TO(subset),
		.check = check_dns_label,
		.rule = "V8",
		.help = "A subset that a DestinationRule of the host names."},
	{.key = "port",
		.type = T_OBJECT,
		.at = 0,
		.sub = &selector_schema,
		.rule = "V8",
		.def_text = "the service's only port, else the one that the client asked for",
		.help = "Port of the service."},
};
static const struct schema destination_schema = {"destination", FIELDS(destination_rows),
	.size = sizeof(struct sl_vs_destination), .loc_at = NO_AT, .title = "destination"};

#define DESTINATION                                                                                \
	{                                                                                          \
		.key = "destination", .type = T_OBJECT, .flags = F_REQUIRED, .at = 0,              \
		.sub = &destination_schema, .rule = "V8", .help = "Where to."                      \
	}
#define WEIGHT                                                                                     \
	{                                                                                          \
		.key = "weight", .type = T_NUMBER, .at = TO(weight), .has_at = TO(has_weight),     \
		.max = INT32_MAX, .rule = "V9",                                                    \
		.help = "Share of the traffic beside other destinations; they need not add up to " \
			"100."                                                                     \
	}

static const struct field to_rows[] = {DESTINATION, WEIGHT};
static const struct schema to_schema = {"route[]", FIELDS(to_rows),
	.size = sizeof(struct sl_vs_destination), .loc_at = TO(loc), .title = "route[]"};

// ---- tcp, tls ----

#define SNI_HOSTS                                                                                  \
	{                                                                                          \
		.key = "sniHosts", .type = T_STRING, .flags = F_LIST | F_REQUIRED,                 \
		.at = MATCH(sni_hosts), .count_at = MATCH(n_sni_hosts), .min_items = 1,            \
		.max_items = 4096, .rule = "V20",                                                  \
		.help = "Names in the TLS ClientHello, each within a host of the object."          \
	}
#define SUBNETS                                                                                    \
	{                                                                                          \
		.key = "destinationSubnets", .type = T_SUBNET, .flags = F_LIST,                    \
		.at = MATCH(subnets), .count_at = MATCH(n_subnets), .max_items = 4096,             \
		.rule = "V22", .help = "Addresses or CIDRs that the client connects to."           \
	}
#define MATCH_PORT                                                                                 \
	{                                                                                          \
		.key = "port", .type = T_NUMBER, .at = MATCH(port), .min = 1, .max = 65535,        \
		.rule = "V22", .help = "Port that the client connects to."                         \
	}
#define SOURCE_LABELS                                                                              \
	{                                                                                          \
		.key = "sourceLabels", .type = T_LABELS, .at = MATCH(source_labels),               \
		.count_at = MATCH(n_source_labels), .check = check_label_value, .rule = "V22",     \
		.help = "Labels that the client has.",                                             \
		.here = "Those that `clients` of sluice.yaml gives it."                            \
	}
#define MATCH_GATEWAYS                                                                             \
	{                                                                                          \
		.key = "gateways", .type = T_STRING, .flags = F_LIST, .at = MATCH(gateways),       \
		.count_at = MATCH(n_gateways), .rule = "V6", .def_text = "those of the object",    \
		.help = "Gateways whose traffic it takes, `mesh` for clients.",                    \
		.here = "`mesh` is served."                                                        \
	}
#define SOURCE_NAMESPACE                                                                           \
	{                                                                                          \
		.key = "sourceNamespace", .type = T_STRING, .flags = F_BLANK,                      \
		.at = MATCH(source_namespace), .check = check_dns_label, .rule = "V22",            \
		.help = "Namespace that the client is in.",                                        \
		.here = "The one that `clients` of sluice.yaml gives it."                          \
	}

static const struct field tcp_match_rows[] = {
	SUBNETS,
	MATCH_PORT,
	{.key = "sourceSubnet",
		.type = T_STRING,
		.at = NO_AT,
		.help = "Address or CIDR of the client.",
		.here = "No effect, as in Istio: `sourceLabels` and `sourceNamespace` tell clients "
			"apart."},
	SOURCE_LABELS,
	MATCH_GATEWAYS,
	SOURCE_NAMESPACE,
};
static const struct schema tcp_match_schema = {"match[]", FIELDS(tcp_match_rows),
	.size = sizeof(struct sl_vs_match), .loc_at = MATCH(loc), .title = "spec.tcp[].match[]"};

static const struct field tls_match_rows[] = {
	SNI_HOSTS,
	SUBNETS,
	MATCH_PORT,
	SOURCE_LABELS,
	MATCH_GATEWAYS,
	SOURCE_NAMESPACE,
};
static const struct schema tls_match_schema = {"match[]", FIELDS(tls_match_rows),
	.size = sizeof(struct sl_vs_match), .loc_at = MATCH(loc), .title = "spec.tls[].match[]"};

static const struct field tcp_rows[] = {
	{.key = "match",
		.type = T_OBJECT,
		.flags = F_LIST,
		.at = ROUTE(match),
		.count_at = ROUTE(n_match),
		.sub = &tcp_match_schema,
		.rule = "V23",
		.def_text = "everything",
		.help = "Connections that it takes: any of these."},
	{.key = "route",
		.type = T_OBJECT,
		.flags = F_LIST | F_REQUIRED,
		.at = ROUTE(to),
		.count_at = ROUTE(n_to),
		.min_items = 1,
		.max_items = 1024,
		.sub = &to_schema,
		.rule = "V23",
		.help = "Where they go, by weight."},
};
static const struct schema tcp_schema = {"tcp[]", FIELDS(tcp_rows),
	.size = sizeof(struct sl_vs_route), .loc_at = ROUTE(loc), .title = "spec.tcp[]"};

static const struct field tls_rows[] = {
	{.key = "match",
		.type = T_OBJECT,
		.flags = F_LIST | F_REQUIRED,
		.at = ROUTE(match),
		.count_at = ROUTE(n_match),
		.min_items = 1,
		.max_items = 4096,
		.sub = &tls_match_schema,
		.rule = "V20",
		.help = "Connections that it takes: any of these."},
	{.key = "route",
		.type = T_OBJECT,
		.flags = F_LIST | F_REQUIRED,
		.at = ROUTE(to),
		.count_at = ROUTE(n_to),
		.min_items = 1,
		.max_items = 1024,
		.sub = &to_schema,
		.rule = "V20",
		.help = "Where they go, by weight."},
};
static const struct schema tls_schema = {"tls[]", FIELDS(tls_rows),
	.size = sizeof(struct sl_vs_route), .loc_at = ROUTE(loc), .title = "spec.tls[]"};

// ---- http: match ----

static const struct field string_match_rows[] = {
	TEXT("exact", "The whole text."),
	TEXT("prefix", "How it begins."),
	{.key = "regex",
		.type = T_STRING,
		UNKEPT,
		.min = 1,
		.max = 1024,
		.check = check_regex,
		.rule = "V10",
		.help = "A regular expression in RE2's syntax for the whole text."},
};
static const struct schema string_match_schema = SCHEMA("string match", string_match_rows);

static const struct field http_match_rows[] = {
	TEXT("name", "Name, for logs."),
	GROUP("uri", &string_match_schema, "Path and query."),
	GROUP("scheme", &string_match_schema, "Scheme."),
	GROUP("method", &string_match_schema, "Method."),
	GROUP("authority", &string_match_schema, "Host."),
	NAMED("headers", &string_match_schema, "V11", "Headers, by name in lower case."),
	NAMED("withoutHeaders", &string_match_schema, "V11", "Headers that do not match."),
	NAMED("queryParams", &string_match_schema, "V10", "Parameters of the query, by name."),
	BOOL("ignoreUriCase", "Letter case of the path does not count."),
	NUMBER("port", "V22", 1, 65535, "Port that the client connects to."),
	{.key = "sourceLabels",
		.type = T_LABELS,
		UNKEPT,
		.check = check_label_value,
		.rule = "V22",
		.help = "Labels that the client has."},
	TEXTS("gateways", "Gateways whose traffic it takes, `mesh` for clients."),
	{.key = "sourceNamespace",
		.type = T_STRING,
		.flags = F_BLANK,
		UNKEPT,
		.check = check_dns_label,
		.rule = "V22",
		.help = "Namespace that the client is in."},
	TEXT("statPrefix", "Prefix of statistics."),
};
static const struct schema http_match_schema = SCHEMA("match[]", http_match_rows);

// ---- http: what is done ----

static const struct field header_op_rows[] = {
	MAP("set", "V11", "Headers that get this value."),
	MAP("add", "V11", "Headers that get one value more."),
	TEXTS("remove", "Headers that are taken away."),
};
static const struct schema header_op_schema = SCHEMA("header operations", header_op_rows);

static const struct field headers_rows[] = {
	GROUP("request", &header_op_schema, "Before a request is forwarded."),
	GROUP("response", &header_op_schema, "Before a response is returned."),
};
static const struct schema headers_schema = SCHEMA("headers", headers_rows);

static const struct field http_to_rows[] = {
	{.key = "destination",
		.type = T_OBJECT,
		.flags = F_REQUIRED,
		UNKEPT,
		.sub = &destination_schema,
		.rule = "V8",
		.help = "Where to."},
	NUMBER("weight", "V9", 0, INT32_MAX, "Share of the requests beside other destinations."),
	GROUP("headers", &headers_schema, "Header operations for this destination."),
};
static const struct schema http_to_schema = SCHEMA("route[]", http_to_rows);

static const char *const derive_ports[] = {"FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT", NULL};

static const struct field redirect_rows[] = {
	TEXT("uri", "New path."),
	TEXT("prefixRewrite", "What takes the place of the matched prefix."),
	TEXT("authority", "New host."),
	NUMBER("port", "V16", 1, 65535, "New port."),
	{.key = "derivePort",
		.type = T_ENUM,
		UNKEPT,
		.names = derive_ports,
		.rule = "C12",
		.help = "Where the new port comes from."},
	TEXT("scheme", "New scheme."),
	NUMBER("redirectCode", "V16", 300, 399, "Status of the answer, 301 when not given."),
};
static const struct schema redirect_schema = SCHEMA("redirect", redirect_rows);

static const struct field body_rows[] = {
	TEXT("string", "The body."),
	TEXT("bytes", "The body in base64."),
};
static const struct schema body_schema = SCHEMA("body", body_rows);

static const struct field direct_rows[] = {
	{.key = "status",
		.type = T_NUMBER,
		.flags = F_REQUIRED,
		UNKEPT,
		.min = 200,
		.max = 600,
		.rule = "V17",
		.help = "Status of the answer."},
	GROUP("body", &body_schema, "Body of the answer."),
};
static const struct schema direct_schema = SCHEMA("directResponse", direct_rows);

static const struct field delegate_rows[] = {
	TEXT("name", "A VirtualService without hosts."),
	TEXT("namespace", "Its namespace; the object's own when not given."),
};
static const struct schema delegate_schema = SCHEMA("delegate", delegate_rows);

static const struct field regex_rewrite_rows[] = {
	{.key = "match",
		.type = T_STRING,
		UNKEPT,
		.min = 1,
		.max = 1024,
		.check = check_regex,
		.rule = "V10",
		.help = "A regular expression in RE2's syntax."},
	TEXT("rewrite", "What takes its place."),
};
static const struct schema regex_rewrite_schema = SCHEMA("uriRegexRewrite", regex_rewrite_rows);

static const struct field rewrite_rows[] = {
	TEXT("uri", "New path, or what takes the place of the matched prefix."),
	TEXT("authority", "New host."),
	GROUP("uriRegexRewrite", &regex_rewrite_schema, "New path by a regular expression."),
};
static const struct schema rewrite_schema = SCHEMA("rewrite", rewrite_rows);

static const struct field retries_rows[] = {
	NUMBER("attempts", "V13", 0, INT32_MAX, "Retries; 0 is none."),
	TIME("perTryTimeout", "Time for one try; `timeout` when not given."),
	TEXT("retryOn", "Conditions, and HTTP status numbers, joined by commas."),
	BOOL("retryRemoteLocalities", "Other localities may be tried."),
	BOOL("retryIgnorePreviousHosts", "Endpoints that were tried are avoided."),
	TIME("backoff", "Time between tries, at first."),
};
static const struct schema retries_schema = SCHEMA("retries", retries_rows);

static const struct field percent_rows[] = {
	{.key = "value", .type = T_DECIMAL, UNKEPT, .max = 100, .rule = "V19", .help = "0 to 100."},
};
static const struct schema percent_schema = SCHEMA("percentage", percent_rows);

static const struct field fault_percent_rows[] = {
	{.key = "value",
		.type = T_DECIMAL,
		UNKEPT,
		.max = 100,
		.rule = "V15",
		.help = "0, or 0.0001 to 100."},
};
static const struct schema fault_percent_schema = SCHEMA("percentage", fault_percent_rows);

static const struct field delay_rows[] = {
	TIME("fixedDelay", "Time to wait."),
	TIME("exponentialDelay", "Refused, as Istio does."),
	NUMBER("percent", "V15", 0, 100, "Older form of `percentage`."),
	GROUP("percentage", &fault_percent_schema, "Share of the requests."),
};
static const struct schema delay_schema = SCHEMA("delay", delay_rows);

static const struct field abort_rows[] = {
	NUMBER("httpStatus", "V15", 200, 600, "Status of the answer."),
	TEXT("grpcStatus", "gRPC status of the answer, by name."),
	TEXT("http2Error", "Refused, as Istio does."),
	GROUP("percentage", &fault_percent_schema, "Share of the requests."),
};
static const struct schema abort_schema = SCHEMA("abort", abort_rows);

static const struct field fault_rows[] = {
	GROUP("delay", &delay_schema, "Requests wait."),
	GROUP("abort", &abort_schema, "Requests are answered with an error."),
};
static const struct schema fault_schema = SCHEMA("fault", fault_rows);

static const struct field mirror_rows[] = {
	{.key = "destination",
		.type = T_OBJECT,
		.flags = F_REQUIRED,
		UNKEPT,
		.sub = &destination_schema,
		.rule = "V8",
		.help = "Where copies go."},
	GROUP("percentage", &percent_schema, "Share of the requests."),
};
static const struct schema mirror_schema = SCHEMA("mirrors[]", mirror_rows);

static const char *const preflights[] = {"UNSPECIFIED", "FORWARD", "IGNORE", NULL};

static const struct field cors_rows[] = {
	TEXTS("allowOrigin", "Older form of `allowOrigins`."),
	GROUPS("allowOrigins", &string_match_schema, "V10", "Origins that may ask."),
	TEXTS("allowMethods", "Methods that they may use."),
	TEXTS("allowHeaders", "Headers that they may send."),
	TEXTS("exposeHeaders", "Headers that they may read."),
	TIME("maxAge", "How long the answer may be kept."),
	BOOL("allowCredentials", "Credentials may be sent."),
	{.key = "unmatchedPreflights",
		.type = T_ENUM,
		UNKEPT,
		.names = preflights,
		.rule = "C12",
		.help = "Preflights of other origins are forwarded or answered."},
};
static const struct schema cors_schema = SCHEMA("corsPolicy", cors_rows);

static const struct field http_rows[] = {
	TEXT("name", "Name, for logs."),
	GROUPS("match", &http_match_schema, "V10", "Requests that it takes: any of these."),
	GROUPS("route", &http_to_schema, "V8", "Where they go, by weight."),
	GROUP("redirect", &redirect_schema, "They are redirected."),
	GROUP("directResponse", &direct_schema, "They are answered."),
	GROUP("delegate", &delegate_schema, "Another object says what is done with them."),
	GROUP("rewrite", &rewrite_schema, "What is changed in them."),
	TIME("timeout", "Time for an answer; none when not given."),
	GROUP("retries", &retries_schema, "What is tried again."),
	GROUP("fault", &fault_schema, "Faults that are injected."),
	GROUP("mirror", &destination_schema, "Where copies go."),
	GROUPS("mirrors", &mirror_schema, "V8", "Where copies go."),
	NUMBER("mirrorPercent", "V19", 0, 100, "Older form of `mirrorPercentage`."),
	GROUP("mirrorPercentage", &percent_schema, "Share of the requests that is copied."),
	GROUP("corsPolicy", &cors_schema, "Cross-origin resource sharing."),
	GROUP("headers", &headers_schema, "Header operations."),
};
static const struct schema http_schema = SCHEMA("http[]", http_rows);

// ---- spec ----

static const struct field vs_rows[] = {
	{.key = "hosts",
		.type = T_STRING,
		.flags = F_LIST,
		.at = VS(hosts),
		.count_at = VS(n_hosts),
		.rule = "V2",
		.help = "Hosts that clients address; none makes a delegate.",
		.here = "A host of a service: its tcp routes replace where the service's traffic "
			"goes."},
	{.key = "gateways",
		.type = T_STRING,
		.flags = F_LIST,
		.at = VS(gateways),
		.count_at = VS(n_gateways),
		.rule = "V6",
		.def_text = "`mesh`",
		.help = "Gateways whose traffic it routes, `mesh` for clients.",
		.here = "`mesh` is served: the clients of this node. No Gateway listens yet."},
	GROUPS("http", &http_schema, "V7", "Routes of HTTP requests, the first that matches."),
	{.key = "tls",
		.type = T_OBJECT,
		.flags = F_LIST,
		.at = VS(tls),
		.count_at = VS(n_tls),
		.sub = &tls_schema,
		.rule = "V20",
		.help = "Routes of TLS that is passed through, by SNI, the first that matches.",
		.here = "Not served yet: the name in the handshake is not read."},
	{.key = "tcp",
		.type = T_OBJECT,
		.flags = F_LIST,
		.at = VS(tcp),
		.count_at = VS(n_tcp),
		.sub = &tcp_schema,
		.rule = "V23",
		.help = "Routes of connections, the first that matches."},
	{.key = "exportTo",
		.type = T_STRING,
		.flags = F_LIST,
		.at = VS(export_to),
		.count_at = VS(n_export_to),
		.max_items = 1024,
		.max = 253,
		.rule = "E2",
		.def_text = "`*`",
		.help = "Namespaces whose clients it routes: `*`, `.` or names."},
};
static const struct schema spec_schema = {"spec", FIELDS(vs_rows),
	.size = sizeof(struct sl_virtual_service), .loc_at = NO_AT, .title = "spec"};

const struct schema *
vs_schema(void)
{
	return &spec_schema;
}
