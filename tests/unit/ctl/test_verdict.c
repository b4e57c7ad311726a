// explain out of files: who takes a flow, for whom, and what is said when nobody does; wrong usage;
// and the daemon's answer as people see it.
#include <jansson.h>

#include "fake.h"
#include "sl_buf.h"
#include "sl_str.h"

#define ENTRY(name, ns, spec)                                                                      \
	"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"                            \
	"metadata: {name: " name ", namespace: " ns "}\nspec:\n  hosts: [" name                    \
	".example.com]\n" spec
#define STATIC(addresses, port, endpoints)                                                         \
	addresses "  ports: [{name: p, " port "}]\n  resolution: STATIC\n" endpoints
#define RULE(name)                                                                                 \
	"---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\n"                         \
	"metadata: {name: " name ", namespace: default}\nspec:\n  host: " name ".example.com\n"    \
	"  trafficPolicy:\n    loadBalancer:\n      simple: ROUND_ROBIN\n"                         \
	"      localityLbSetting: {enabled: true}\n"                                               \
	"    outlierDetection: {consecutive5xxErrors: 5}\n"
#define WORKLOAD(name, address, locality, healthy)                                                 \
	"---\napiVersion: networking.istio.io/v1\nkind: WorkloadEntry\n"                           \
	"metadata:\n  name: " name "\n  namespace: default\n  labels: {app: spill}\n"              \
	"  annotations: {proxy.istio.io/health-checks-enabled: 'true'}\n"                          \
	"spec: {address: " address ", locality: " locality "}\n"                                   \
	"status: {conditions: [{type: Healthy, status: '" healthy "'}]}\n"

static const char *const objects[] = {
	ENTRY("db", "team-a",
		STATIC("  addresses: [192.0.2.100]\n  exportTo: ['.']\n",
			"number: 80, protocol: TCP", "  endpoints: [{address: 198.51.100.11}]\n")),
	ENTRY("db", "team-b",
		STATIC("  addresses: [192.0.2.100]\n  exportTo: ['.']\n",
			"number: 80, protocol: TCP",
			"  endpoints: [{address: 198.51.100.12, weight: 3}, {address: "
			"198.51.100.13}]\n")),
	ENTRY("wide", "default",
		"  addresses: [203.0.113.0/24]\n  resolution: NONE\n"
		"  ports: [{number: 5432, name: tcp, protocol: TCP, targetPort: 15432}]\n"),
	ENTRY("narrow", "default",
		STATIC("  addresses: [203.0.113.128/25]\n", "number: 5432, protocol: TCP",
			"  endpoints: [{address: 198.51.100.14}]\n")),
	ENTRY("any", "default",
		STATIC("", "number: 9000, protocol: TCP",
			"  endpoints: [{address: 198.51.100.15, ports: {p: 9001}}]\n")),
	ENTRY("dns", "default",
		STATIC("  addresses: [192.0.2.102]\n", "number: 53, protocol: UDP",
			"  endpoints: [{address: 198.51.100.16}]\n")),
	ENTRY("far", "default",
		STATIC("  addresses: [192.0.2.103]\n", "number: 80, protocol: TCP",
			"  endpoints:\n  - {address: 198.51.100.17, locality: eu/north}\n"
			"  - {address: 198.51.100.18, locality: eu/south}\n")),
	RULE("far"),
	ENTRY("spill", "default",
		STATIC("  addresses: [192.0.2.104]\n", "number: 80, protocol: TCP",
			"  workloadSelector: {labels: {app: spill}}\n")),
	WORKLOAD("w1", "198.51.100.21", "eu/south", "True"),
	WORKLOAD("w2", "198.51.100.22", "eu/south", "False"),
	WORKLOAD("w3", "198.51.100.23", "us/west", "True"),
	RULE("spill"),
	ENTRY("self", "default",
		STATIC("  addresses: [192.0.2.1]\n", "number: 443, protocol: TCP",
			"  endpoints: [{address: 198.51.100.19}]\n")),
};

#define SLUICE(more)                                                                               \
	"ports:\n- {name: lan, device: net_null0, addresses: [192.0.2.1/24]}\n"                    \
	"pool: {addresses: [198.51.100.1]}\nresources: [.]\n"                                      \
	"clients:\n- {cidrs: [192.0.2.10/32], namespace: team-a}\n"                                \
	"- {cidrs: [192.0.2.16/28], namespace: team-b}\n"                                          \
	"- {cidrs: [192.0.2.64/26], locality: eu/south}\n" more

