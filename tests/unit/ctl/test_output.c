// What the client prints, to the byte.
#include <jansson.h>

#include "fake.h"
#include "table.h"
#include "version.h"

static int
test_tables(void)
{
	static const struct row rows[] = {
		{"workers", 0,
			"WORKER   CORE   STATE     BUSY %              RX   FORWARDED   DROPS   "
			"FLOWS   AFFINITY\n"
			"     0     12   running      3.2              10           5       0      "
			" 1   -\n"
			"     1      3   stopped        -   1234567890123           5       0      "
			" 1   -\n",
			""},
		{"workers --no-headers", 0,
			"0   12   running   3.2              10   5   0   1   -\n"
			"1    3   stopped     -   1234567890123   5   0   1   -\n",
			""},
		{"workers -o json", 0,
			"[\n"
			"  "
			"{\"worker\":0,\"core\":12,\"state\":\"running\",\"busyPercent\":3.25,"
			"\"rx\":10,"
			"\"forwarded\":5,\"drops\":0,\"flows\":1},\n"
			"  {\"worker\":1,\"core\":3,\"state\":\"stopped\",\"busyPercent\":null,"
			"\"rx\":1234567890123,\"forwarded\":5,\"drops\":0,\"flows\":1}\n"
			"]\n",
			""},
		{"get serviceentries", 0,
			"NAMESPACE   NAME   HOSTS                           LOCATION        "
			"RESOLUTION   AGE   STATUS\n"
			"default     web1   h0.example.com                  MESH_EXTERNAL   STATIC "
			"      5d    Served\n"
			"default     web2   h0.example.com,h1.example.com   MESH_EXTERNAL   STATIC "
			"      5d    Served\n",
			""},
		// The columns of the kind, and of no other.
		{"get vs web1", 0,
			"NAMESPACE   NAME   GATEWAYS   HOSTS            AGE   STATUS\n"
			"default     web1   -          h0.example.com   5d    Served\n",
			""},
		{"get po web1", 0,
			"NAMESPACE   NAME   READY   IP   AGE   STATUS\n"
			"default     web1   -       -    5d    Served\n",
			""},
		{"get gtw web1", 0,
			"NAMESPACE   NAME   AGE   STATUS\n"
			"default     web1   5d    Served\n",
			""},
		{"get se web1 -o wide", 0,
			"NAMESPACE   NAME   HOSTS            LOCATION        RESOLUTION   AGE   "
			"STATUS   "
			"ADDRESSES   "
			"ENDPOINTS   ORIGIN   GENERATION   REASON\n"
			"default     web1   h0.example.com   MESH_EXTERNAL   STATIC       5d    "
			"Served   -           "
			"        1   -                 -   -\n",
			""},
		{"get se -o name", 0,
			"serviceentry.networking.istio.io/web1\n"
			"serviceentry.networking.istio.io/web2\n",
			""},
		{"get se web1 -o yaml", 0, "kind: ServiceEntry\nspec:\n  hosts:\n  - a\n", ""},
		{"get se -o yaml", 0,
			"kind: ServiceEntry\nspec:\n  hosts:\n  - a\n---\n"
			"kind: ServiceEntry\nspec:\n  hosts:\n  - a\n",
			""},
		{"get se web1 -o json", 0,
			"{\n    \"kind\": \"ServiceEntry\",\n    \"spec\": {\n        \"hosts\": "
			"[\n"
			"            \"a\"\n        ]\n    }\n}\n",
			""},
		{"get se -o json", 0,
			"{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"List\",\n    \"items\": "
			"[\n"
			"        {\n            \"kind\": \"ServiceEntry\",\n            \"spec\": "
			"{\n"
			"                \"hosts\": [\n                    \"a\"\n                "
			"]\n"
			"            }\n        },\n"
			"        {\n            \"kind\": \"ServiceEntry\",\n            \"spec\": "
			"{\n"
			"                \"hosts\": [\n                    \"a\"\n                "
			"]\n"
			"            }\n        }\n    ]\n}\n",
			""},
		{"get se none -o json", 0, "", ""},
		{"get se none", 0, "", "nothing found\n"},
		{"flows --count", 0, "1000000\n", ""},
		{"flows --count -o json", 0, "[\n  {\"count\":1000000}\n]\n", ""},
		{"flows", 0, "that was all\n", "nothing found\n"},
		{"flows -o json", 0, "[]\n", "that was all\n"},
		{"log-level", 0, "notice\n", ""},
		{"log-level debug", 0, "debug\n", ""},
		{"version", 0,
			"COMPONENT   NODE       VERSION   DPDK    PID   UPTIME (S)   CONFIG\n"
			"client      -          " SLUICE_VERSION
			"     -         -            -   -\n"
			"daemon      egress-1   9.9       22.11    42            7   "
			"/etc/sluice/sluice.yaml\n",
			""},
		{"version --client -o json", 0,
			"[\n  {\"component\":\"client\",\"version\":\"" SLUICE_VERSION "\"}\n]\n",
			""},
		{"describe se web", 0,
			"Name:          web\nNamespace:     shop\nKind:          ServiceEntry\n"
			"Labels:        a=b\n               c=d\nAnnotations:   <none>\n"
			"Created:       <none>\nOrigin:        file (/etc/sluice/web.yaml:3)\n"
			"Generation:    2\nStatus:        Partial\n"
			"Conditions:\n  Served       False   PortNotServed        port 443 is not\n"
			"Notes:\n  /etc/sluice/web.yaml:9:5: spec.ports[1]: is not served\n"
			"Services:\n  web.example.com\n    Tier: L4\n    VIPs: 192.0.2.80\n"
			"    Ports: 80->8080/HTTP(http) 443/TLS(tls)\n"
			"    Clients:\n"
			"      namespace default: all that no CIDR of clients has\n"
			"      namespace shop: 198.51.100.0/25\n"
			"    VirtualService: VirtualService shop/vs (vs.yaml:1)\n"
			"    Endpoints:\n"
			"      [2001:db8::1]:8080      http       weight 1     up  eu/a\n"
			"      192.0.2.7:8080 (a.example) http       weight 2     unhealthy (its "
			"Pod "
			"is not ready)  Pod shop/web-1 (pods.yaml:12)\n"
			"      192.0.2.8:8080          draining, 3 flows\n"
			"Events:\n"
			"  Warning  Stale              5m ago (x3)  a.example.com: no server "
			"answers\n",
			""},
		{"dns", 0,
			"NAME            FAMILY   STATE     ADDRESSES             TTL (S)   AGE "
			"(S)   SERVER          RTT (MS)   SERVICES             ERROR\n"
			"a.example.com   A        stale     192.0.2.1,192.0.2.2         0      "
			"61.5   192.0.2.53:53        1.2   shop/a.example.com   no server answers\n"
			"b.example.com   A        pending   -                           -         "
			"-   -                      -   -                    -\n",
			""},
		{"dns refresh c.example.com --no-headers", 0, "c.example.com   -\n", ""},
		{"reload", 2, "", "sluicectl: this daemon does not know the command reload\n"},
	};

	return check_rows(rows, SL_ARRAY_LEN(rows));
}

