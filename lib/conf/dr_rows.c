// The rows of a DestinationRule's spec.
#include <string.h>

#include "dr_check.h"
#include "names.h"
#include "sl_ip.h"

#define LB(member)     offsetof(struct sl_load_balancer, member)
#define LOC_LB(member) offsetof(struct sl_locality_lb, member)
#define POOL(member)   offsetof(struct sl_connection_pool, member)
#define DR(member)     offsetof(struct sl_destination_rule, member)
#define POLICY(member) offsetof(struct sl_traffic_policy, member)
#define PORT(member)   offsetof(struct sl_port_policy, member)
#define SUBSET(member) offsetof(struct sl_subset, member)

#define MAX_COUNT INT32_MAX
#define MILLI     UINT64_C(1000000)
#define MAX_NS    (UINT64_C(2562047) * 3600 * 1000 * MILLI) // hours that 64 bits of ns hold

static const char no_http[] = "No effect: no HTTP is read at this tier.";
static const char no_tls[] = "No effect yet: no TLS is originated.";

// ---- loadBalancer ----

static const char *const simples[] = {
	"UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST", NULL};

static const struct field attribute_rows[] = {
	{.key = "name",
		.type = T_STRING,
		.flags = F_REQUIRED,
		.at = NO_AT,
		.min = 1,
		.rule = "D12",
		.help = "Name, unique in the cookie."},
	{.key = "value", .type = T_STRING, .at = NO_AT, .help = "Value."},
};
static const struct schema attribute_schema = {
	"attributes[]", FIELDS(attribute_rows), .loc_at = NO_AT};

static const struct field cookie_rows[] = {
	{.key = "name",
		.type = T_STRING,
		.flags = F_REQUIRED,
		.at = NO_AT,
		.min = 1,
		.rule = "D12",
		.help = "Name of the cookie.",
		.here = no_http},
	{.key = "path", .type = T_STRING, .at = NO_AT, .help = "Path of the cookie."},
	{.key = "ttl",
		.type = T_DURATION,
		.at = NO_AT,
		.max = MAX_NS,
		.help = "How long a generated cookie lives."},
	{.key = "attributes",
		.type = T_OBJECT,
		.flags = F_LIST,
		.at = NO_AT,
		.sub = &attribute_schema,
		.rule = "D12",
		.help = "Further attributes of the cookie."},
};
static const struct schema cookie_schema = {"httpCookie", FIELDS(cookie_rows), .loc_at = NO_AT};

static const struct field ring_rows[] = {
	{.key = "minimumRingSize",
		.type = T_NUMBER64,
		.at = LB(ring_size),
		.max = 8388608,
		.def_text = "1024",
		.help = "Least number of places on the ring; 0 counts as not given."},
};
static const struct schema ring_schema = {"ringHash", FIELDS(ring_rows), .loc_at = NO_AT};

static const struct field maglev_rows[] = {
	{.key = "tableSize",
		.type = T_NUMBER64,
		.at = LB(maglev_size),
		.min = 1,
		.max = 5000010,
		.rule = "D14",
		.def_text = "required",
		.help = "Size of the table, a prime below 5000011; 65537 is usual."},
};
static const struct schema maglev_schema = {"maglev", FIELDS(maglev_rows), .loc_at = NO_AT};

static const struct field hash_rows[] = {
	{.key = "httpHeaderName",
		.type = T_STRING,
		.at = NO_AT,
		.help = "Hash of a header.",
		.here = no_http},
	{.key = "httpCookie",
		.type = T_OBJECT,
		.at = NO_AT,
		.sub = &cookie_schema,
		.help = "Hash of a cookie.",
		.here = no_http},
	{.key = "useSourceIp",
		.type = T_BOOL,
		.at = NO_AT,
		.help = "Hash of the client's address."},
	{.key = "httpQueryParameterName",
		.type = T_STRING,
		.at = NO_AT,
		.help = "Hash of a query parameter.",
		.here = no_http},
	{.key = "ringHash",
		.type = T_OBJECT,
		.at = 0,
		.sub = &ring_schema,
		.def_text = "used without `maglev`",
		.help = "Endpoints on a ring."},
	{.key = "maglev",
		.type = T_OBJECT,
		.at = 0,
		.has_at = LB(maglev),
		.sub = &maglev_schema,
		.help = "Endpoints in a Maglev table, the same one on each node."},
	{.key = "minimumRingSize",
		.type = T_NUMBER64,
		.at = NO_AT,
		.max = 8388608,
		.help = "Deprecated: write `ringHash.minimumRingSize`."},
};
static const struct schema hash_schema = {"consistentHash", FIELDS(hash_rows), .loc_at = NO_AT};

