// The responder by itself, for dig and dnsperf: tests/smoke/dns_responder.sh, docs/performance.md.
//
//   dns_responder -l ADDRESS[@PORT]... [-L ADDRESS[@PORT]...] [-c CLIENT-PREFIX...]
//                 [-u SERVER[@PORT]...] [-f RESOLV.CONF] [-n HOSTS] [-r RATE] [-p PENDING]
//                 [-t TIMEOUT-MS] [-C CORE] [HOST=ADDRESS[,ADDRESS...]...]
//
// -n: so many hosts more, hN.bench.example with 240.240.x.y. SIGHUP: listens on the -L addresses
// from then on. SIGUSR1: publishes the table anew. SIGUSR2: prints the counters. Ends with SIGTERM.
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sl_dns_server.h"
#include "sl_str.h"

#define MAX_ADDRS 4096 // of a host
#define MAX_LIST  64
#define MAX_NAMED 256

struct options {
	struct sl_dns_server_cfg cfg;
	struct sl_dns_address listen[MAX_LIST], listen_later[MAX_LIST], upstream[MAX_LIST];
	struct sl_prefix client[MAX_LIST];
	uint32_t n_listen_later;
	uint32_t n_hosts;
	struct sl_dns_table_row named[MAX_NAMED];
	uint32_t n_named;
};

static void
die(const char *what, const char *about)
{
	fprintf(stderr, "dns_responder: %s: %s\n", what, about);
	exit(2);
}

static void
address_of(const char *text, struct sl_dns_address *list, uint32_t *n)
{
	char copy[SL_IP_STRLEN + 8];
	char *at;

	snprintf(copy, sizeof(copy), "%s", text);
	at = strchr(copy, '@');
	if (at)
		*at++ = '\0';
	if (*n == MAX_LIST || sl_ip_parse(copy, &list[*n].ip) != 0)
		die("no address", text);
	list[(*n)++].port = (uint16_t)(at ? strtoul(at, NULL, 10) : 53);
}

static void
host_of(char *text, struct options *o)
{
	struct sl_dns_table_row *row = &o->named[o->n_named];
	struct sl_ip *ip = sl_xcalloc(MAX_ADDRS, sizeof(*ip));
	char *list = strchr(text, '='), *rest = NULL;

	if (!list || o->n_named == MAX_NAMED)
		die("no HOST=ADDRESS", text);
	*list++ = '\0';
	*row = (struct sl_dns_table_row){.host = text, .clients = UINT64_MAX, .ip = ip};
	for (char *a = strtok_r(list, ",", &rest); a; a = strtok_r(NULL, ",", &rest))
		if (row->n == MAX_ADDRS || sl_ip_parse(a, &ip[row->n++]) != 0)
			die("no address", a);
	o->n_named++;
}

static void
read_options(int argc, char **argv, struct options *o)
{
	uint32_t n_listen = 0, n_upstream = 0, n_clients = 0;
	int c;

	o->cfg.core = -1;
	while ((c = getopt(argc, argv, "l:L:c:u:f:n:r:p:t:C:")) != -1) {
		const uint64_t number = optarg ? strtoull(optarg, NULL, 10) : 0;

		switch (c) {
		case 'l':
			address_of(optarg, o->listen, &n_listen);
			break;
		case 'L':
			address_of(optarg, o->listen_later, &o->n_listen_later);
			break;
		case 'u':
			address_of(optarg, o->upstream, &n_upstream);
			break;
		case 'c':
			if (n_clients == MAX_LIST ||
				sl_prefix_parse(optarg, &o->client[n_clients++]) != 0)
				die("no prefix", optarg);
			break;
		case 'f':
			o->cfg.resolv_conf = optarg;
			break;
		case 'n':
			o->n_hosts = (uint32_t)number;
			break;
		case 'r':
			o->cfg.rate = (uint32_t)number;
			break;
		case 'p':
			o->cfg.max_pending = (uint32_t)number;
			break;
		case 't':
			o->cfg.timeout_ns = number * SL_NSEC_PER_MSEC;
			break;
		case 'C':
			o->cfg.core = (int)number;
			break;
		default:
			exit(2);
		}
	}
	while (optind < argc)
		host_of(argv[optind++], o);
	o->cfg.listen = o->listen;
	o->cfg.n_listen = n_listen;
	o->cfg.upstream = o->upstream;
	o->cfg.n_upstream = n_upstream;
	o->cfg.client = o->client;
	o->cfg.n_clients = n_clients;
}