// Widths come from the first lines; what comes later is written at once, and pushes its line.
static int
test_table_streams(void)
{
	json_t *narrow = json_pack("{s:s,s:i}", "proto", "tcp", "bytesIn", 1);
	json_t *wide = json_pack("{s:s,s:s}", "proto", "much-wider-than-before", "client", "c");
	const char *last =
		"much-wider-than-before   -       c        -     -        -                 -    "
		"       -          -\n";
	struct table t;
	size_t len = 0, before;
	char *text = NULL;
	FILE *f = open_memstream(&text, &len);

	table_init(&t, f, SL_CTL_FLOWS, NULL, false, true);
	for (int i = 0; i < TABLE_SAMPLE - 1; i++)
		table_row(&t, narrow);
	fflush(f);
	SL_TEST_INT(len, 0);
	table_row(&t, narrow);
	fflush(f);
	RTE_TEST_ASSERT(len > 0, "the sample is full");
	before = len;
	table_row(&t, wide);
	fflush(f);
	RTE_TEST_ASSERT(len > before, "later lines are not held back");
	SL_TEST_INT(t.held.len, 0);
	SL_TEST_STR(text + before, last);
	table_fini(&t);
	fclose(f);
	free(text);
	json_decref(narrow);
	json_decref(wide);
	return TEST_SUCCESS;
}

// Lines per list member, counts by member, and cells that can't harm a terminal.
static int
test_table_paths(void)
{
	json_t *row = json_loads("{\"host\":\"a\\u001b[2J\\u009bb\\u00e9\",\"ports\":[{\"number\":"
				 "80,\"name\":\"x\"},"
				 "{\"number\":443,\"name\":\"y\"}],\"vips\":[\"192.0.2.1\",\"192.0."
				 "2.2\"],\"endpoints\":"
				 "[{\"portName\":\"x\"},{\"portName\":\"y\"},{\"portName\":\"x\"}],"
				 "\"namespace\":\"\"}",
		0, NULL);
	json_t *bare = json_loads("{\"host\":\"b\",\"ports\":[],\"endpoints\":[1]}", 0, NULL);
	struct table t;
	size_t len;
	char *text;
	FILE *f = open_memstream(&text, &len);

	table_init(&t, f, SL_CTL_SERVICES, NULL, false, true);
	table_row(&t, row);
	table_row(&t, bare);
	table_fini(&t);
	fclose(f);
	SL_TEST_STR(text, "SERVICE FQDN   PORT   PROTOCOL   VIP                   TYPE   TIER   "
			  "ENDPOINTS   NAMESPACE\n"
			  "a?[2J?bé         80   -          192.0.2.1,192.0.2.2   -      -         "
			  "     2   -\n"
			  "a?[2J?bé        443   -          192.0.2.1,192.0.2.2   -      -         "
			  "     1   -\n"
			  "b                 -   -          -                     -      -         "
			  "     1   -\n");
	free(text);
	json_decref(row);
	json_decref(bare);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"tables", test_tables},
		{"table_streams", test_table_streams},
		{"table_paths", test_table_paths},
	};
	int rc;

	lab_up();
	rc = sl_test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
	lab_down();
	return rc;
}
