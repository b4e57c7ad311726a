#include "test_conf.h"

static const char full[] =
	"node: {name: egress-1}\n"
	"ports:\n"
	"- name: lan\n"
	"  device: net_af_xdp0,iface=veth0\n"
	"  profile: net_af_xdp\n"
	"  mac: 02:00:00:00:00:01\n"
	"  mtu: 9000\n"
	"  rxQueues: 2\n"
	"  descriptors: 1024\n"
	"  addresses: [192.0.2.1/24]\n"
	"  routes:\n"
	"  - {to: 0.0.0.0/0, via: 192.0.2.254, metric: 100}\n"
	"  - {to: 203.0.113.0/24}\n"
	"  neighbours: [{address: 192.0.2.9, mac: 02:00:00:00:00:09}]\n"
	"workers: {count: 2, cores: [2, 0x3], controlCore: 0, idle: poll, maxSleep: 1ms}\n"
	"memory: {hugepages: never, size: 2Gi, buffers: 65536}\n"
	"flows:\n"
	"  max: 4096\n"
	"  maxEndpoints: 2048\n"
	"  maxHalfOpen: 10\n"
	"  maxUnanswered: 100\n"
	"  newPerSource: {rate: 1000, burst: 1}\n"
	"  timeouts: {handshake: 10s, established: 1h30m, closing: 20s, reset: 1s, udp: 45s}\n"
	"pool:\n"
	"  addresses: [198.51.100.10, 198.51.100.16/29]\n"
	"  ports: {first: 2000, last: 3000, reserved: [2222, 2223]}\n"
	"outboundPolicy: {mode: REGISTRY_ONLY, deny: silent, replyRate: 5}\n"
	"control: {socket: /tmp/s, owner: root, group: sluice, mode: \"0600\"}\n"
	"resources: [/etc/a, b]\n"
	"stateDir: /tmp/state\n"
	"log: {level: debug, format: json}\n"
	"nextHop: {holdPackets: 0, holdTime: 1s}\n";

static const char minimal[] =
	"ports: [{name: lan, device: net_null0}]\npool: {addresses: [198.51.100.10]}\n";

static struct sl_conf *
read_ok(const char *text, const char *file)
{
	struct sl_diags diags = {0};
	struct sl_conf *conf = sl_conf_read_text(text, strlen(text), file, &diags);

	if (!conf)
		printf("# %s\n", first_diag(&diags));
	sl_diags_fini(&diags);
	return conf;
}

static int
check_port(const struct sl_conf_port *p)
{
	char text[SL_PREFIX_STRLEN];

	SL_TEST_STR(p->name, "lan");
	SL_TEST_STR(p->device, "net_af_xdp0,iface=veth0");
	SL_TEST_STR(p->profile, "net_af_xdp");
	SL_TEST_INT(p->has_mac, true);
	SL_TEST_STR(sl_mac_str(&p->mac, text), "02:00:00:00:00:01");
	SL_TEST_INT(p->mtu, 9000);
	SL_TEST_INT(p->rx_queues, 2);
	SL_TEST_INT(p->descriptors, 1024);
	SL_TEST_INT(p->n_addresses, 1);
	SL_TEST_STR(sl_prefix_str(&p->addresses[0], text), "192.0.2.1/24");
	SL_TEST_INT(p->n_routes, 2);
	SL_TEST_STR(sl_prefix_str(&p->routes[0].to, text), "0.0.0.0/0");
	SL_TEST_STR(sl_ip_str(&p->routes[0].via, text), "192.0.2.254");
	SL_TEST_INT(p->routes[0].metric, 100);
	SL_TEST_INT(p->routes[1].via.family, 0);
	SL_TEST_INT(p->routes[1].loc.line, 13);
	SL_TEST_INT(p->n_neighbours, 1);
	SL_TEST_STR(sl_mac_str(&p->neighbours[0].mac, text), "02:00:00:00:00:09");
	SL_TEST_INT(p->loc.line, 3);
	SL_TEST_INT(p->loc.col, 3);
	return TEST_SUCCESS;
}