static json_t *
ask(const char *words, const char *conf)
{
	char *line = sl_xasprintf("explain %s -f @/o.yaml -c @/%s -o json", words, conf);
	struct run r = run(line);
	json_t *rows = json_loads(r.out, 0, NULL), *row = json_incref(json_array_get(rows, 0));

	json_decref(rows);
	run_free(&r);
	free(line);
	return row;
}

static const char *
text(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));

	return s ? s : "-";
}

// "forward team-b/db.example.com VIP 192.0.2.100 198.51.100.12:80=75% ..."
static void
sum_up(const json_t *row, struct sl_buf *out)
{
	const json_t *svc = json_object_get(row, "service");
	size_t i;
	json_t *c;

	sl_buf_puts(out, text(row, "verdict"));
	if (json_is_object(svc))
		sl_buf_printf(out, " %s/%s %s %s", text(svc, "namespace"), text(svc, "host"),
			text(row, "matchedBy"), text(row, "matched"));
	if (json_is_true(json_object_get(row, "originalDestination")))
		sl_buf_puts(out, " original");
	json_array_foreach(json_object_get(row, "candidates"), i, c)
		sl_buf_printf(out, " %s:%lld=%g%%", text(c, "address"),
			(long long)json_integer_value(json_object_get(c, "port")),
			json_number_value(json_object_get(c, "sharePercent")));
}