static const struct field distribute_rows[] = {
	{.key = "from",
		.type = T_STRING,
		.flags = F_REQUIRED,
		.at = offsetof(struct sl_lb_distribute, from),
		.rule = "D18",
		.help = "Locality of the clients: `region/zone/subzone`, `*` at the end for any."},
	{.key = "to",
		.type = T_WEIGHTS,
		.flags = F_REQUIRED,
		.at = offsetof(struct sl_lb_distribute, to),
		.count_at = offsetof(struct sl_lb_distribute, n_to),
		.min = 1,
		.max = 100,
		.max_items = 1024,
		.rule = "D18",
		.help = "Share of each locality, 100 together."},
};
static const struct schema distribute_schema = {"distribute[]", FIELDS(distribute_rows),
	.size = sizeof(struct sl_lb_distribute), .loc_at = NO_AT};

static const struct field failover_rows[] = {
	{.key = "from",
		.type = T_STRING,
		.at = offsetof(struct sl_lb_failover, from),
		.rule = "D19",
		.def = "",
		.help = "Region of the clients."},
	{.key = "to",
		.type = T_STRING,
		.at = offsetof(struct sl_lb_failover, to),
		.rule = "D19",
		.def = "",
		.help = "Region that takes over."},
};
static const struct schema failover_schema = {"failover[]", FIELDS(failover_rows),
	.size = sizeof(struct sl_lb_failover), .loc_at = NO_AT};
static const struct field locality_rows[] = {
	{.key = "enabled",
		.type = T_BOOL,
		.at = NO_AT,
		.def_text = "true",
		.help = "false: localities do not count, not even those of the mesh's own "
			"setting."},
	{.key = "distribute",
		.type = T_OBJECT,
		.flags = F_LIST,
		.at = LOC_LB(distribute),
		.count_at = LOC_LB(n_distribute),
		.sub = &distribute_schema,
		.rule = "D18",
		.help = "Shares of the localities. The first entry whose `from` fits counts."},
	{.key = "failover",
		.type = T_OBJECT,
		.flags = F_LIST,
		.at = LOC_LB(failover),
		.count_at = LOC_LB(n_failover),
		.sub = &failover_schema,
		.rule = "D19",
		.help = "Which region takes over. Needs `outlierDetection`."},
	{.key = "failoverPriority",
		.type = T_STRING,
		.flags = F_LIST,
		.at = LOC_LB(failover_priority),
		.count_at = LOC_LB(n_failover_priority),
		.help = "Labels (`key` or `key=value`) that an endpoint should share with the "
			"client, "
			"the weightiest first. Needs `outlierDetection`."},
};
static const struct schema setting_schema = {
	"localityLbSetting", FIELDS(locality_rows), .loc_at = NO_AT};

static const struct field zone_aware_rows[] = {
	{.key = "enabled", .type = T_BOOL, .at = NO_AT, .help = "Switches it on."},
	{.key = "failover",
		.type = T_OBJECT,
		.flags = F_LIST,
		.at = NO_AT,
		.sub = &failover_schema,
		.help = "Order of the other regions."},
	{.key = "failoverPriority",
		.type = T_STRING,
		.flags = F_LIST,
		.at = NO_AT,
		.help = "Labels that an endpoint should share with the client."},
	{.key = "minClusterSize",
		.type = T_NUMBER,
		.at = NO_AT,
		.max = UINT32_MAX,
		.def_text = "6",
		.help = "Endpoints that it takes at least."},
};
static const struct schema zone_aware_schema = {
	"zoneAwareLbSetting", FIELDS(zone_aware_rows), .loc_at = NO_AT};