int
test_values(void)
{
	struct sl_conf *c = read_ok(full, "/etc/sluice/sluice.yaml");
	char text[SL_PREFIX_STRLEN];

	RTE_TEST_ASSERT_NOT_NULL(c, "not read");
	SL_TEST_STR(c->node_name, "egress-1");
	SL_TEST_INT(c->n_ports, 1);
	RTE_TEST_ASSERT_SUCCESS(check_port(&c->ports[0]), "port");
	SL_TEST_INT(c->n_workers, 2);
	SL_TEST_INT(c->n_worker_cores, 2);
	SL_TEST_INT(c->worker_cores[1], 3);
	SL_TEST_INT(c->control_core, 0);
	SL_TEST_INT(c->idle, SL_IDLE_POLL);
	SL_TEST_INT(c->idle_max_sleep_us, 1000);
	SL_TEST_INT(c->memory, SL_MEMORY_NONE);
	SL_TEST_INT(c->memory_mb, 2048);
	SL_TEST_INT(c->mbufs, 65536);
	SL_TEST_INT(c->max_flows, 4096);
	SL_TEST_INT(c->max_endpoints, 2048);
	SL_TEST_INT(c->max_half_open, 10);
	SL_TEST_INT(c->max_unanswered, 100);
	SL_TEST_INT(c->source_rate, 1000);
	SL_TEST_INT(c->source_burst, 1);
	SL_TEST_INT(c->timeout_syn_ns, 10 * SL_NSEC_PER_SEC);
	SL_TEST_INT(c->timeout_established_ns, 5400 * SL_NSEC_PER_SEC);
	SL_TEST_INT(c->timeout_closing_ns, 20 * SL_NSEC_PER_SEC);
	SL_TEST_INT(c->timeout_reset_ns, SL_NSEC_PER_SEC);
	SL_TEST_INT(c->timeout_udp_ns, 45 * SL_NSEC_PER_SEC);
	SL_TEST_INT(c->n_pool, 2);
	SL_TEST_STR(sl_prefix_str(&c->pool[1], text), "198.51.100.16/29");
	SL_TEST_INT(c->pool_port_first, 2000);
	SL_TEST_INT(c->pool_port_last, 3000);
	SL_TEST_INT(c->n_pool_reserved, 2);
	SL_TEST_INT(c->pool_reserved[1], 2223);
	SL_TEST_INT(c->deny_silent, true);
	SL_TEST_INT(c->reply_rate, 5);
	SL_TEST_STR(c->socket_path, "/tmp/s");
	SL_TEST_STR(c->socket_owner, "root");
	SL_TEST_STR(c->socket_group, "sluice");
	SL_TEST_INT(c->socket_mode, 0600);
	SL_TEST_INT(c->n_resources, 2);
	SL_TEST_STR(c->log_level, "debug");
	SL_TEST_STR(c->log_format, "json");
	SL_TEST_INT(c->hold_packets, 0);
	SL_TEST_INT(c->hold_ns, SL_NSEC_PER_SEC);
	sl_conf_free(c);
	return TEST_SUCCESS;
}

