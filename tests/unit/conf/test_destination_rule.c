// A DestinationRule as it is read: what is kept, what stands for what is not given, what rows leave
// to code.
#include "test_conf.h"

#define HEAD                                                                                       \
	"apiVersion: networking.istio.io/v1\nkind: DestinationRule\n"                              \
	"metadata: {name: web, namespace: shop}\nspec:\n  host: web.example.com\n"

static const char everything[] =
	HEAD "  trafficPolicy:\n"
	     "    loadBalancer:\n"
	     "      consistentHash: {useSourceIp: true, maglev: {tableSize: 101}}\n"
	     "      localityLbSetting:\n"
	     "        enabled: true\n"
	     "        distribute:\n"
	     "        - {from: \"r1/*\", to: {r1: 70, r2/z1: 30}}\n"
	     "    connectionPool:\n"
	     "      tcp:\n"
	     "        maxConnections: 100\n"
	     "        connectTimeout: 1.5s\n"
	     "        maxConnectionDuration: 1h\n"
	     "        idleTimeout: 0s\n"
	     "        tcpKeepalive: {probes: 3}\n"
	     "      http: {http2MaxRequests: 7}\n"
	     "    outlierDetection: {interval: 10s, minHealthPercent: 20}\n"
	     "    tls: {mode: SIMPLE, sni: web.example.com, subjectAltNames: [a, b]}\n"
	     "    tunnel: {targetHost: proxy.example.com, targetPort: 3128}\n"
	     "    portLevelSettings:\n"
	     "    - port: {number: 443}\n"
	     "      loadBalancer:\n"
	     "        simple: ROUND_ROBIN\n"
	     "        warmup: {duration: 1m, minimumPercent: 12.5, aggression: 1.5}\n"
	     "        warmupDurationSecs: 2m\n"
	     "      tls: {mode: DISABLE}\n"
	     "    - port: {number: 22}\n"
	     "      connectionPool: {tcp: {idleTimeout: 5m}}\n"
	     "  subsets:\n"
	     "  - name: v1\n"
	     "    labels: {version: v1, tier: \"\"}\n"
	     "    trafficPolicy:\n"
	     "      proxyProtocol: {version: V2}\n"
	     "      loadBalancer:\n"
	     "        localityLbSetting:\n"
	     "          enabled: false\n"
	     "          failover: [{from: r1, to: r2}]\n"
	     "          failoverPriority: [app, version=v1]\n"
	     "      portLevelSettings:\n"
	     "      - port: {number: 80}\n"
	     "        loadBalancer: {simple: PASSTHROUGH}\n"
	     "  - {name: all}\n"
	     "  exportTo: [.]\n"
	     "  workloadSelector: {matchLabels: {app: client}}\n";

static int
check_policy(const struct sl_traffic_policy *p)
{
	SL_TEST_INT(p->given, true);
	SL_TEST_INT(p->lb.given, true);
	SL_TEST_INT(p->lb.simple, SL_LB_UNSPECIFIED);
	SL_TEST_INT(p->lb.hash, SL_LB_HASH_SOURCE_IP);
	SL_TEST_INT(p->lb.maglev, true);
	SL_TEST_INT(p->lb.maglev_size, 101);
	SL_TEST_INT(p->lb.ring_size, 0);
	SL_TEST_INT(p->lb.locality.given, true);
	SL_TEST_INT(p->lb.locality.disabled, false);
	SL_TEST_INT(p->lb.locality.n_distribute, 1);
	SL_TEST_STR(p->lb.locality.distribute[0].from, "r1/*");
	SL_TEST_INT(p->lb.locality.distribute[0].n_to, 2);
	SL_TEST_STR(p->lb.locality.distribute[0].to[1].locality, "r2/z1");
	SL_TEST_INT(p->lb.locality.distribute[0].to[1].weight, 30);
	SL_TEST_INT(p->pool.given, true);
	SL_TEST_INT(p->pool.max_connections, 100);
	SL_TEST_INT(p->pool.connect_timeout_ns, 1500000000);
	SL_TEST_INT(p->pool.max_duration_ns, UINT64_C(3600000000000));
	SL_TEST_INT(p->pool.has_idle_timeout, true);
	SL_TEST_INT(p->pool.idle_timeout_ns, 0);
	SL_TEST_INT(p->outlier.given, true);
	SL_TEST_INT(p->outlier.min_health_percent, 20);
	SL_TEST_INT(p->has_tls, true);
	SL_TEST_INT(p->has_tunnel, true);
	SL_TEST_INT(p->has_proxy_protocol, false);
	SL_TEST_INT(p->n_ports, 2);
	return TEST_SUCCESS;
}

