// lib/control as a client meets it: requests over a real socket, objects in files and from the
// socket, restarts, reloads. No port, no worker, no root: what the mirrors do is shown in
// tests/smoke.
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"
#include "sl_str.h"

// A ServiceEntry with a VIP 192.0.2.<vip> and n endpoints from 198.51.100.<first> on.
static const char *
entry(const char *name, unsigned vip, unsigned first, unsigned n)
{
	static struct sl_buf text;

	sl_buf_reset(&text);
	sl_buf_printf(&text,
		"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: %s}\n"
		"spec:\n  hosts: [%s.example.com]\n  addresses: [192.0.2.%u]\n"
		"  ports: [{number: 80, name: http, protocol: TCP}]\n  resolution: STATIC\n"
		"  endpoints:\n",
		name, name, vip);
	for (unsigned i = first; i < first + n; i++)
		sl_buf_printf(&text, "  - address: 198.%u.%u.%u\n", i < 256 ? 51 : 18,
			i < 256 ? 100 : i / 256, i % 256);
	return text.data;
}

static int
apply_and_delete(void)
{
	struct rig r;
	uint64_t generation;

	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start");
	EXPECT(rig_ask(&r, "apply", NULL, entry("web", 100, 11, 2)), "\"result\":\"created\"");
	EXPECT(rig_ask(&r, "endpoints", NULL, NULL),
		"\"endpoint\":\"198.51.100.12:80\",\"address\":"
		"\"198.51.100.12\",\"port\":80,\"status\":\"HEALTHY\"");
	generation = sl_control_generation(r.control);
	EXPECT(rig_ask(&r, "apply", NULL, entry("web", 100, 11, 2)), "\"result\":\"unchanged\"");
	SL_TEST_INT(sl_control_generation(r.control), generation);
	// Only endpoints changed: swapped in place, no new snapshot.
	EXPECT(rig_ask(&r, "apply", NULL, entry("web", 100, 11, 3)), "\"result\":\"configured\"");
	SL_TEST_INT(sl_control_generation(r.control), generation);
	EXPECT(rig_ask(&r, "endpoints", NULL, NULL), "198.51.100.13:80");
	EXPECT(rig_ask(&r, "delete", "{\"kind\":\"ServiceEntry\",\"name\":[\"web\"]}", NULL),
		"\"result\":\"deleted\"");
	EXPECT_NOT(rig_ask(&r, "endpoints", NULL, NULL), "\"row\"");
	EXPECT(rig_ask(&r, "delete", "{\"kind\":\"ServiceEntry\",\"name\":[\"web\"]}", NULL),
		"\"exit\":1");
	rig_free(&r);
	return TEST_SUCCESS;
}

static int
bad_input_changes_nothing(void)
{
	struct rig r;
	uint64_t generation;
	const char *answer;

	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start");
	rig_ask(&r, "apply", NULL, entry("web", 100, 11, 2));
	generation = sl_control_generation(r.control);
	answer = rig_ask(&r, "apply", NULL,
		"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: web}\n"
		"spec:\n  hosts: [web.example.com]\n  addresses: [192.0.2.300]\n"
		"  ports: [{number: 99999, name: http}]\n  resolutoin: STATIC\n");
	EXPECT(answer, "\"line\":6");
	EXPECT(answer, "\"line\":7");
	EXPECT(answer, "\"line\":8");
	EXPECT(answer, "\"exit\":1");
	SL_TEST_INT(sl_control_generation(r.control), generation);
	EXPECT(rig_ask(&r, "endpoints", NULL, NULL), "198.51.100.12:80");
	// The one in force says that a later one was refused, until a valid one comes.
	answer = rig_ask(&r, "describe", "{\"kind\":\"ServiceEntry\",\"name\":\"web\"}", NULL);
	EXPECT(answer, "\"type\":\"Accepted\",\"status\":\"False\",\"reason\":\"Invalid\"");
	EXPECT(answer, "t.yaml:6:");
	EXPECT(answer, "t.yaml:8:");
	EXPECT(rig_ask(&r, "apply", NULL, entry("web", 100, 11, 2)), "\"result\":\"unchanged\"");
	EXPECT(rig_ask(&r, "describe", "{\"kind\":\"ServiceEntry\",\"name\":\"web\"}", NULL),
		"\"type\":\"Accepted\",\"status\":\"True\"");
	// More endpoints than there are slots: all or nothing, and what was there stays.
	answer = rig_ask(&r, "apply", NULL, entry("web", 100, 20, 1100));
	EXPECT(answer, "maxEndpoints");
	EXPECT(answer, "\"exit\":1");
	EXPECT(rig_ask(&r, "endpoints", NULL, NULL), "198.51.100.12:80");
	EXPECT_NOT(rig_ask(&r, "endpoints", NULL, NULL), "198.51.100.20:80");
	rig_free(&r);
	return TEST_SUCCESS;
}