static struct sl_dns_table *
table_of(const struct options *o)
{
	const uint32_t n = o->n_hosts + o->n_named;
	struct sl_dns_table_row *row = sl_xcalloc(n, sizeof(*row));
	struct sl_ip *ip = sl_xcalloc(o->n_hosts, sizeof(*ip));
	char(*host)[32] = sl_xcalloc(o->n_hosts, sizeof(*host));
	struct sl_dns_table *table;

	for (uint32_t i = 0; i < o->n_hosts; i++) {
		snprintf(host[i], sizeof(*host), "h%u.bench.example", i);
		ip[i] = (struct sl_ip){
			.family = AF_INET, .v4 = sl_cpu_to_be32(0xf0f00000 + i % 65536)};
		row[i] = (struct sl_dns_table_row){
			.host = host[i], .clients = UINT64_MAX, .ip = &ip[i], .n = 1};
	}
	if (o->n_named)
		memcpy(row + o->n_hosts, o->named, o->n_named * sizeof(*row));
	table = sl_dns_table_new(&(struct sl_dns_table_cfg){.row = row, .n_rows = n, .ttl = 30});
	free(host);
	free(ip);
	free(row);
	return table;
}

static void
print_counters(const struct sl_dns_server *s)
{
	static const struct {
		const char *name;
		enum sl_dns_counter c;
	} shown[] = {{"queries", SL_DNS_C_CLIENT_QUERIES}, {"answered", SL_DNS_C_CLIENT_ANSWERED},
		{"forwarded", SL_DNS_C_CLIENT_FORWARDED}, {"failed", SL_DNS_C_CLIENT_FAILED},
		{"limited", SL_DNS_C_CLIENT_LIMITED}, {"full", SL_DNS_C_CLIENT_FULL},
		{"strangers", SL_DNS_C_CLIENT_STRANGERS}, {"bad", SL_DNS_C_CLIENT_BAD},
		{"truncated", SL_DNS_C_CLIENT_TRUNCATED}, {"misfits", SL_DNS_C_CLIENT_MISFITS},
		{"crowded", SL_DNS_C_CLIENT_CROWDED}, {"unsent", SL_DNS_C_CLIENT_UNSENT}};

	printf("counters");
	for (size_t i = 0; i < SL_ARRAY_LEN(shown); i++)
		printf(" %s=%llu", shown[i].name,
			(unsigned long long)sl_dns_server_counter(s, shown[i].c));
	printf("\n");
}

static void
listen_later(struct sl_dns_server *s, struct options *o)
{
	char *why = NULL;

	o->cfg.listen = o->listen_later;
	o->cfg.n_listen = o->n_listen_later;
	if (sl_dns_server_configure(s, &o->cfg, &why) != 0)
		printf("not configured: %s\n", why);
	else
		printf("configured\n");
	free(why);
}

int
main(int argc, char **argv)
{
	struct options o = {0};
	struct sl_log log;
	struct sl_dns_server *s;
	char *why = NULL;
	sigset_t signals;
	int sig = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sl_log_init(&log, STDERR_FILENO, SL_LOG_TEXT, SL_LOG_INFO);
	o.cfg.log = &log;
	read_options(argc, argv, &o);
	sigemptyset(&signals);
	for (size_t i = 0; i < 5; i++)
		sigaddset(&signals, (const int[]){SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}[i]);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	s = sl_dns_server_new(&o.cfg, &why);
	if (!s)
		die("not started", why);
	sl_dns_server_publish(s, table_of(&o));
	printf("ready\n");
	while (sig != SIGTERM && sig != SIGINT) {
		sigwait(&signals, &sig);
		if (sig == SIGUSR1)
			sl_dns_server_publish(s, table_of(&o));
		else if (sig == SIGUSR2)
			print_counters(s);
		else if (sig == SIGHUP)
			listen_later(s, &o);
	}
	print_counters(s);
	sl_dns_server_free(s);
	for (uint32_t i = 0; i < o.n_named; i++)
		free((void *)o.named[i].ip);
	return 0;
}