// The defaults that sl_conf.h and the issue promise.
int
test_defaults(void)
{
	struct sl_conf *c = read_ok(minimal, "sluice.yaml");

	RTE_TEST_ASSERT_NOT_NULL(c, "not read");
	RTE_TEST_ASSERT_NULL(c->node_name, "node name");
	SL_TEST_INT(c->n_workers, 1);
	SL_TEST_INT(c->control_core, -1);
	SL_TEST_INT(c->idle, SL_IDLE_ADAPTIVE);
	SL_TEST_INT(c->idle_max_sleep_us, 100);
	SL_TEST_INT(c->memory, SL_MEMORY_AUTO);
	SL_TEST_INT(c->memory_mb, 0);
	SL_TEST_INT(c->max_flows, 262144);
	SL_TEST_INT(c->max_endpoints, 262144);
	SL_TEST_INT(c->handshakes, 8192);
	SL_TEST_INT(c->max_half_open, 25);
	SL_TEST_INT(c->max_unanswered, 50);
	SL_TEST_INT(c->source_rate, 0);
	SL_TEST_INT(c->source_burst, 0);
	SL_TEST_STR(c->node_namespace, "default");
	SL_TEST_STR(c->root_namespace, "istio-system");
	SL_TEST_INT(c->connect_timeout_ns, 10 * SL_NSEC_PER_SEC);
	SL_TEST_INT(c->locality.given, false);
	SL_TEST_INT(c->n_groups, 1);
	SL_TEST_INT(c->n_group_prefixes, 0);
	RTE_TEST_ASSERT_NULL(c->groups[0].locality, "locality");
	SL_TEST_INT(c->timeout_syn_ns, 30 * SL_NSEC_PER_SEC);
	SL_TEST_INT(c->timeout_established_ns, 3600 * SL_NSEC_PER_SEC);
	SL_TEST_INT(c->timeout_udp_ns, 60 * SL_NSEC_PER_SEC);
	SL_TEST_INT(c->pool_port_first, 1024);
	SL_TEST_INT(c->pool_port_last, 65535);
	SL_TEST_INT(c->deny_silent, false);
	SL_TEST_INT(c->reply_rate, 1000);
	SL_TEST_STR(c->socket_path, "/run/sluice/control.sock");
	SL_TEST_INT(c->socket_mode, 0660);
	RTE_TEST_ASSERT_NULL(c->socket_group, "group");
	SL_TEST_STR(c->state_dir, "/var/lib/sluice");
	SL_TEST_STR(c->log_level, "notice");
	SL_TEST_STR(c->log_format, "auto");
	SL_TEST_INT(c->hold_packets, 256);
	SL_TEST_INT(c->hold_ns, 3 * SL_NSEC_PER_SEC);
	SL_TEST_INT(c->ports[0].has_mac, false);
	SL_TEST_INT(c->ports[0].mtu, 0);
	sl_conf_free(c);
	return TEST_SUCCESS;
}

// The defaults that struct sl_conf_dns promises, whether `dns` is there or not.
int
test_dns(void)
{
	static const char *const texts[] = {"", "dns: {}\n", "dns:\n",
		"dns: {responder: {}, virtualIPs: {}, refresh: {}, retry: {}}\n"};
	char ip[SL_PREFIX_STRLEN];

	for (size_t i = 0; i < SL_ARRAY_LEN(texts); i++) {
		char *text = sl_xasprintf("%s%s", minimal, texts[i]);
		struct sl_conf *c = read_ok(text, "sluice.yaml");
		const struct sl_conf_dns *d = c ? &c->dns : NULL;

		RTE_TEST_ASSERT_NOT_NULL(c, "not read: %s", texts[i]);
		SL_TEST_INT(d->n_servers + d->n_listen + d->n_upstreams + d->n_search +
				    d->n_responder_clients,
			0);
		SL_TEST_STR(d->resolv_conf, "/etc/resolv.conf");
		RTE_TEST_ASSERT_NULL(d->hosts_file, "hosts file");
		SL_TEST_INT(d->timeout_ns, 2 * SL_NSEC_PER_SEC);
		SL_TEST_INT(d->names.families, SL_NAME_V4);
		SL_TEST_INT(d->names.strict, false);
		SL_TEST_INT(d->names.refresh_min_ns, SL_NSEC_PER_SEC);
		SL_TEST_INT(d->names.refresh_max_ns, 300 * SL_NSEC_PER_SEC);
		SL_TEST_INT(d->names.max_stale_ns, 3600 * SL_NSEC_PER_SEC);
		SL_TEST_INT(d->retry_min_ns, SL_NSEC_PER_SEC);
		SL_TEST_INT(d->retry_max_ns, 30 * SL_NSEC_PER_SEC);
		SL_TEST_INT(d->confirm_ns, 2 * SL_NSEC_PER_SEC);
		SL_TEST_INT(d->refuse_private, false);
		SL_TEST_INT(d->ready_ns, 5 * SL_NSEC_PER_SEC);
		SL_TEST_INT(d->auto_vips, true);
		SL_TEST_STR(sl_prefix_str(&d->auto_vip4, ip), "240.240.0.0/16");
		SL_TEST_STR(sl_prefix_str(&d->auto_vip6, ip), "2001:2::/48");
		SL_TEST_INT(d->ttl_ns, 30 * SL_NSEC_PER_SEC);
		SL_TEST_INT(d->rate, 2000);
		SL_TEST_INT(d->max_pending, 4096);
		SL_TEST_INT(d->answer_ipv6, false);
		sl_conf_free(c);
		free(text);
	}
	return TEST_SUCCESS;
}