static int
survives_restart(void)
{
	struct rig r;

	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start");
	rig_ask(&r, "apply", NULL, entry("kept", 100, 11, 1));
	rig_ask(&r, "apply", NULL, entry("gone", 101, 12, 1));
	rig_ask(&r, "delete", "{\"kind\":\"ServiceEntry\",\"name\":[\"gone\"]}", NULL);
	rig_stop(&r);
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start again");
	EXPECT(rig_ask(&r, "get", "{\"kind\":\"ServiceEntry\"}", NULL), "\"name\":\"kept\"");
	EXPECT(rig_ask(&r, "get", "{\"kind\":\"ServiceEntry\"}", NULL), "\"origin\":\"socket\"");
	EXPECT_NOT(rig_ask(&r, "get", "{\"kind\":\"ServiceEntry\"}", NULL), "gone");
	rig_free(&r);
	return TEST_SUCCESS;
}

// A document that this version refuses is not lost by the next change.
static int
rejected_state_is_kept(void)
{
	struct rig r;
	struct sl_buf text = {0};
	char *path;

	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start");
	rig_ask(&r, "apply", NULL, entry("kept", 100, 11, 1));
	rig_stop(&r);
	path = sl_xasprintf("%s/state/applied.yaml", r.dir);
	sl_buf_read_file(&text, path, 1 << 20);
	sl_buf_puts(&text, "---\n{\"apiVersion\":\"networking.istio.io/v1\",\"kind\":"
			   "\"ServiceEntry\",\"metadata\":{\"name\":\"future\"},\"spec\":7}\n");
	rig_write(&r, "state/applied.yaml", text.data);
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start again");
	EXPECT(rig_ask(&r, "get", "{\"kind\":\"ServiceEntry\"}", NULL), "\"name\":\"kept\"");
	rig_ask(&r, "apply", NULL, entry("more", 101, 12, 1));
	sl_buf_reset(&text);
	sl_buf_read_file(&text, path, 1 << 20);
	EXPECT_NOT(text.data, "future");
	free(path);
	path = sl_xasprintf("%s/state/applied.yaml.rejected", r.dir);
	sl_buf_reset(&text);
	SL_TEST_INT(sl_buf_read_file(&text, path, 1 << 20), 0);
	EXPECT(text.data, "future");
	free(path);
	sl_buf_fini(&text);
	rig_free(&r);
	return TEST_SUCCESS;
}

static int
socket_shadows_file(void)
{
	struct rig r;

	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	rig_write(&r, "objects/web.yaml", entry("web", 100, 11, 1));
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start");
	EXPECT(rig_ask(&r, "endpoints", NULL, NULL), "198.51.100.11:80");
	// What comes from a file is removed there.
	EXPECT(rig_ask(&r, "delete", "{\"kind\":\"ServiceEntry\",\"name\":[\"web\"]}", NULL),
		"objects/web.yaml:1");
	rig_ask(&r, "apply", NULL, entry("web", 100, 21, 1));
	EXPECT(rig_ask(&r, "endpoints", NULL, NULL), "198.51.100.21:80");
	EXPECT_NOT(rig_ask(&r, "endpoints", NULL, NULL), "198.51.100.11:80");
	rig_ask(&r, "delete", "{\"kind\":\"ServiceEntry\",\"name\":[\"web\"]}", NULL);
	EXPECT(rig_ask(&r, "endpoints", NULL, NULL), "198.51.100.11:80");
	rig_free(&r);
	return TEST_SUCCESS;
}

