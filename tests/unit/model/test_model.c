#include "sl_model.h"

#include <errno.h>
#include <netinet/in.h>

#include "sl_str.h"
#include "sl_test.h"

// ---- builders ----

static char *
file_name(void)
{
	return sl_xstrdup("a.yaml");
}

// A ServiceEntry whose "content" is the given text (what put compares).
static struct sl_object *
object(const char *ns, const char *name, enum sl_origin origin, const char *content)
{
	struct sl_object *obj = sl_object_new(SL_KIND_SERVICE_ENTRY);

	obj->meta.namespace_ = sl_xstrdup(ns);
	obj->meta.name = sl_xstrdup(name);
	obj->origin = origin;
	obj->loc.file = file_name();
	obj->json = sl_xstrdup(content);
	obj->hash = sl_str_hash(content, strlen(content), 0);
	obj->se.resolution = SL_RESOLUTION_STATIC;
	return obj;
}

static void
add_address(struct sl_object *obj, const char *text, uint32_t line)
{
	struct sl_se_address a = {.text = sl_xstrdup(text), .loc = {obj->loc.file, line, 5}};

	sl_prefix_parse(text, &a.prefix);
	sl_prefix_mask(&a.prefix);
	obj->se.addresses = sl_xrealloc(
		obj->se.addresses, obj->se.n_addresses + 1, sizeof(struct sl_se_address));
	obj->se.addresses[obj->se.n_addresses++] = a;
}

static void
add_port(struct sl_object *obj, uint32_t number, const char *name, const char *proto,
	uint32_t target)
{
	obj->se.ports = sl_xrealloc(obj->se.ports, obj->se.n_ports + 1, sizeof(struct sl_se_port));
	obj->se.ports[obj->se.n_ports++] = (struct sl_se_port){
		.number = number,
		.name = sl_xstrdup(name),
		.protocol = sl_xstrdup(proto),
		.target_port = target,
	};
}

static struct sl_se_endpoint *
add_endpoint(struct sl_object *obj, const char *address)
{
	struct sl_se_endpoint ep = {.address = sl_xstrdup(address)};

	if (address)
		sl_ip_parse(address, &ep.ip);
	obj->se.endpoints = sl_xrealloc(obj->se.endpoints, obj->se.n_endpoints + 1, sizeof(ep));
	obj->se.endpoints[obj->se.n_endpoints] = ep;
	return &obj->se.endpoints[obj->se.n_endpoints++];
}

static void
add_endpoint_port(struct sl_se_endpoint *ep, const char *name, uint32_t number)
{
	ep->ports = sl_xrealloc(ep->ports, ep->n_ports + 1, sizeof(*ep->ports));
	ep->ports[ep->n_ports++] = (struct sl_se_endpoint_port){sl_xstrdup(name), number};
}

static void
add_label(struct sl_se_endpoint *ep, const char *key, const char *value)
{
	ep->labels = sl_xrealloc(ep->labels, ep->n_labels + 1, sizeof(*ep->labels));
	ep->labels[ep->n_labels++] = (struct sl_label){sl_xstrdup(key), sl_xstrdup(value)};
}

// ---- names ----

static int
test_kind_parse(void)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
		{"ServiceEntry", 0},
		{"serviceentry", 0},
		{"serviceentries", 0},
		{"SE", 0},
		{"service", -EINVAL},
		{"", -EINVAL},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		enum sl_kind kind = SL_KIND_MAX;

		SL_TEST_INT(sl_kind_parse(rows[i].text, &kind), rows[i].rc);
		SL_TEST_INT(kind, rows[i].rc ? SL_KIND_MAX : SL_KIND_SERVICE_ENTRY);
	}
	return TEST_SUCCESS;
}

static int
test_notes(void)
{
	struct sl_object *obj = object("ns", "a", SL_ORIGIN_FILE, "x");
	const struct sl_loc loc = {NULL, 7, 3};
	char title[64];

	sl_object_note(obj, "spec.resolution", &loc, false, "%s", "first");
	sl_object_note(obj, NULL, NULL, true, "computed %d", 1);
	sl_object_note(obj, NULL, NULL, false, "last");
	sl_object_notes_clear_computed(obj);
	SL_TEST_INT(obj->n_notes, 2);
	SL_TEST_STR(obj->notes[0].path, "spec.resolution");
	SL_TEST_INT(obj->notes[0].line, 7);
	SL_TEST_INT(obj->notes[0].col, 3);
	SL_TEST_STR(obj->notes[1].message, "last");
	SL_TEST_STR(sl_object_title(obj, title, sizeof(title)), "ServiceEntry ns/a");
	sl_object_free(obj);
	return TEST_SUCCESS;
}

// ---- registry ----