// Addresses with and without a port; paths start from the file's folder; all of it reloads live.
int
test_dns_addresses(void)
{
	static const char dns[] = "dns:\n"
				  "  servers: [192.0.2.53, \"192.0.2.54:5353\", \"2001:db8::53\","
				  " \"[2001:db8::54]\", \"[2001:db8::55]:5353\"]\n"
				  "  hostsFile: hosts\n"
				  "  families: both\n"
				  "  privateAddresses: refuse\n"
				  "  responder: {searchDomains: [Svc.Example.COM.]}\n";
	static const struct {
		const char *ip;
		uint16_t port;
	} want[] = {{"192.0.2.53", 53}, {"192.0.2.54", 5353}, {"2001:db8::53", 53},
		{"2001:db8::54", 53}, {"2001:db8::55", 5353}};
	char *text = sl_xasprintf("%s%s", minimal, dns), ip[SL_IP_STRLEN];
	struct sl_conf *c = read_ok(text, "/etc/x/sluice.yaml");
	struct sl_conf *plain = read_ok(minimal, "/etc/x/sluice.yaml");
	struct sl_diags diags = {0};

	RTE_TEST_ASSERT(c && plain, "not read");
	SL_TEST_INT(c->dns.n_servers, SL_ARRAY_LEN(want));
	for (size_t i = 0; i < SL_ARRAY_LEN(want); i++) {
		SL_TEST_STR(sl_ip_str(&c->dns.servers[i].ip, ip), want[i].ip);
		SL_TEST_INT(c->dns.servers[i].port, want[i].port);
		SL_TEST_INT(c->dns.servers[i].loc.line, 4);
	}
	SL_TEST_STR(c->dns.hosts_file, "/etc/x/hosts");
	SL_TEST_INT(c->dns.names.families, SL_NAME_V4 | SL_NAME_V6);
	SL_TEST_INT(c->dns.refuse_private, true);
	SL_TEST_INT(c->dns.n_search, 1);
	SL_TEST_STR(c->dns.search[0], "svc.example.com");
	SL_TEST_INT(sl_conf_restart_needed(plain, c, &diags), 0);
	sl_conf_free(c);
	sl_conf_free(plain);
	free(text);
	return TEST_SUCCESS;
}