static int
test_verdicts(void)
{
	static const struct {
		const char *name;
		const char *words;
		const char *conf;
		const char *sum;
		const char *reason; // part of reason, hints and notes
	} rows[] = {
		{"team-a's own", "--from 192.0.2.10 --to 192.0.2.100:80", "c.yaml",
			"forward team-a/db.example.com VIP 192.0.2.100 198.51.100.11:80=100%",
			"belongs to team-a/db.example.com"},
		{"team-b's at the same VIP", "--from 192.0.2.17 --to 192.0.2.100:80", "c.yaml",
			"forward team-b/db.example.com VIP 192.0.2.100 198.51.100.12:80=75% "
			"198.51.100.13:80=25%",
			"belongs to team-b/db.example.com"},
		{"nobody's", "--from 192.0.2.40 --to 192.0.2.100:80", "c.yaml", "deny",
			"its exportTo would have to name the namespace default"},
		{"no such port", "--from 192.0.2.10 --to 192.0.2.100:81", "c.yaml", "deny",
			"ServiceEntry team-a/db has the address 192.0.2.100 with the ports 80/TCP: "
			"declare port 81, protocol TCP"},
		{"no such address", "--from 192.0.2.10 --to 192.0.2.200:80", "c.yaml", "deny",
			"declare one with addresses [192.0.2.200] and port 80, protocol TCP"},
		{"the other protocol", "--from 192.0.2.10 --to 192.0.2.102:53", "c.yaml", "deny",
			"with the ports 53/UDP: declare port 53, protocol TCP"},
		{"UDP", "--from 192.0.2.10 --to 192.0.2.102:53 --proto udp", "c.yaml",
			"forward default/dns.example.com VIP 192.0.2.102 198.51.100.16:53=100%",
			""},
		{"a CIDR, to where it was sent", "--from 192.0.2.10 --to 203.0.113.9:5432",
			"c.yaml", "forward default/wide.example.com CIDR 203.0.113.0/24 original",
			"\"targetPort\":15432"},
		{"the longer CIDR", "--from 192.0.2.10 --to 203.0.113.129:5432", "c.yaml",
			"forward default/narrow.example.com CIDR 203.0.113.128/25 "
			"198.51.100.14:5432=100%",
			"203.0.113.128/25 port 5432"},
		{"any address", "--from 192.0.2.10 --to 203.0.113.9:9000", "c.yaml",
			"forward default/any.example.com any address - 198.51.100.15:9001=100%",
			"any address on port 9000"},
		{"what no service takes goes on", "--from 192.0.2.10 --to 203.0.113.9:7000",
			"any.yaml", "forward original", "ALLOW_ANY"},
		{"the nearer locality", "--from 192.0.2.65 --to 192.0.2.103:80", "c.yaml",
			"forward default/far.example.com VIP 192.0.2.103 198.51.100.18:80=100% "
			"198.51.100.17:80=0%",
			""},
		{"half of the near ones is 70 % of health", "--from 192.0.2.65 --to 192.0.2.104:80",
			"c.yaml",
			"forward default/spill.example.com VIP 192.0.2.104 198.51.100.21:80=70% "
			"198.51.100.22:80=0% 198.51.100.23:80=30%",
			"\"state\":\"unhealthy\""},
		{"the gateway's own address", "--from 192.0.2.10 --to 192.0.2.1:22", "c.yaml",
			"punt", "the kernel gets it"},
		{"is punted before any address counts", "--from 192.0.2.10 --to 192.0.2.1:9000",
			"c.yaml", "punt", "the kernel gets it"},
		{"and before what is allowed", "--from 192.0.2.10 --to 192.0.2.1:22", "any.yaml",
			"punt", "the kernel gets it"},
		{"but not where it is a VIP", "--from 192.0.2.10 --to 192.0.2.1:443", "c.yaml",
			"forward default/self.example.com VIP 192.0.2.1 198.51.100.19:443=100%",
			""},
		{"to the pool", "--from 192.0.2.10 --to 198.51.100.1:9000", "any.yaml", "deny",
			"an address of the pool"},
		{"from the pool", "--from 198.51.100.1 --to 192.0.2.102:53 --proto udp", "c.yaml",
			"drop", "198.51.100.1 is an address of the pool"},
		{"from a VIP", "--from 192.0.2.103 --to 192.0.2.102:53 --proto udp", "c.yaml",
			"drop", "is a VIP of a service"},
		{"from a group of hosts", "--from 224.0.0.1 --to 192.0.2.102:53", "c.yaml", "drop",
			"martian"},
		{"to a group of hosts", "--from 192.0.2.10 --to 224.0.0.1:9000", "c.yaml", "deny",
			"no address that a single host can have"},
		{"to a virtual IP that is nobody's", "--from 192.0.2.10 --to 240.240.1.1:9000",
			"any.yaml", "deny", "no service that the client sees has it on port 9000"},
		{"names count for nothing, loudly",
			"--from 192.0.2.10 --to 192.0.2.100:80 --sni a.example.com", "c.yaml",
			"forward team-a/db.example.com VIP 192.0.2.100 198.51.100.11:80=100%",
			"--sni a.example.com changes nothing"},
		{"neither does Host", "--from 192.0.2.10 --to 192.0.2.100:80 --host a.example.com",
			"c.yaml",
			"forward team-a/db.example.com VIP 192.0.2.100 198.51.100.11:80=100%",
			"--host a.example.com changes nothing"},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		json_t *row = ask(rows[i].words, rows[i].conf);
		char *all = json_dumps(row, JSON_COMPACT);
		struct sl_buf sum = {0};

		RTE_TEST_ASSERT_NOT_NULL(all, "%s: no row", rows[i].name);
		sum_up(row, &sum);
		RTE_TEST_ASSERT(strcmp(sum.data, rows[i].sum) == 0, "%s: got %s, expected %s: %s",
			rows[i].name, sum.data, rows[i].sum, all);
		RTE_TEST_ASSERT_NOT_NULL(strstr(all, rows[i].reason), "%s: no \"%s\" in %s",
			rows[i].name, rows[i].reason, all);
		sl_buf_fini(&sum);
		free(all);
		json_decref(row);
	}
	return TEST_SUCCESS;
}