static int
reload_keeps_last_good(void)
{
	struct rig r;
	const char *answer;

	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	rig_write(&r, "objects/web.yaml", entry("web", 100, 11, 1));
	rig_write(&r, "objects/api.yaml", entry("api", 101, 12, 1));
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start");
	const uint64_t generation = sl_control_generation(r.control);
	EXPECT(rig_ask(&r, "reload", NULL, NULL), "\"unchanged\":2,\"deleted\":0,\"invalid\":0");
	SL_TEST_INT(sl_control_generation(r.control), generation);
	// One file breaks, one changes: the broken one's object stays as it was.
	rig_write(&r, "objects/web.yaml",
		"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
		"metadata: {name: web}\nspec: {hosts: 5}\n");
	rig_write(&r, "objects/api.yaml", entry("api", 101, 13, 1));
	answer = rig_ask(&r, "reload", NULL, NULL);
	EXPECT(answer, "\"configured\":1");
	EXPECT(answer, "\"exit\":1");
	answer = rig_ask(&r, "endpoints", NULL, NULL);
	EXPECT(answer, "198.51.100.11:80");
	EXPECT(answer, "198.51.100.13:80");
	EXPECT_NOT(answer, "198.51.100.12:80");
	answer = rig_ask(&r, "describe", "{\"kind\":\"ServiceEntry\",\"name\":\"web\"}", NULL);
	EXPECT(answer, "\"type\":\"Accepted\",\"status\":\"False\",\"reason\":\"Invalid\"");
	EXPECT(answer, "the last good version (line 1) serves, a later one was refused: ");
	// Mended, then removed.
	rig_write(&r, "objects/web.yaml", "# empty\n");
	EXPECT(rig_ask(&r, "reload", NULL, NULL), "\"deleted\":1");
	EXPECT_NOT(rig_ask(&r, "endpoints", NULL, NULL), "198.51.100.11:80");
	// A broken sluice.yaml changes nothing at all.
	rig_write(&r, "sluice.yaml", "ports: 7\n");
	EXPECT(rig_ask(&r, "reload", NULL, NULL), "sluice.yaml is invalid");
	EXPECT(rig_ask(&r, "endpoints", NULL, NULL), "198.51.100.13:80");
	rig_free(&r);
	return TEST_SUCCESS;
}

// A folder that cannot be read for a moment takes no service along.
static int
reload_without_folder(void)
{
	struct rig r;
	const char *answer;

	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	rig_write(&r, "objects/web.yaml", entry("web", 100, 11, 1));
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start");
	char *folder = sl_xasprintf("%s/objects", r.dir), *away = sl_xasprintf("%s/away", r.dir);
	SL_TEST_INT(rename(folder, away), 0);
	answer = rig_ask(&r, "reload", NULL, NULL);
	EXPECT(answer, "cannot be read");
	EXPECT(answer, "\"deleted\":0");
	EXPECT(rig_ask(&r, "endpoints", NULL, NULL), "198.51.100.11:80");
	SL_TEST_INT(mkdir(folder, 0755), 0);
	EXPECT(rig_ask(&r, "reload", NULL, NULL), "\"deleted\":1");
	EXPECT_NOT(rig_ask(&r, "endpoints", NULL, NULL), "198.51.100.11:80");
	free(folder);
	free(away);
	rig_free(&r);
	return TEST_SUCCESS;
}

// A service that does not fit keeps what it had, says so, and holds up no other; a new one refuses.
static int
reload_too_many(void)
{
	struct rig r;
	const char *answer;

	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	rig_write(&r, "objects/web.yaml", entry("web", 100, 11, 1));
	rig_write(&r, "objects/other.yaml", entry("other", 101, 21, 1));
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start");
	rig_write(&r, "objects/web.yaml", entry("web", 100, 11, 1100));
	rig_write(&r, "objects/other.yaml", entry("other", 101, 22, 1));
	rig_write(&r, "objects/zoo.yaml", entry("zoo", 102, 11, 1100));
	answer = rig_ask(&r, "reload", NULL, NULL);
	EXPECT(answer, "192.0.2.100 port 80/tcp: its endpoints do not fit, flows.maxEndpoints");
	EXPECT(answer, "\"exit\":0");
	EXPECT(rig_ask(&r, "endpoints", NULL, NULL), "198.51.100.22:80");
	RTE_TEST_ASSERT(
		sl_compile_slot_find(sl_control_compile(r.control), "default", "web.example.com",
			80, sl_cpu_to_be32(0xc633640b), sl_cpu_to_be16(80)) != UINT32_MAX,
		"198.51.100.11 is gone");
	answer = rig_ask(&r, "describe", "{\"kind\":\"ServiceEntry\",\"name\":\"web\"}", NULL);
	EXPECT(answer, "\"status\":\"Partial\"");
	EXPECT(answer, "\"type\":\"Programmed\",\"status\":\"False\",\"reason\":\"NoResources\"");
	EXPECT(answer, "the endpoints that it had stay");
	answer = rig_ask(&r, "describe", "{\"kind\":\"ServiceEntry\",\"name\":\"zoo\"}", NULL);
	EXPECT(answer, "\"status\":\"NotServed\"");
	EXPECT(answer, "what comes is refused");
	answer = rig_ask(&r, "events", NULL, NULL);
	EXPECT(answer, "\"reason\":\"DoesNotFit\",\"object\":\"default/web.example.com\"");
	// Said once for what it is.
	EXPECT_NOT(rig_ask(&r, "reload", NULL, NULL), "do not fit");
	rig_write(&r, "objects/web.yaml", entry("web", 100, 12, 1));
	EXPECT_NOT(rig_ask(&r, "reload", NULL, NULL), "192.0.2.100");
	EXPECT_NOT(rig_ask(&r, "describe", "{\"kind\":\"ServiceEntry\",\"name\":\"web\"}", NULL),
		"Programmed");
	rig_free(&r);
	return TEST_SUCCESS;
}