static const struct field warmup_rows[] = {
	{.key = "duration",
		.type = T_DURATION,
		.flags = F_REQUIRED | F_MILLIS,
		.at = LB(warmup.duration_ns),
		.min = MILLI,
		.max = MAX_NS,
		.rule = "D21",
		.help = "How long a new endpoint gets less than its share."},
	{.key = "minimumPercent",
		.type = T_PERCENT,
		.at = LB(warmup.minimum_percent),
		.max = 100,
		.rule = "D21",
		.def = "10",
		.help = "Part of its share that it starts with.",
		.here = "Rounded to a whole percent."},
	{.key = "aggression",
		.type = T_DECIMAL,
		.at = LB(warmup.aggression),
		.max = 1000000,
		.rule = "D21",
		.def = "1",
		.help = "1: it grows evenly; above: slower first."},
};
static const struct schema warmup_schema = {"warmup", FIELDS(warmup_rows), .loc_at = NO_AT};

static const struct field lb_rows[] = {
	{.key = "simple",
		.type = T_ENUM,
		.at = LB(simple),
		.names = simples,
		.rule = "C12",
		.def_text = "`LEAST_REQUEST`",
		.help = "How an endpoint is chosen. `LEAST_CONN` is the old name of "
			"`LEAST_REQUEST`; `PASSTHROUGH` keeps the client's destination.",
		.here = "Each new flow is one choice."},
	{.key = "consistentHash",
		.type = T_OBJECT,
		.at = 0,
		.sub = &hash_schema,
		.help = "The same key goes to the same endpoint.",
		.here = "By `useSourceIp`. With any other key, an endpoint at random, as Envoy "
			"does "
			"for TCP."},
	{.key = "localityLbSetting",
		.type = T_OBJECT,
		.at = LB(locality),
		.has_at = LB(locality.given),
		.sub = &setting_schema,
		.help = "What localities count.",
		.here = "Localities of the clients are those of `clients` in sluice.yaml."},
	{.key = "zoneAwareLbSetting",
		.type = T_OBJECT,
		.at = NO_AT,
		.sub = &zone_aware_schema,
		.help = "The client's own zone first, by the number of endpoints in each.",
		.here = "Not served yet: zones do not count."},
	{.key = "warmup",
		.type = T_OBJECT,
		.at = 0,
		.sub = &warmup_schema,
		.help = "Slow start of new endpoints.",
		.here = "With `ROUND_ROBIN` and `LEAST_REQUEST`, as in Envoy."},
	{.key = "warmupDurationSecs",
		.type = T_DURATION,
		.flags = F_MILLIS,
		.at = LB(warmup.duration_ns),
		.min = MILLI,
		.max = MAX_NS,
		.rule = "D21",
		.help = "Deprecated: write `warmup.duration`."},
};
static const struct schema lb_schema = {"loadBalancer", FIELDS(lb_rows), .loc_at = NO_AT};

// ---- connectionPool ----

#define COUNT(name, text)                                                                          \
	{                                                                                          \
		.key = (name), .type = T_NUMBER, .at = NO_AT, .max = MAX_COUNT, .rule = "D9",      \
		.help = (text)                                                                     \
	}
#define INTERVAL(name, id, text)                                                                   \
	{                                                                                          \
		.key = (name), .type = T_DURATION, .flags = F_MILLIS, .at = NO_AT, .min = MILLI,   \
		.max = MAX_NS, .rule = (id), .help = (text)                                        \
	}

static const struct field keepalive_rows[] = {
	{.key = "probes",
		.type = T_NUMBER,
		.at = NO_AT,
		.max = UINT32_MAX,
		.rule = "D9",
		.help = "Probes without an answer before the connection counts as dead."},
	INTERVAL("time", "D9", "Silence before the first probe."),
	INTERVAL("interval", "D9", "Time between probes."),
};
static const struct schema keepalive_schema = {
	"tcpKeepalive", FIELDS(keepalive_rows), .loc_at = NO_AT};