static int
test_put_find_del(void)
{
	struct sl_registry *r = sl_registry_new();

	SL_TEST_INT(sl_registry_put(r, object("ns", "a", SL_ORIGIN_FILE, "1")), SL_CREATED);
	SL_TEST_INT(sl_registry_put(r, object("n", "sa", SL_ORIGIN_FILE, "1")), SL_CREATED);
	SL_TEST_INT(sl_registry_generation(r), 2);
	SL_TEST_INT(sl_registry_put(r, object("ns", "a", SL_ORIGIN_FILE, "1")), SL_UNCHANGED);
	SL_TEST_INT(sl_registry_generation(r), 2);
	SL_TEST_INT(sl_registry_put(r, object("ns", "a", SL_ORIGIN_FILE, "2")), SL_CONFIGURED);
	SL_TEST_INT(sl_registry_generation(r), 3);
	SL_TEST_INT(sl_registry_count(r), 2);

	struct sl_object *a = sl_registry_find(r, SL_KIND_SERVICE_ENTRY, "ns", "a");

	RTE_TEST_ASSERT_NOT_NULL(a, "ns/a is lost");
	SL_TEST_STR(a->json, "2");
	SL_TEST_INT(a->generation, 2);
	RTE_TEST_ASSERT_NULL(sl_registry_find(r, SL_KIND_SERVICE_ENTRY, "ns", "b"), "ns/b");
	SL_TEST_INT(sl_registry_del(r, SL_KIND_SERVICE_ENTRY, "ns", "a", SL_ORIGIN_SOCKET),
		SL_UNCHANGED);
	SL_TEST_INT(
		sl_registry_del(r, SL_KIND_SERVICE_ENTRY, "ns", "a", SL_ORIGIN_FILE), SL_DELETED);
	SL_TEST_INT(
		sl_registry_del(r, SL_KIND_SERVICE_ENTRY, "ns", "a", SL_ORIGIN_FILE), SL_UNCHANGED);
	SL_TEST_INT(sl_registry_generation(r), 4);
	SL_TEST_INT(sl_registry_count(r), 1);
	sl_registry_free(r);
	return TEST_SUCCESS;
}

static int
test_shadowing(void)
{
	struct sl_registry *r = sl_registry_new();

	sl_registry_put(r, object("ns", "a", SL_ORIGIN_SOCKET, "socket"));
	sl_registry_put(r, object("ns", "a", SL_ORIGIN_FILE, "file"));
	SL_TEST_INT(sl_registry_count(r), 1);
	SL_TEST_STR(sl_registry_find(r, SL_KIND_SERVICE_ENTRY, "ns", "a")->json, "socket");
	SL_TEST_STR(
		sl_registry_find_origin(r, SL_KIND_SERVICE_ENTRY, "ns", "a", SL_ORIGIN_FILE)->json,
		"file");
	SL_TEST_INT(
		sl_registry_del(r, SL_KIND_SERVICE_ENTRY, "ns", "a", SL_ORIGIN_SOCKET), SL_DELETED);
	SL_TEST_STR(sl_registry_find(r, SL_KIND_SERVICE_ENTRY, "ns", "a")->json, "file");
	RTE_TEST_ASSERT_NULL(
		sl_registry_find_origin(r, SL_KIND_SERVICE_ENTRY, "ns", "a", SL_ORIGIN_SOCKET),
		"the socket's object is still there");
	SL_TEST_INT(
		sl_registry_del(r, SL_KIND_SERVICE_ENTRY, "ns", "a", SL_ORIGIN_FILE), SL_DELETED);
	SL_TEST_INT(sl_registry_count(r), 0);
	sl_registry_free(r);
	return TEST_SUCCESS;
}

// An unchanged object keeps its address (others point to it) and takes the new place.
static int
test_unchanged_moves(void)
{
	struct sl_registry *r = sl_registry_new();
	struct sl_object *a = object("ns", "a", SL_ORIGIN_FILE, "1");
	struct sl_object *b = object("ns", "a", SL_ORIGIN_FILE, "1");
	const struct sl_loc at3 = {NULL, 3, 1}, at9 = {NULL, 9, 1};

	add_address(a, "192.0.2.1", 4);
	add_address(b, "192.0.2.1", 10);
	a->loc.line = 1;
	b->loc.line = 7;
	sl_object_note(a, NULL, NULL, true, "computed");
	sl_object_note(a, "p", &at3, false, "n");
	sl_object_note(b, "p", &at9, false, "n");
	sl_registry_put(r, a);
	SL_TEST_INT(sl_registry_put(r, b), SL_UNCHANGED);
	RTE_TEST_ASSERT(sl_registry_find(r, SL_KIND_SERVICE_ENTRY, "ns", "a") == a, "moved");
	SL_TEST_INT(a->loc.line, 7);
	SL_TEST_INT(a->se.addresses[0].loc.line, 10);
	RTE_TEST_ASSERT(a->se.addresses[0].loc.file == a->loc.file, "file of an address");
	SL_TEST_INT(a->n_notes, 2);
	SL_TEST_INT(a->notes[1].line, 9);
	SL_TEST_INT(a->generation, 1);
	sl_registry_free(r);
	return TEST_SUCCESS;
}