static bool
has_room(void *ctx)
{
	struct rig *r = ctx;

	return !strstr(rig_ask(r, "describe", "{\"kind\":\"ServiceEntry\",\"name\":\"web\"}", NULL),
		"Programmed");
}

// What was too much is served by itself as soon as there is room.
static int
room_is_taken(void)
{
	struct rig r;

	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	rig_write(&r, "objects/a.yaml", entry("a", 101, 1, 600));
	rig_write(&r, "objects/web.yaml", entry("web", 100, 1, 600));
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "it starts, with one that does not fit");
	RTE_TEST_ASSERT(!has_room(&r), "there is room");
	rig_write(&r, "objects/a.yaml", "");
	EXPECT(rig_ask(&r, "reload", NULL, NULL), "\"deleted\":1");
	RTE_TEST_ASSERT(rig_wait(&r, has_room, &r), "it still does not fit");
	rig_free(&r);
	return TEST_SUCCESS;
}

static int
conflicts_are_told(void)
{
	struct rig r;
	const char *answer;

	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start");
	rig_ask(&r, "apply", NULL, entry("first", 100, 11, 1));
	answer = rig_ask(&r, "apply", NULL, entry("second", 100, 12, 1));
	EXPECT(answer, "belongs to ServiceEntry default/first");
	EXPECT(answer, "\"exit\":0");
	// Once: not with each later change. And who takes a VIP away is told of it as well.
	EXPECT_NOT(rig_ask(&r, "apply", NULL, entry("third", 101, 11, 1)), "belongs to");
	EXPECT(rig_ask(&r, "apply", NULL, entry("a", 101, 11, 1)),
		"default/third\",\"path\":\"spec.addresses[0]\"");
	// With an endpoint that the owner of the VIP has, too.
	EXPECT(rig_ask(&r, "describe", "{\"kind\":\"ServiceEntry\",\"name\":\"third\"}", NULL),
		"\"state\":\"notServed\"");
	answer = rig_ask(&r, "describe", "{\"kind\":\"ServiceEntry\",\"name\":\"second\"}", NULL);
	EXPECT(answer, "\"status\":\"Partial\"");
	EXPECT(answer, "\"type\":\"Conflicted\"");
	EXPECT(answer, "\"state\":\"notServed\"");
	answer = rig_ask(&r, "describe", "{\"kind\":\"ServiceEntry\",\"name\":\"first\"}", NULL);
	EXPECT(answer, "\"status\":\"Served\"");
	EXPECT(answer, "\"type\":\"Conflicted\",\"status\":\"True\",\"reason\":\"Won\"");
	// The winner goes: the other one takes over, and the note with it.
	rig_ask(&r, "delete", "{\"kind\":\"ServiceEntry\",\"name\":[\"first\"]}", NULL);
	answer = rig_ask(&r, "describe", "{\"kind\":\"ServiceEntry\",\"name\":\"second\"}", NULL);
	EXPECT(answer, "\"status\":\"Served\"");
	rig_free(&r);
	return TEST_SUCCESS;
}