// Entries that say the same are one group, and the longest CIDR is told beside the others.
int
test_client_groups(void)
{
	static const char clients[] =
		"node: {labels: {app: gw, tier: a}, locality: r1/z1, network: n1}\n"
		"clients:\n"
		"- {cidrs: [203.0.113.0/24], namespace: shop}\n"
		"- {cidrs: [203.0.113.64/26, 192.0.2.7/32], namespace: shop, labels: {}}\n"
		"- {cidrs: [203.0.113.128/25], labels: {tier: a, app: gw}}\n"
		"- {cidrs: [192.0.2.0/24], namespace: shop, locality: r1/z2}\n"
		"- {cidrs: [192.0.2.9/32], labels: {tier: b, app: gw}}\n";
	static const struct {
		const char *prefix;
		uint32_t group;
	} want[] = {
		{"192.0.2.0/24", 2},
		{"192.0.2.7/32", 1},
		{"192.0.2.9/32", 3},
		{"203.0.113.0/24", 1},
		{"203.0.113.64/26", 1},
		{"203.0.113.128/25", 0},
	};
	char text[1024], prefix[SL_PREFIX_STRLEN];

	snprintf(text, sizeof(text), "%s%s", minimal, clients);
	struct sl_conf *c = read_ok(text, "sluice.yaml");

	RTE_TEST_ASSERT_NOT_NULL(c, "not read");
	SL_TEST_INT(c->n_groups, 4);
	SL_TEST_STR(c->groups[0].namespace_, "default");
	SL_TEST_STR(c->groups[0].network, "n1");
	SL_TEST_STR(c->groups[1].namespace_, "shop");
	SL_TEST_INT(c->groups[1].n_labels, 0);
	SL_TEST_STR(c->groups[1].locality, "r1/z1");
	SL_TEST_STR(c->groups[1].network, "n1");
	SL_TEST_STR(c->groups[2].locality, "r1/z2");
	SL_TEST_STR(c->groups[3].namespace_, "default");
	SL_TEST_INT(c->n_group_prefixes, SL_ARRAY_LEN(want));
	for (size_t i = 0; i < SL_ARRAY_LEN(want); i++) {
		SL_TEST_STR(sl_prefix_str(&c->group_prefixes[i].prefix, prefix), want[i].prefix);
		SL_TEST_INT(c->group_prefixes[i].group, want[i].group);
	}
	sl_conf_free(c);
	return TEST_SUCCESS;
}

int
test_paths_are_relative_to_the_file(void)
{
	static const struct {
		const char *file, *want;
	} rows[] = {
		{"/etc/sluice/sluice.yaml", "/etc/sluice/objects"},
		{"/sluice.yaml", "//objects"},
		{"conf/sluice.yaml", "conf/objects"},
		{"sluice.yaml", "./objects"},
	};
	char text[256];

	snprintf(text, sizeof(text), "%sresources: [objects, /abs]\nstateDir: state\n", minimal);
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_conf *c = read_ok(text, rows[i].file);

		RTE_TEST_ASSERT_NOT_NULL(c, "not read");
		SL_TEST_STR(c->resources[0], rows[i].want);
		SL_TEST_STR(c->resources[1], "/abs");
		SL_TEST_STR(c->socket_path, "/run/sluice/control.sock");
		sl_conf_free(c);
	}
	return TEST_SUCCESS;
}

int
test_places(void)
{
	struct sl_conf *c = read_ok(full, "sluice.yaml");

	RTE_TEST_ASSERT_NOT_NULL(c, "not read");
	for (uint32_t i = 0; i < c->n_places; i++) {
		if (strcmp(c->places[i].path, "flows.timeouts.udp") != 0)
			continue;
		SL_TEST_INT(c->places[i].line, 23);
		SL_TEST_INT(c->places[i].col, 80);
		sl_conf_free(c);
		return TEST_SUCCESS;
	}
	RTE_TEST_ASSERT(false, "flows.timeouts.udp has no place");
}

int
test_invalid_gives_nothing(void)
{
	static const char *const texts[] = {"", "a", "[]", "ports: 1", "ports:\n- {}\n"};

	for (size_t i = 0; i < SL_ARRAY_LEN(texts); i++) {
		struct sl_diags diags = {0};

		RTE_TEST_ASSERT_NULL(
			sl_conf_read_text(texts[i], strlen(texts[i]), "f", &diags), "%s", texts[i]);
		RTE_TEST_ASSERT(diags.errors > 0, "%s: no diagnostic", texts[i]);
		sl_diags_fini(&diags);
	}
	return TEST_SUCCESS;
}