static int
test_iteration_is_sorted(void)
{
	static const char *const put[][2] = {
		{"b", "a"}, {"a", "z"}, {"a", "b"}, {"default", "x"}, {"a", "a"}};
	static const char *const want[] = {"a/a", "a/b", "a/z", "b/a", "default/x"};
	struct sl_registry *r = sl_registry_new();
	struct sl_object *obj;
	size_t it = 0, n = 0;

	for (size_t i = 0; i < SL_ARRAY_LEN(put); i++)
		sl_registry_put(r, object(put[i][0], put[i][1], SL_ORIGIN_FILE, "1"));
	while (sl_registry_next(r, &it, &obj)) {
		char text[32];

		snprintf(text, sizeof(text), "%s/%s", obj->meta.namespace_, obj->meta.name);
		RTE_TEST_ASSERT(n < SL_ARRAY_LEN(want), "too many");
		SL_TEST_STR(text, want[n++]);
	}
	SL_TEST_INT(n, SL_ARRAY_LEN(want));
	sl_registry_free(r);
	return TEST_SUCCESS;
}

// Against a plain array, through growth and deletion.
static int
test_random(void)
{
	enum { N = 3000, STEPS = 60000 };
	static int content[2][N]; // 0: not there
	struct sl_registry *r = sl_registry_new();
	uint64_t seed = sl_test_seed();
	size_t count = 0;

	memset(content, 0, sizeof(content));
	for (int s = 0; s < STEPS; s++) {
		const int i = sl_test_rand(&seed) % N;
		const enum sl_origin o = sl_test_rand(&seed) % 2;
		const int v = sl_test_rand(&seed) % 3; // 0: delete
		char name[16], text[16];
		const int had = content[o][i];
		enum sl_change want = SL_UNCHANGED, got;

		snprintf(name, sizeof(name), "n%d", i);
		snprintf(text, sizeof(text), "%d", v);
		if (v == 0) {
			want = had ? SL_DELETED : SL_UNCHANGED;
			got = sl_registry_del(r, SL_KIND_SERVICE_ENTRY, "ns", name, o);
		} else {
			if (had != v)
				want = had ? SL_CONFIGURED : SL_CREATED;
			got = sl_registry_put(r, object("ns", name, o, text));
		}
		SL_TEST_INT(got, want);
		content[o][i] = v;
	}
	for (int i = 0; i < N; i++) {
		char name[16], text[16];
		const int v = content[SL_ORIGIN_SOCKET][i] ? content[SL_ORIGIN_SOCKET][i]
							   : content[SL_ORIGIN_FILE][i];

		snprintf(name, sizeof(name), "n%d", i);
		snprintf(text, sizeof(text), "%d", v);
		const struct sl_object *obj =
			sl_registry_find(r, SL_KIND_SERVICE_ENTRY, "ns", name);

		RTE_TEST_ASSERT((obj != NULL) == (v != 0), "%s there: %d", name, obj != NULL);
		if (obj)
			SL_TEST_STR(obj->json, text);
		count += v != 0;
	}
	SL_TEST_INT(sl_registry_count(r), count);
	sl_registry_free(r);
	return TEST_SUCCESS;
}

// ---- parts of a ServiceEntry ----

static int
test_not_served(void)
{
	static const struct {
		const char *text;
		const char *address;  // why not as an address of the service; NULL: it is
		const char *endpoint; // why not as an endpoint
	} rows[] = {
		{"192.0.2.1", NULL, NULL},
		{"192.0.2.0/24", "a CIDR address", "an endpoint that is a name"},
		{"2001:db8::1", "an IPv6 address", "an IPv6 endpoint"},
		{"0.1.2.3", "an address in 0.0.0.0/8 names no host",
			"an address in 0.0.0.0/8 names no host"},
		{"127.0.0.1", "a loopback address is not reached through a gateway",
			"a loopback address is not reached through a gateway"},
		{"224.0.0.1", "a multicast address", "a multicast address"},
		{"255.255.255.255", "the broadcast address", "the broadcast address"},
		{"unix:///run/x", NULL, "an endpoint on a Unix socket"},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_object *obj = object("ns", "a", SL_ORIGIN_FILE, "1");
		const char *why;

		if (strncmp(rows[i].text, "unix", 4) != 0) {
			add_address(obj, rows[i].text, 1);
			why = sl_se_address_not_served(&obj->se.addresses[0]);
			SL_TEST_STR(why ? why : "", rows[i].address ? rows[i].address : "");
		}
		why = sl_se_endpoint_not_served(add_endpoint(obj, rows[i].text));
		SL_TEST_STR(why ? why : "", rows[i].endpoint ? rows[i].endpoint : "");
		sl_object_free(obj);
	}
	return TEST_SUCCESS;
}