static const struct field tcp_rows[] = {
	{.key = "maxConnections",
		.type = T_NUMBER,
		.at = POOL(max_connections),
		.max = MAX_COUNT,
		.rule = "D9",
		.def_text = "no limit",
		.help = "Most flows at a time to the destination; 0 counts as not given.",
		.here = "Shared out among the workers; one more is refused with a reset."},
	{.key = "connectTimeout",
		.type = T_DURATION,
		.flags = F_MILLIS,
		.at = POOL(connect_timeout_ns),
		.min = MILLI,
		.max = MAX_NS,
		.rule = "D9",
		.def_text = "the mesh's, 10s",
		.help = "How long an endpoint may take to answer a handshake.",
		.here = "Then another endpoint is tried."},
	{.key = "tcpKeepalive",
		.type = T_OBJECT,
		.at = NO_AT,
		.sub = &keepalive_schema,
		.help = "Probes of idle connections.",
		.here = "No effect: connections do not end here, their own probes pass."},
	{.key = "maxConnectionDuration",
		.type = T_DURATION,
		.flags = F_MILLIS,
		.at = POOL(max_duration_ns),
		.min = MILLI,
		.max = MAX_NS,
		.rule = "D9",
		.def_text = "no limit",
		.help = "Age at which a flow is ended."},
	{.key = "idleTimeout",
		.type = T_DURATION,
		.flags = F_MILLIS,
		.at = POOL(idle_timeout_ns),
		.has_at = POOL(has_idle_timeout),
		.max = MAX_NS,
		.rule = "D9",
		.def_text = "`flows.timeouts` of sluice.yaml",
		.help = "Silence after which a flow is forgotten; `0s`: never."},
};
static const struct schema tcp_schema = {"tcp", FIELDS(tcp_rows), .loc_at = NO_AT};

static const char *const upgrades[] = {"DEFAULT", "DO_NOT_UPGRADE", "UPGRADE", NULL};

// Which of the two is missing is D11.
static const struct field http2_keepalive_rows[] = {
	{.key = "interval",
		.type = T_DURATION,
		.flags = F_REQUIRED | F_MILLIS,
		.at = NO_AT,
		.min = MILLI,
		.max = MAX_NS,
		.rule = "D11",
		.help = "Time between pings."},
	{.key = "timeout",
		.type = T_DURATION,
		.flags = F_REQUIRED | F_MILLIS,
		.at = NO_AT,
		.min = MILLI,
		.max = MAX_NS,
		.rule = "D11",
		.help = "How long an answer may take."},
};
static const struct schema http2_keepalive_schema = {
	"http2KeepAlive", FIELDS(http2_keepalive_rows), .loc_at = NO_AT};

static const struct field http_rows[] = {
	COUNT("http1MaxPendingRequests", "Requests that wait for a connection."),
	COUNT("http2MaxRequests", "Active requests."),
	COUNT("maxRequestsPerConnection", "Requests of one connection."),
	COUNT("maxRetries", "Retries at a time."),
	INTERVAL("idleTimeout", "D9", "Silence after which a connection is closed."),
	{.key = "h2UpgradePolicy",
		.type = T_ENUM,
		.at = NO_AT,
		.names = upgrades,
		.rule = "C12",
		.def_text = "`DEFAULT`",
		.help = "Whether HTTP/1.1 becomes HTTP/2."},
	{.key = "useClientProtocol",
		.type = T_BOOL,
		.at = NO_AT,
		.help = "Keeps the client's HTTP version."},
	COUNT("maxConcurrentStreams", "Streams of one connection."),
	{.key = "http2KeepAlive",
		.type = T_OBJECT,
		.at = NO_AT,
		.sub = &http2_keepalive_schema,
		.help = "HTTP/2 pings."},
};
static const struct schema http_schema = {"http", FIELDS(http_rows), .loc_at = NO_AT};

static const struct field pool_rows[] = {
	{.key = "tcp",
		.type = T_OBJECT,
		.at = 0,
		.sub = &tcp_schema,
		.help = "Limits of connections."},
	{.key = "http",
		.type = T_OBJECT,
		.at = NO_AT,
		.sub = &http_schema,
		.help = "Limits of requests.",
		.here = no_http},
};
static const struct schema pool_schema = {"connectionPool", FIELDS(pool_rows), .loc_at = NO_AT};

// ---- outlierDetection, tls, tunnel and the like ----