static int
test_usage(void)
{
	static const struct row rows[] = {
		{"explain --to 192.0.2.1:80", 2, "",
			"sluicectl: explain: --from IP is missing\n" TELLS(" explain")},
		{"explain --from 192.0.2.1", 2, "",
			"sluicectl: explain: --to IP:PORT is missing\n" TELLS(" explain")},
		{"explain --from 192.0.2.300 --to 192.0.2.1:80", 2, "",
			"sluicectl: --from: \"192.0.2.300\" is no IP address\n" TELLS(" explain")},
		{"explain --from 2001:db8::1 --to 192.0.2.1:80", 2, "",
			"sluicectl: --from: IPv6 is not served yet\n" TELLS(" explain")},
		{"explain --from 192.0.2.1 --to [2001:db8::1]:80", 2, "",
			"sluicectl: --to: IPv6 is not served yet\n" TELLS(" explain")},
		{"explain --from 192.0.2.1 --to 2001:db8::1", 2, "",
			"sluicectl: --to: IPv6 is not served yet\n" TELLS(" explain")},
		{"explain --from 192.0.2.1 --to 192.0.2.2", 2, "",
			"sluicectl: --to: \"192.0.2.2\" has no port, expected IP:PORT\n" TELLS(
				" explain")},
		{"explain --from 192.0.2.1 --to 192.0.2.2:0", 2, "",
			"sluicectl: --to: \"0\" is no port, expected 1 to 65535\n" TELLS(
				" explain")},
		{"explain --from 192.0.2.1 --to 192.0.2.2:65536", 2, "",
			"sluicectl: --to: \"65536\" is no port, expected 1 to 65535\n" TELLS(
				" explain")},
		{"explain --from 192.0.2.1 --to 192.0.2:80", 2, "",
			"sluicectl: --to: \"192.0.2\" is no IP address\n" TELLS(" explain")},
		{"explain --from 192.0.2.1 --to 192.0.2.2:80 --proto sctp", 2, "",
			"sluicectl: --proto: \"sctp\" does not fit, expected one of tcp, "
			"udp\n" TELLS(" explain")},
		{"explain --from 192.0.2.1 --to 192.0.2.2:80 -c @/c.yaml", 2, "",
			"sluicectl: explain: the daemon has its own sluice.yaml: --conf goes with "
			"-f\n" TELLS(" explain")},
	};

	return check_rows(rows, SL_ARRAY_LEN(rows));
}

// Who the clients are is not guessed.
static int
test_bad_conf(void)
{
	struct run r = run("explain --from 192.0.2.1 --to 192.0.2.2:80 -f @/o.yaml -c @/bad.yaml");

	SL_TEST_INT(r.exit, 1);
	SL_TEST_STR(r.out, "");
	RTE_TEST_ASSERT_NOT_NULL(strstr(r.err, "bad.yaml"), "%s", r.err);
	run_free(&r);
	return TEST_SUCCESS;
}

static int
test_remote(void)
{
	static const struct row rows[] = {
		{"explain --from 192.0.2.10 --to 192.0.2.80:80", 0,
			"Flow:     tcp 192.0.2.10 -> 192.0.2.80:80\n"
			"Client:   namespace shop, label app=cart, locality eu/a (clients "
			"192.0.2.0/24, /etc/sluice/sluice.yaml:7)\n"
			"Verdict:  forward: because\n"
			"Service:  shop/web.example.com port 80, by VIP 192.0.2.80\n"
			"Route:    VirtualService shop/web\n"
			"Source:   VirtualService shop/web\n"
			"Cluster:  outbound|80|v1|web.example.com, RANDOM, weight 1, "
			"DestinationRule "
			"shop/web\n"
			"          outbound|80|v2|web.example.com, RANDOM, weight 2: it has none\n"
			"  ENDPOINT           STATE           SHARE   WEIGHT  PRIORITY  FLOWS  "
			"CLUSTER"
			"                         SOURCE\n"
			"  198.51.100.1:8080  up              100.0%  1       0         12     "
			"outbound|80|v1|web.example.com  Pod shop/a (a.yaml:3)\n"
			"  198.51.100.2:8080  unhealthy (no)  -       1       1         -      "
			"outbound|80|v1|web.example.com  Pod shop/b\n"
			"Hint:     do\n"
			"Note:     one\n"
			"          two?[2J\n",
			""},
	};

	return check_rows(rows, SL_ARRAY_LEN(rows));
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"verdicts", test_verdicts},
		{"wrong usage", test_usage},
		{"a sluice.yaml that is wrong", test_bad_conf},
		{"the daemon's answer", test_remote},
	};
	static const char conf[] = SLUICE(""),
			  any[] = SLUICE("outboundPolicy: {mode: ALLOW_ANY}\n");
	struct sl_buf yaml = {0};
	int rc;

	lab_up();
	for (size_t i = 0; i < SL_ARRAY_LEN(objects); i++)
		sl_buf_puts(&yaml, objects[i]);
	lab_file("o.yaml", yaml.data, yaml.len);
	sl_buf_fini(&yaml);
	lab_file("c.yaml", conf, sizeof(conf) - 1);
	lab_file("any.yaml", any, sizeof(any) - 1);
	lab_file("bad.yaml", "clients: 5\n", 11);
	rc = sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
	lab_down();
	return rc;
}