static int
check_ports(const struct sl_port_policy *p)
{
	SL_TEST_INT(p[0].port, 443);
	SL_TEST_INT(p[0].lb.given, true);
	SL_TEST_INT(p[0].lb.simple, SL_LB_ROUND_ROBIN);
	SL_TEST_INT(p[0].lb.hash, SL_LB_HASH_NONE);
	SL_TEST_INT(p[0].lb.warmup.duration_ns, UINT64_C(60000000000));
	SL_TEST_INT(p[0].lb.warmup.minimum_percent, 13);
	RTE_TEST_ASSERT(p[0].lb.warmup.aggression == 1.5, "%f", p[0].lb.warmup.aggression);
	SL_TEST_INT(p[0].pool.given, false);
	SL_TEST_INT(p[0].has_tls, true);
	SL_TEST_INT(p[1].port, 22);
	SL_TEST_INT(p[1].lb.given, false);
	SL_TEST_INT(p[1].lb.warmup.duration_ns, 0);
	SL_TEST_INT(p[1].pool.given, true);
	SL_TEST_INT(p[1].pool.has_idle_timeout, true);
	SL_TEST_INT(p[1].pool.idle_timeout_ns, UINT64_C(300000000000));
	SL_TEST_INT(p[1].pool.connect_timeout_ns, 0);
	SL_TEST_INT(p[1].has_tls, false);
	return TEST_SUCCESS;
}

static int
check_subsets(const struct sl_subset *s)
{
	SL_TEST_STR(s[0].name, "v1");
	SL_TEST_INT(s[0].loc.line, 34);
	SL_TEST_INT(s[0].n_labels, 2);
	SL_TEST_STR(s[0].labels[1].key, "tier");
	SL_TEST_STR(s[0].labels[1].value, "");
	SL_TEST_INT(s[0].policy.given, true);
	SL_TEST_INT(s[0].policy.has_proxy_protocol, true);
	SL_TEST_INT(s[0].policy.has_tunnel, false);
	SL_TEST_INT(s[0].policy.lb.locality.disabled, true);
	SL_TEST_STR(s[0].policy.lb.locality.failover[0].to, "r2");
	SL_TEST_INT(s[0].policy.lb.locality.n_failover_priority, 2);
	SL_TEST_STR(s[0].policy.lb.locality.failover_priority[1], "version=v1");
	SL_TEST_INT(s[0].policy.ports[0].port, 80);
	SL_TEST_INT(s[0].policy.ports[0].lb.simple, SL_LB_PASSTHROUGH);
	SL_TEST_STR(s[1].name, "all");
	SL_TEST_INT(s[1].n_labels, 0);
	SL_TEST_INT(s[1].policy.given, false);
	return TEST_SUCCESS;
}

int
test_destination_rule(void)
{
	struct sl_object *obj = read_one(everything);
	const struct sl_destination_rule *dr;

	RTE_TEST_ASSERT_NOT_NULL(obj, "refused");
	dr = &obj->dr;
	SL_TEST_INT(obj->kind, SL_KIND_DESTINATION_RULE);
	SL_TEST_STR(dr->host, "web.example.com");
	SL_TEST_INT(dr->n_export_to, 1);
	SL_TEST_STR(dr->export_to[0], ".");
	SL_TEST_INT(dr->has_selector, true);
	SL_TEST_INT(dr->n_selector, 1);
	SL_TEST_STR(dr->selector[0].value, "client");
	SL_TEST_INT(dr->n_subsets, 2);
	RTE_TEST_ASSERT_SUCCESS(check_policy(&dr->policy), "policy");
	RTE_TEST_ASSERT_SUCCESS(check_ports(dr->policy.ports), "ports");
	RTE_TEST_ASSERT_SUCCESS(check_subsets(dr->subsets), "subsets");
	sl_object_free(obj);
	return TEST_SUCCESS;
}