// full with one text in place of another; counts what needs a restart and looks at the first.
static int
restart(const char *old_text, const char *new_text, size_t want, const char *want_path)
{
	struct sl_buf changed = {0};
	struct sl_diags diags = {0};
	const char *at = strstr(full, old_text);
	struct sl_conf *a, *b;

	RTE_TEST_ASSERT_NOT_NULL(at, "%s is not in the text", old_text);
	sl_buf_put(&changed, full, (size_t)(at - full));
	sl_buf_puts(&changed, new_text);
	sl_buf_puts(&changed, at + strlen(old_text));
	a = read_ok(full, "old.yaml");
	b = read_ok(changed.data, "new.yaml");
	RTE_TEST_ASSERT(a && b, "not read");
	SL_TEST_INT(sl_conf_restart_needed(a, b, &diags), want);
	SL_TEST_INT(diags.n, want);
	SL_TEST_INT(diags.warnings, want);
	if (want_path) {
		SL_TEST_STR(diags.v[0].path, want_path);
		SL_TEST_STR(diags.v[0].file, "new.yaml");
		RTE_TEST_ASSERT(diags.v[0].line > 0, "no line");
	}
	sl_diags_fini(&diags);
	sl_buf_fini(&changed);
	sl_conf_free(a);
	sl_conf_free(b);
	return TEST_SUCCESS;
}

int
test_restart_needed(void)
{
	static const struct {
		const char *old_text, *new_text;
		size_t want;
		const char *path;
	} rows[] = {
		{"metric: 100", "metric: 100", 0, NULL},
		{"metric: 100", "metric: 10", 0, NULL},
		{"192.0.2.1/24", "192.0.2.2/24", 0, NULL},
		{"udp: 45s", "udp: 46s", 0, NULL},
		{"deny: silent", "deny: reject", 0, NULL},
		{"level: debug", "level: info", 0, NULL},
		{"[/etc/a, b]", "[/etc/a]", 0, NULL},
		{"max: 4096", "max: 8192", 1, "flows.max"},
		{"mtu: 9000", "mtu: 1500", 1, "ports[0].mtu"},
		{"  mtu: 9000\n", "", 1, "ports[0].mtu"},
		{"  mac: 02:00:00:00:00:01\n", "", 1, "ports[0].mac"},
		{"name: lan", "name: wan", 1, "ports[0].name"},
		{"workers:", "- {name: b, device: net_null1}\nworkers:", 1, "ports"},
		{"cores: [2, 0x3]", "cores: [2, 4]", 1, "workers.cores"},
		{"198.51.100.16/29", "198.51.100.16/30", 1, "pool.addresses"},
		{"idle: poll, maxSleep: 1ms", "idle: adaptive", 2, "workers.idle"},
		{"socket: /tmp/s,", "", 1, "control.socket"},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++)
		RTE_TEST_ASSERT_SUCCESS(
			restart(rows[i].old_text, rows[i].new_text, rows[i].want, rows[i].path),
			"\"%s\" to \"%s\"", rows[i].old_text, rows[i].new_text);
	return TEST_SUCCESS;
}

// What waits for a restart keeps its old value, what does not takes its new one, and the next
// reload says again what waits.
int
test_keep(void)
{
	struct sl_conf *a = read_ok(full, "old.yaml");
	struct sl_conf *b = read_ok("ports:\n- {name: lan, device: net_null0, mtu: 1500,"
				    " addresses: [192.0.2.7/24]}\n"
				    "- {name: wan, device: net_null1}\n"
				    "pool: {addresses: [198.51.100.99]}\n"
				    "flows: {max: 8192, timeouts: {udp: 5s}}\n"
				    "outboundPolicy: {deny: reject}\n",
		"new.yaml");
	struct sl_diags diags = {0};
	size_t waiting;

	RTE_TEST_ASSERT(a && b, "not read");
	waiting = sl_conf_restart_needed(a, b, &diags);
	RTE_TEST_ASSERT(waiting > 0, "nothing waits");
	sl_conf_keep(b, a);
	SL_TEST_INT(b->max_flows, 4096);
	SL_TEST_INT(a->max_flows, 8192);
	SL_TEST_INT(b->timeout_udp_ns, 5 * SL_NSEC_PER_SEC);
	SL_TEST_INT(b->deny_silent, false);
	SL_TEST_INT(b->n_pool, 2);
	SL_TEST_STR(b->socket_path, "/tmp/s");
	SL_TEST_INT(b->n_ports, 1);
	RTE_TEST_ASSERT_SUCCESS(check_port(&b->ports[0]), "port");
	RTE_TEST_ASSERT(b->ports[0].loc.file == b->file, "whose file name?");
	RTE_TEST_ASSERT(b->ports[0].routes[1].loc.file == b->file, "whose file name?");
	SL_TEST_INT(a->n_ports, 2);
	SL_TEST_INT(sl_conf_restart_needed(b, a, &diags), waiting);
	sl_conf_keep(b, b);
	SL_TEST_INT(b->max_flows, 4096);
	sl_diags_fini(&diags);
	sl_conf_free(a);
	sl_conf_free(b);
	return TEST_SUCCESS;
}