static int
test_transport(void)
{
	static const struct {
		const char *protocol;
		int transport;
		bool http, tls, tcp;
	} rows[] = {
		{"", IPPROTO_TCP, false, false, false},
		{"TCP", IPPROTO_TCP, false, false, true},
		{"HTTP", IPPROTO_TCP, true, false, false},
		{"HTTP2", IPPROTO_TCP, true, false, false},
		{"HTTP_PROXY", IPPROTO_TCP, true, false, false},
		{"GRPC", IPPROTO_TCP, true, false, false},
		{"GRPC-WEB", IPPROTO_TCP, true, false, false},
		{"HTTPS", IPPROTO_TCP, false, true, true},
		{"TLS", IPPROTO_TCP, false, true, true},
		{"MONGO", IPPROTO_TCP, false, false, true},
		{"REDIS", IPPROTO_TCP, false, false, true},
		{"MYSQL", IPPROTO_TCP, false, false, true},
		{"UDP", IPPROTO_UDP, false, false, false},
		{"SCTP", 0, false, false, false},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const struct sl_se_port port = {.protocol = (char *)rows[i].protocol};

		printf("# %s\n", rows[i].protocol);
		SL_TEST_INT(sl_se_port_transport(&port), rows[i].transport);
		SL_TEST_INT(sl_protocol_is_http(rows[i].protocol), rows[i].http);
		SL_TEST_INT(sl_protocol_is_tls(rows[i].protocol), rows[i].tls);
		SL_TEST_INT(sl_protocol_is_tcp(rows[i].protocol), rows[i].tcp);
	}
	return TEST_SUCCESS;
}

// unix > endpoint's ports[name] > targetPort > number.
static int
test_endpoint_port(void)
{
	static const struct {
		const char *address;
		uint32_t by_name, target, want;
	} rows[] = {
		{"198.51.100.1", 0, 0, 80},
		{"198.51.100.1", 0, 8080, 8080},
		{"198.51.100.1", 9090, 8080, 9090},
		{"198.51.100.1", 9090, 0, 9090},
		{"unix:///run/x", 0, 8080, 0},
		{NULL, 9090, 0, 9090},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_object *obj = object("ns", "a", SL_ORIGIN_FILE, "1");
		struct sl_se_endpoint *ep = add_endpoint(obj, rows[i].address);

		add_port(obj, 80, "http", "TCP", rows[i].target);
		add_endpoint_port(ep, "other", 1);
		if (rows[i].by_name)
			add_endpoint_port(ep, "http", rows[i].by_name);
		SL_TEST_INT(sl_se_endpoint_port(ep, &obj->se.ports[0]), rows[i].want);
		sl_object_free(obj);
	}
	return TEST_SUCCESS;
}

static int
test_locality(void)
{
	static const struct {
		const char *field, *topology, *istio, *want;
	} rows[] = {
		{NULL, NULL, NULL, ""},
		{"r/z/s", "a.b.c", NULL, "r/z/s"},
		{"r.1/z", NULL, NULL, "r.1/z"},
		{NULL, "r1.z1.sz1", "x", "r1/z1/sz1"},
		{NULL, "r1/z.1", NULL, "r1/z.1"},
		{NULL, NULL, "r2.z2", "r2/z2"},
	};
	char buf[64];

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_object *obj = object("ns", "a", SL_ORIGIN_FILE, "1");
		struct sl_se_endpoint *ep = add_endpoint(obj, "198.51.100.1");

		ep->locality = sl_xstrdup(rows[i].field);
		if (rows[i].istio)
			add_label(ep, "istio-locality", rows[i].istio);
		if (rows[i].topology)
			add_label(ep, "topology.istio.io/locality", rows[i].topology);
		SL_TEST_STR(sl_se_endpoint_locality(ep, buf, sizeof(buf)), rows[i].want);
		sl_object_free(obj);
	}
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"kind_parse", test_kind_parse},
		{"notes", test_notes},
		{"put_find_del", test_put_find_del},
		{"shadowing", test_shadowing},
		{"unchanged_moves", test_unchanged_moves},
		{"iteration_is_sorted", test_iteration_is_sorted},
		{"random", test_random},
		{"not_served", test_not_served},
		{"transport", test_transport},
		{"endpoint_port", test_endpoint_port},
		{"locality", test_locality},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