// Two services that want a port of any address, and have virtual IPs: nothing of them is out of
// reach.
static int
virtual_ips_make_it_whole(void)
{
	static const char objects[] = "apiVersion: networking.istio.io/v1\n"
				      "kind: ServiceEntry\n"
				      "metadata: {name: apis}\n"
				      "spec:\n"
				      "  hosts: [a.example.com, b.example.com]\n"
				      "  ports: [{number: 443, name: tls, protocol: TLS}]\n"
				      "  resolution: DNS\n";
	struct rig r;
	const char *answer;

	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start");
	EXPECT(rig_ask(&r, "apply", NULL, objects), "its virtual IP is served");
	answer = rig_ask(&r, "describe", "{\"kind\":\"ServiceEntry\",\"name\":\"apis\"}", NULL);
	EXPECT_NOT(answer, "\"type\":\"Conflicted\"");
	EXPECT_NOT(answer, "\"status\":\"Partial\"");
	EXPECT(answer, "its virtual IP is served");
	rig_free(&r);
	return TEST_SUCCESS;
}

// What would happen to a new flow. This gateway has no mirror, so no route: what is forwarded is
// dropped, for that reason.
static int
explains(void)
{
	static const struct {
		const char *args;
		const char *parts[4];
	} rows[] = {
		{"{\"from\":\"192.0.2.10\",\"to\":\"192.0.2.100:80\"}",
			{"\"verdict\":\"drop\"", "there is no route to it",
				"\"host\":\"web.example.com\"",
				"\"address\":\"198.51.100.11\",\"port\":80,\"weight\":1,\"state\":"
				"\"unreachable\""}},
		{"{\"from\":\"192.0.2.20\",\"to\":\"192.0.2.100:80\"}",
			{"\"namespace\":\"team-b\"", "\"cidr\":\"192.0.2.20/32\"", "\"line\":10",
				"\"flows\":0"}},
		{"{\"from\":\"192.0.2.10\",\"to\":\"192.0.2.99:80\",\"sni\":\"a\"}",
			{"\"verdict\":\"deny\"", "REGISTRY_ONLY", "--sni a changes nothing",
				"addresses [192.0.2.99] and port 80"}},
		{"{\"from\":\"127.0.0.1\",\"to\":\"192.0.2.100:80\"}",
			{"\"verdict\":\"drop\"", "no address that a host can have", "martian",
				"\"service\":null"}},
		{"{\"from\":\"192.0.2.100\",\"to\":\"192.0.2.100:80\"}",
			{"\"verdict\":\"drop\"", "a VIP of a service", "martian",
				"\"candidates\":[]"}},
		{"{\"from\":\"192.0.2.10\"}", {"\"exit\":2", "--to IP:PORT is missing", "", ""}},
		{"{\"from\":\"192.0.2.10\",\"to\":\"[2001:db8::1]:80\"}",
			{"\"exit\":2", "IPv6 is not served yet", "", ""}},
	};
	struct rig r;
	struct sl_buf conf = {0};

	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	sl_buf_printf(
		&conf, "%sclients: [{cidrs: [192.0.2.20/32], namespace: team-b}]\n", RIG_YAML);
	rig_write(&r, "sluice.yaml", conf.data);
	sl_buf_fini(&conf);
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start");
	rig_ask(&r, "apply", NULL, entry("web", 100, 11, 2));
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < SL_ARRAY_LEN(rows[i].parts); k++)
			EXPECT(rig_ask(&r, "explain", rows[i].args, NULL), rows[i].parts[k]);
	rig_free(&r);
	return TEST_SUCCESS;
}

#define DESCRIBE(kind, name)                                                                       \
	rig_ask(&r, "describe", "{\"kind\":\"" kind "\",\"name\":\"" name "\"}", NULL)

static const char all_kinds[] =
	"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: web}\n"
	"spec:\n  hosts: [web.example.com]\n  addresses: [192.0.2.100]\n"
	"  ports: [{number: 80, name: http, protocol: TCP}]\n  resolution: STATIC\n"
	"  workloadSelector: {labels: {app: web}}\n"
	"---\napiVersion: v1\nkind: Pod\nmetadata: {name: web-1, labels: {app: web}}\n"
	"status: {podIP: 198.51.100.11, phase: Running, conditions: [{type: Ready, status: "
	"'True'}]}\n"
	"---\napiVersion: v1\nkind: Pod\nmetadata: {name: web-2, labels: {app: web}}\n"
	"status: {podIP: 198.51.100.12, phase: Running, conditions: [{type: Ready, status: "
	"'False'}]}\n"
	"---\napiVersion: networking.istio.io/v1\nkind: WorkloadEntry\n"
	"metadata: {name: alone}\nspec: {address: 198.51.100.13, labels: {app: other}}\n"
	"---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: dr}\n"
	"spec: {host: web.example.com, subsets: [{name: v1, labels: {app: web}}]}\n"
	"---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: idle}\n"
	"spec: {host: none.example.com}\n"
	"---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: vs}\n"
	"spec: {hosts: [web.example.com], tcp: [{route: [{destination: {host: web.example.com, "
	"subset: v2}}]}]}\n";