// What a loadBalancer comes out as.
int
test_load_balancer(void)
{
	static const struct {
		const char *text;
		enum sl_lb_simple simple;
		enum sl_lb_hash hash;
		uint64_t ring_size;
		uint64_t warmup_s;
	} rows[] = {
		{"{}", SL_LB_UNSPECIFIED, SL_LB_HASH_NONE, 0, 0},
		{"{simple: LEAST_CONN}", SL_LB_LEAST_CONN, SL_LB_HASH_NONE, 0, 0},
		{"{consistentHash: {useSourceIp: true}}", SL_LB_UNSPECIFIED, SL_LB_HASH_SOURCE_IP,
			0, 0},
		{"{consistentHash: {useSourceIp: false}}", SL_LB_RANDOM, SL_LB_HASH_NONE, 0, 0},
		{"{consistentHash: {}}", SL_LB_RANDOM, SL_LB_HASH_NONE, 0, 0},
		{"{consistentHash: {httpHeaderName: a}}", SL_LB_UNSPECIFIED, SL_LB_HASH_HEADER, 0,
			0},
		{"{consistentHash: {httpCookie: {name: a}}}", SL_LB_UNSPECIFIED, SL_LB_HASH_COOKIE,
			0, 0},
		{"{consistentHash: {httpQueryParameterName: a}}", SL_LB_UNSPECIFIED,
			SL_LB_HASH_QUERY, 0, 0},
		{"{consistentHash: {useSourceIp: true, ringHash: {minimumRingSize: 5}}}",
			SL_LB_UNSPECIFIED, SL_LB_HASH_SOURCE_IP, 5, 0},
		{"{consistentHash: {useSourceIp: true, minimumRingSize: 6}}", SL_LB_UNSPECIFIED,
			SL_LB_HASH_SOURCE_IP, 6, 0},
		{"{warmupDurationSecs: 7s}", SL_LB_UNSPECIFIED, SL_LB_HASH_NONE, 0, 7},
		{"{warmup: {duration: 8s}, warmupDurationSecs: 7s}", SL_LB_UNSPECIFIED,
			SL_LB_HASH_NONE, 0, 8},
		{"{warmupDurationSecs: 7s, warmup: {duration: 8s}}", SL_LB_UNSPECIFIED,
			SL_LB_HASH_NONE, 0, 8},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		char *text =
			sl_xasprintf("%s  trafficPolicy: {loadBalancer: %s}\n", HEAD, rows[i].text);
		struct sl_object *obj = read_one(text);
		const struct sl_load_balancer *lb;

		RTE_TEST_ASSERT_NOT_NULL(obj, "%s", rows[i].text);
		lb = &obj->dr.policy.lb;
		RTE_TEST_ASSERT(lb->simple == rows[i].simple && lb->hash == rows[i].hash &&
					lb->ring_size == rows[i].ring_size &&
					lb->warmup.duration_ns == rows[i].warmup_s * 1000000000 &&
					lb->warmup.minimum_percent == 10 &&
					lb->warmup.aggression == 1,
			"%s", rows[i].text);
		sl_object_free(obj);
		free(text);
	}
	return TEST_SUCCESS;
}

// Booleans and decimals keep their type in the JSON, and so does what is not kept in the struct.
int
test_destination_rule_json(void)
{
	struct sl_object *obj =
		read_one(HEAD "  trafficPolicy:\n"
			      "    tls: {insecureSkipVerify: True, mode: SIMPLE}\n"
			      "    retryBudget: {percent: 12.50, minRetryConcurrency: 3}\n"
			      "    loadBalancer: {localityLbSetting: {enabled: false, distribute: "
			      "[{to: {r2: 40, r1: 60}, from: r1}]}}\n");

	RTE_TEST_ASSERT_NOT_NULL(obj, "refused");
	RTE_TEST_ASSERT_NOT_NULL(
		strstr(obj->json,
			"\"spec\":{\"host\":\"web.example.com\",\"trafficPolicy\":{"
			"\"loadBalancer\":{\"localityLbSetting\":{\"distribute\":[{\"from\":\"r1\","
			"\"to\":{\"r1\":60,\"r2\":40}}],\"enabled\":false}},"
			"\"retryBudget\":{\"minRetryConcurrency\":3,\"percent\":12.5},"
			"\"tls\":{\"insecureSkipVerify\":true,\"mode\":\"SIMPLE\"}}}"),
		"%s", obj->json);
	sl_object_free(obj);
	return TEST_SUCCESS;
}

// A rule with very many entries takes no time to speak of, right or wrong.
int
test_destination_rule_is_linear(void)
{
	struct sl_buf text = {0};
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};

	sl_buf_puts(&text, HEAD "  subsets:\n");
	for (int i = 0; i < 100000; i++)
		sl_buf_printf(&text, "  - {name: v%d}\n", i);
	sl_buf_puts(&text, "  trafficPolicy:\n    loadBalancer:\n      localityLbSetting:\n"
			   "        distribute:\n");
	for (int i = 0; i < 100000; i++)
		sl_buf_printf(&text, "        - {from: r%d, to: {a: 100}}\n", i);
	sl_buf_puts(&text, "        - {from: r5/z, to: {a: 100}}\n");
	sl_conf_objects(text.data, text.len, "f.yaml", SL_ORIGIN_FILE, &objects, &diags);
	SL_TEST_INT(diags.errors, 1);
	RTE_TEST_ASSERT_NOT_NULL(
		strstr(first_diag(&diags), "\"r5/z\" overlaps with distribute[5].from [D18]"), "%s",
		first_diag(&diags));
	sl_objects_fini(&objects);
	sl_diags_fini(&diags);
	sl_buf_fini(&text);
	return TEST_SUCCESS;
}