// A live change of a port is taken as long as nothing else of the ports waits.
int
test_keep_live_ports(void)
{
	static const char changed[] =
		"ports: [{name: lan, device: net_null0, addresses: [192.0.2.7/24]}]\n"
		"pool: {addresses: [198.51.100.10]}\n";
	struct sl_conf *a = read_ok(minimal, "old.yaml"), *b = read_ok(changed, "new.yaml");

	RTE_TEST_ASSERT(a && b, "not read");
	sl_conf_keep(b, a);
	SL_TEST_INT(b->ports[0].n_addresses, 1);
	SL_TEST_INT(a->ports[0].n_addresses, 0);
	sl_conf_free(a);
	sl_conf_free(b);
	return TEST_SUCCESS;
}

// Every rule is in the reference, and no row of it is without help.
int
test_docs(void)
{
	struct sl_buf config = {0}, objects = {0};
	size_t n;
	const struct sl_conf_rule *rule = sl_conf_rules(&n);

	sl_conf_docs_config(&config);
	sl_conf_docs_objects(&objects);
	for (size_t i = 0; i < n; i++)
		RTE_TEST_ASSERT_NOT_NULL(strstr(objects.data, rule[i].text), "%s", rule[i].id);
	RTE_TEST_ASSERT_NOT_NULL(strstr(config.data, "| `ports[].routes[].via` |"), "via");
	RTE_TEST_ASSERT_NULL(strstr(config.data, "(null)"), "a row without help");
	RTE_TEST_ASSERT_NULL(strstr(objects.data, "(null)"), "a row without help");
	sl_buf_fini(&config);
	sl_buf_fini(&objects);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"values", test_values},
		{"defaults", test_defaults},
		{"dns", test_dns},
		{"dns addresses", test_dns_addresses},
		{"client groups", test_client_groups},
		{"paths_are_relative_to_the_file", test_paths_are_relative_to_the_file},
		{"places", test_places},
		{"invalid_gives_nothing", test_invalid_gives_nothing},
		{"restart_needed", test_restart_needed},
		{"keep", test_keep},
		{"keep_live_ports", test_keep_live_ports},
		{"docs", test_docs},
		{"service_entry", test_service_entry},
		{"json_is_canonical", test_json_is_canonical},
		{"json_leaves_noise_out", test_json_leaves_noise_out},
		{"hash_follows_content", test_hash_follows_content},
		{"json_to_yaml", test_json_to_yaml},
		{"json_to_yaml_refuses", test_json_to_yaml_refuses},
		{"notes", test_notes},
		{"bad_object_leaves_good_ones", test_bad_object_leaves_good_ones},
		{"same_name_in_two_files", test_same_name_in_two_files},
		{"folder", test_folder},
		{"unreadable_path", test_unreadable_path},
		{"creation_is_utc", test_creation_is_utc},
		{"limits", test_limits},
		{"many_keys", test_many_keys},
		{"names", test_names},
		{"names by any rules", test_names_by_any_rules},
		{"status addresses", test_status_addresses},
		{"destination_rule", test_destination_rule},
		{"load_balancer", test_load_balancer},
		{"destination_rule_json", test_destination_rule_json},
		{"destination_rule_is_linear", test_destination_rule_is_linear},
		{"virtual_service", test_virtual_service},
		{"gateway", test_gateway},
		{"regex", test_regex},
		{"text_set", test_text_set},
		{"routes_are_linear", test_routes_are_linear},
		{"direct_response_body", test_direct_response_body},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