static int
describe_every_kind(void)
{
	struct rig r;
	const char *answer;

	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start");
	answer = rig_ask(&r, "apply", NULL, all_kinds);
	EXPECT(answer, "\"exit\":0");
	// What is odd between objects is told when it comes about, and not again.
	EXPECT(answer, "\"object\":\"VirtualService default/vs\",\"path\":\"spec.tcp[0].route[0]."
		       "destination\",\"rule\":\"M1\"");
	EXPECT(answer, "\"object\":\"WorkloadEntry default/alone\"");
	EXPECT_NOT(rig_ask(&r, "apply", NULL, all_kinds), "\"rule\":\"M");
	answer = DESCRIBE("ServiceEntry", "web");
	EXPECT(answer, "\"source\":\"Pod default/web-1\",\"file\":\"t.yaml\",\"line\":11");
	EXPECT(answer, "\"reason\":\"its Pod is not ready\"");
	EXPECT(answer, "\"clients\":[{\"group\":0,\"namespace\":\"default\",\"cidrs\":[]}]");
	EXPECT(answer, "\"virtualServices\":[{\"object\":\"VirtualService default/vs\"");
	EXPECT(answer, "\"destinationRules\":[{\"object\":\"DestinationRule default/dr\"");
	EXPECT(DESCRIBE("Pod", "web-1"), "\"status\":\"Served\"");
	EXPECT(DESCRIBE("Pod", "web-1"), "\"host\":\"web.example.com\"");
	EXPECT(DESCRIBE("Pod", "web-2"), "\"status\":\"Unhealthy\"");
	answer = DESCRIBE("WorkloadEntry", "alone");
	EXPECT(answer, "\"status\":\"NotServed\"");
	EXPECT(answer, "\"rule\":\"M6\"");
	EXPECT(answer, "\"services\":[]");
	answer = DESCRIBE("DestinationRule", "dr");
	EXPECT(answer, "\"type\":\"Applied\",\"status\":\"True\"");
	EXPECT(answer, "\"host\":\"web.example.com\"");
	answer = DESCRIBE("DestinationRule", "idle");
	EXPECT(answer, "\"type\":\"Applied\",\"status\":\"False\"");
	EXPECT(answer, "\"services\":[]");
	answer = DESCRIBE("VirtualService", "vs");
	EXPECT(answer, "\"type\":\"Applied\",\"status\":\"True\"");
	EXPECT(answer, "subset v2 of web.example.com is in no DestinationRule");
	rig_free(&r);
	return TEST_SUCCESS;
}

// Two kinds are called Gateway, and one name in both is two objects.
static int
gateways_are_two_kinds(void)
{
	static const char yaml[] =
		"apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: gw}\n"
		"spec: {selector: {app: x}, servers: [{port: {number: 80, name: tcp, protocol: "
		"TCP}, hosts: ['*']}]}\n";
	struct rig r;

	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start");
	EXPECT(rig_ask(&r, "apply", NULL, yaml),
		"\"kind\":\"Gateway\",\"group\":\"networking.istio.io\"");
	EXPECT(rig_ask(&r, "get", "{\"kind\":\"gw\"}", NULL), "\"name\":\"gw\"");
	EXPECT_NOT(rig_ask(&r, "get", "{\"kind\":\"gtw\"}", NULL), "\"row\"");
	EXPECT(DESCRIBE("gateway.gateway.networking.k8s.io", "gw"), "not found");
	EXPECT(DESCRIBE("gateway", "gw"), "\"status\":\"Valid\"");
	rig_free(&r);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"apply and delete", apply_and_delete},
		{"bad input changes nothing", bad_input_changes_nothing},
		{"applied objects survive a restart", survives_restart},
		{"state that is refused is kept aside", rejected_state_is_kept},
		{"the socket's object shadows the file's", socket_shadows_file},
		{"a reload keeps the last good version", reload_keeps_last_good},
		{"a reload without the folder", reload_without_folder},
		{"a reload with too many endpoints", reload_too_many},
		{"room is taken", room_is_taken},
		{"conflicts are told", conflicts_are_told},
		{"a virtual IP makes a service whole", virtual_ips_make_it_whole},
		{"describe every kind", describe_every_kind},
		{"gateways are two kinds", gateways_are_two_kinds},
		{"explains", explains},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