#define ERRORS(name, text)                                                                         \
	{                                                                                          \
		.key = (name), .type = T_NUMBER, .at = NO_AT, .max = UINT32_MAX, .help = (text)    \
	}

static const struct field outlier_rows[] = {
	{.key = "consecutiveErrors",
		.type = T_NUMBER,
		.at = NO_AT,
		.max = MAX_COUNT,
		.help = "Deprecated: write `consecutiveGatewayErrors` or `consecutive5xxErrors`."},
	{.key = "splitExternalLocalOriginErrors",
		.type = T_BOOL,
		.at = NO_AT,
		.help = "Counts failures to connect apart."},
	ERRORS("consecutiveLocalOriginFailures", "Failures to connect that eject an endpoint."),
	ERRORS("consecutiveGatewayErrors", "Gateway errors that eject an endpoint; 0: never."),
	ERRORS("consecutive5xxErrors", "Errors that eject an endpoint; 0: never."),
	INTERVAL("interval", "D5", "Time between sweeps."),
	INTERVAL("baseEjectionTime", "D5", "How long an endpoint is out at least."),
	{.key = "maxEjectionPercent",
		.type = T_NUMBER,
		.at = NO_AT,
		.max = 100,
		.rule = "D5",
		.def_text = "10",
		.help = "Part of the endpoints that may be out."},
	{.key = "minHealthPercent",
		.type = T_NUMBER,
		.at = offsetof(struct sl_outlier_detection, min_health_percent),
		.max = 100,
		.rule = "D5",
		.def_text = "0",
		.help = "Below this part of healthy endpoints, health does not count."},
	{.key = "outlierDetectionHttpErrorCodes",
		.type = T_NUMBER,
		.flags = F_LIST,
		.at = NO_AT,
		.min = 100,
		.max = 599,
		.help = "HTTP status codes that count as errors, in place of 5xx."},
};
static const struct schema outlier_schema = {
	"outlierDetection", FIELDS(outlier_rows), .loc_at = NO_AT};

static const char *const tls_modes[] = {"DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL", NULL};

#define TEXT(name, text)                                                                           \
	{                                                                                          \
		.key = (name), .type = T_STRING, .at = NO_AT, .help = (text)                       \
	}

static const struct field tls_rows[] = {
	{.key = "mode",
		.type = T_ENUM,
		.at = NO_AT,
		.names = tls_modes,
		.rule = "C12",
		.def_text = "`DISABLE`",
		.help = "Whether TLS is originated, and with which certificates.",
		.here = no_tls},
	TEXT("clientCertificate", "File of the client certificate."),
	TEXT("privateKey", "File of its key."),
	TEXT("caCertificates", "File of the authorities that a server is checked against."),
	TEXT("caCrl", "File of revoked certificates."),
	TEXT("credentialName", "Secret, or `configmap://` ConfigMap, that holds all of these."),
	{.key = "subjectAltNames",
		.type = T_STRING,
		.flags = F_LIST,
		.at = NO_AT,
		.help = "Names that the server's certificate must carry one of."},
	TEXT("sni", "Server name to ask for."),
	{.key = "insecureSkipVerify",
		.type = T_BOOL,
		.at = NO_AT,
		.help = "Takes any certificate."},
};
static const struct schema tls_schema = {"tls", FIELDS(tls_rows), .loc_at = NO_AT};

static const char *
check_tunnel_protocol(const char *text)
{
	return !*text || strcmp(text, "CONNECT") == 0 || strcmp(text, "POST") == 0
		       ? NULL
		       : "CONNECT or POST";
}

static const char *
check_tunnel_host(const char *text)
{
	struct sl_ip ip;

	return sl_ip_parse(text, &ip) == 0 || !check_fqdn(text) ? NULL
								: "a host name or an IP address";
}

static const struct field tunnel_rows[] = {
	{.key = "protocol",
		.type = T_STRING,
		.at = NO_AT,
		.check = check_tunnel_protocol,
		.rule = "D27",
		.def_text = "`CONNECT`",
		.help = "HTTP method: `CONNECT` or `POST`."},
	{.key = "targetHost",
		.type = T_STRING,
		.flags = F_REQUIRED,
		.at = NO_AT,
		.check = check_tunnel_host,
		.rule = "D27",
		.help = "Where the tunnel leads."},
	{.key = "targetPort",
		.type = T_NUMBER,
		.flags = F_REQUIRED,
		.at = NO_AT,
		.min = 1,
		.max = 65535,
		.rule = "D27",
		.help = "Port there."},
};
static const struct schema tunnel_schema = {"tunnel", FIELDS(tunnel_rows), .loc_at = NO_AT};

static const char *const proxy_versions[] = {"V1", "V2", NULL};

static const struct field proxy_rows[] = {
	{.key = "version",
		.type = T_ENUM,
		.at = NO_AT,
		.names = proxy_versions,
		.rule = "D3",
		.def_text = "`V1`",
		.help = "Version of the header."},
};
static const struct schema proxy_schema = {"proxyProtocol", FIELDS(proxy_rows), .loc_at = NO_AT};

static const struct field budget_rows[] = {
	{.key = "percent",
		.type = T_DECIMAL,
		.at = NO_AT,
		.max = 100,
		.def_text = "20",
		.help = "Retries as a part of active requests."},
	{.key = "minRetryConcurrency",
		.type = T_NUMBER,
		.at = NO_AT,
		.max = UINT32_MAX,
		.def_text = "3",
		.help = "Retries that are always allowed."},
};
static const struct schema budget_schema = {"retryBudget", FIELDS(budget_rows), .loc_at = NO_AT};

// ---- trafficPolicy ----

// The blocks that a policy and an entry of its portLevelSettings have in common.
#define BLOCKS(at_)                                                                                \
	{.key = "loadBalancer",                                                                    \
		.type = T_OBJECT,                                                                  \
		.at = at_(lb),                                                                     \
		.has_at = at_(lb.given),                                                           \
		.sub = &lb_schema,                                                                 \
		.help = "How an endpoint is chosen."},                                             \
		{.key = "connectionPool",                                                          \
			.type = T_OBJECT,                                                          \
			.at = at_(pool),                                                           \
			.has_at = at_(pool.given),                                                 \
			.sub = &pool_schema,                                                       \
			.rule = "D8",                                                              \
			.help = "Limits of connections and requests."},                            \
		{.key = "outlierDetection",                                                        \
			.type = T_OBJECT,                                                          \
			.at = at_(outlier),                                                        \
			.has_at = at_(outlier.given),                                              \
			.sub = &outlier_schema,                                                    \
			.help = "Endpoints that fail are left out for a while.",                   \
			.here = "It switches the failover between localities on, and "             \
				"`minHealthPercent` counts; no endpoint is ejected yet."},         \
	{                                                                                          \
		.key = "tls", .type = T_OBJECT, .at = NO_AT, .has_at = at_(has_tls),               \
		.sub = &tls_schema, .help = "TLS towards the endpoints.", .here = no_tls           \
	}

static const struct field port_number_rows[] = {
	{.key = "number",
		.type = T_NUMBER,
		.flags = F_REQUIRED,
		.at = PORT(port),
		.max = UINT32_MAX,
		.rule = "D26",
		.help = "Port of the service."},
};
static const struct schema port_number_schema = {"port", FIELDS(port_number_rows), .loc_at = NO_AT};

static const struct field port_policy_rows[] = {
	{.key = "port",
		.type = T_OBJECT,
		.flags = F_REQUIRED,
		.at = 0,
		.sub = &port_number_schema,
		.rule = "D26",
		.help = "Which port."},
	BLOCKS(PORT),
};
static const struct schema port_policy_schema = {"portLevelSettings[]", FIELDS(port_policy_rows),
	.size = sizeof(struct sl_port_policy), .loc_at = NO_AT};

static const struct field policy_rows[] = {
	BLOCKS(POLICY),
	{.key = "portLevelSettings",
		.type = T_OBJECT,
		.flags = F_LIST,
		.at = POLICY(ports),
		.count_at = POLICY(n_ports),
		.max_items = 4096,
		.sub = &port_policy_schema,
		.rule = "D26",
		.help = "Blocks of one port, which replace those above as a whole: what an entry "
			"does not give is at its default."},
	{.key = "tunnel",
		.type = T_OBJECT,
		.at = NO_AT,
		.has_at = POLICY(has_tunnel),
		.sub = &tunnel_schema,
		.rule = "D27",
		.help = "TCP through an HTTP tunnel.",
		.here = "No effect yet: no tunnel is opened."},
	{.key = "proxyProtocol",
		.type = T_OBJECT,
		.at = NO_AT,
		.has_at = POLICY(has_proxy_protocol),
		.sub = &proxy_schema,
		.rule = "D3",
		.help = "PROXY header towards the endpoints.",
		.here = "No effect yet: no header is sent."},
	{.key = "retryBudget",
		.type = T_OBJECT,
		.at = NO_AT,
		.sub = &budget_schema,
		.help = "Limit of retries.",
		.here = no_http},
};
static const struct schema policy_schema = {"trafficPolicy", FIELDS(policy_rows), .loc_at = NO_AT};

// ---- spec ----

static const struct field subset_rows[] = {
	{.key = "name",
		.type = T_STRING,
		.flags = F_REQUIRED,
		.at = SUBSET(name),
		.check = check_dns_label,
		.rule = "D4",
		.help = "Name, unique in the rule, for the routes of a VirtualService."},
	{.key = "labels",
		.type = T_LABELS,
		.at = SUBSET(labels),
		.count_at = SUBSET(n_labels),
		.max_items = 1024,
		.rule = "D4",
		.help = "Labels that an endpoint of the subset has; none: every endpoint."},
	{.key = "trafficPolicy",
		.type = T_OBJECT,
		.at = SUBSET(policy),
		.has_at = SUBSET(policy.given),
		.sub = &policy_schema,
		.help = "Policy of the subset; each block overrides that of the rule."},
};
static const struct schema subset_schema = {
	"subsets[]", FIELDS(subset_rows), .size = sizeof(struct sl_subset), .loc_at = SUBSET(loc)};

static const struct field dr_selector_rows[] = {
	{.key = "matchLabels",
		.type = T_LABELS,
		.at = DR(selector),
		.count_at = DR(n_selector),
		.max_items = 1024,
		.max = 63,
		.rule = "C10",
		.help = "Labels that a client must have."},
};
static const struct schema dr_selector_schema = {
	"workloadSelector", FIELDS(dr_selector_rows), .loc_at = NO_AT};

static const struct field dr_rows[] = {
	{.key = "host",
		.type = T_STRING,
		.flags = F_REQUIRED,
		.at = DR(host),
		.check = check_wildcard_host,
		.rule = "D1",
		.help = "Service that the rule is for, or a wildcard. A name without a dot is a "
			"Kubernetes Service of the rule's namespace."},
	{.key = "trafficPolicy",
		.type = T_OBJECT,
		.at = DR(policy),
		.has_at = DR(policy.given),
		.sub = &policy_schema,
		.rule = "D2",
		.help = "How traffic is balanced and limited."},
	{.key = "subsets",
		.type = T_OBJECT,
		.flags = F_LIST,
		.at = DR(subsets),
		.count_at = DR(n_subsets),
		.sub = &subset_schema,
		.rule = "D4",
		.help = "Named parts of the endpoints."},
	{.key = "exportTo",
		.type = T_STRING,
		.flags = F_LIST,
		.at = DR(export_to),
		.count_at = DR(n_export_to),
		.max_items = 1024,
		.max = 253,
		.rule = "E2",
		.def_text = "`*`",
		.help = "Namespaces whose clients the rule is for: `*`, `.` or names."},
	{.key = "workloadSelector",
		.type = T_OBJECT,
		.at = 0,
		.has_at = DR(has_selector),
		.sub = &dr_selector_schema,
		.help = "Clients of the rule's namespace that the rule is for.",
		.here = "Those of `clients` in sluice.yaml whose labels fit."},
};
static const struct schema dr_spec = {"spec", FIELDS(dr_rows),
	.size = sizeof(struct sl_destination_rule), .loc_at = DR(loc), .title = "spec"};

const struct schema *
dr_schema(void)
{
	return &dr_spec;
}

const struct schema *
locality_schema(void)
{
	return &setting_schema;
}
