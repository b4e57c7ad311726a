// The rows of `dns` in sluice.yaml: how names are resolved, virtual IPs, and the responder.
#include "name_rows.h"
#include "names.h"
#include "rows.h"

#define AT(member) offsetof(struct sl_conf, dns.member)

#define MS SL_NSEC_PER_MSEC
#define S  SL_NSEC_PER_SEC
#define H  (3600 * S)

static const struct field refresh_rows[] = {
	{.key = "min",
		NAME_REFRESH,
		.at = AT(names.refresh_min_ns),
		.def = "1s",
		.help = "A name is not asked for more often, whatever its TTL."},
	{.key = "max",
		NAME_REFRESH,
		.at = AT(names.refresh_max_ns),
		.def = "5m",
		.help = "A name is asked for again after that time at the latest, whatever its "
			"TTL."},
};
static const struct schema refresh_schema = {"refresh", FIELDS(refresh_rows), .loc_at = NO_AT};

static const struct field retry_rows[] = {
	{.key = "min",
		.type = T_DURATION,
		.at = AT(retry_min_ns),
		.min = 10 * MS,
		.max = H,
		.def = "1s",
		.help = "Wait after a first failure; each further one doubles it."},
	{.key = "max",
		.type = T_DURATION,
		.at = AT(retry_max_ns),
		.min = 10 * MS,
		.max = H,
		.def = "30s",
		.help = "Longest wait."},
};
static const struct schema retry_schema = {"retry", FIELDS(retry_rows), .loc_at = NO_AT};

static const struct field vip_rows[] = {
	{.key = "enabled",
		.type = T_BOOL,
		.at = AT(auto_vips),
		.def = "true",
		.help = "Hosts of ServiceEntries without `addresses` get a virtual IP."},
	{.key = "ipv4",
		.type = T_PREFIX,
		.at = AT(auto_vip4),
		.def = "240.240.0.0/16",
		.help = "Range of IPv4 ones, at least a /24 without host bits. Clients need a "
			"route for it to this gateway."},
	{.key = "ipv6",
		.type = T_PREFIX,
		.at = AT(auto_vip6),
		.def = "2001:2::/48",
		.help = "Range of IPv6 ones, at least a /96.",
		.here = "They are given and shown; packets to them are not carried yet."},
};
static const struct schema vip_schema = {"virtualIPs", FIELDS(vip_rows), .loc_at = NO_AT};

static const struct field responder_rows[] = {
	{.key = "listen",
		.type = T_SERVER,
		.flags = F_LIST,
		.at = AT(listen),
		.count_at = AT(n_listen),
		.max_items = 16,
		.def_text = "none: clients are not answered",
		.help = "Addresses of this gateway, with a port or at 53, where clients ask over "
			"UDP and TCP."},
	{.key = "clients",
		.type = T_PREFIX,
		.flags = F_LIST,
		.at = AT(responder_clients),
		.count_at = AT(n_responder_clients),
		.max_items = 4096,
		.def_text = "the CIDRs of `clients`",
		.help = "Who is answered: CIDRs without host bits. Others get no answer at all."},
	{.key = "upstreams",
		.type = T_SERVER,
		.flags = F_LIST,
		.at = AT(upstreams),
		.count_at = AT(n_upstreams),
		.max_items = 16,
		.def_text = "`dns.servers`",
		.help = "Servers that questions for other names are forwarded to."},
	{.key = "searchDomains",
		.type = T_STRING,
		.flags = F_LIST | F_NAME,
		.at = AT(search),
		.count_at = AT(n_search),
		.max_items = 32,
		.max = 253,
		.check = check_fqdn,
		.help = "Search domains of the clients: a host with the first one behind it is "
			"known too, as an alias (CNAME) of the host."},
	{.key = "ttl",
		.type = T_DURATION,
		.flags = F_SECONDS,
		.at = AT(ttl_ns),
		.min = S,
		.max = H,
		.def = "30s",
		.help = "TTL of answers with addresses."},
	{.key = "rate",
		.type = T_NUMBER,
		.at = AT(rate),
		.max = 10000000,
		.def = "2000",
		.help = "Queries per second of one client address, four times as many of an IPv6 "
			"/64; the rest is dropped. 0 sets no limit."},
	{.key = "maxPending",
		.type = T_NUMBER,
		.at = AT(max_pending),
		.min = 1,
		.max = 65535,
		.def = "4096",
		.help = "Forwarded queries that wait for servers, of all clients, a quarter of one "
			"client; one more gets SERVFAIL."},
	{.key = "answerIPv6",
		.type = T_BOOL,
		.at = AT(answer_ipv6),
		.def = "false",
		.help = "AAAA answers hold the IPv6 virtual IP. Without, they are empty, and "
			"clients take the IPv4 one.",
		.here = "For clients whose IPv6 goes another way: packets to IPv6 addresses are "
			"not carried yet."},
};
static const struct schema responder_schema = {
	"responder", FIELDS(responder_rows), .loc_at = NO_AT};

static const char *const private_names[] = {"accept", "refuse", NULL};

static const struct field dns_rows[] = {
	{.key = "servers",
		.type = T_SERVER,
		.flags = F_LIST,
		.at = AT(servers),
		.count_at = AT(n_servers),
		.max_items = 16,
		.def_text = "those of `resolvConf`",
		.help = "DNS servers, with a port or at 53. The one that does best is asked "
			"first."},
	{.key = "resolvConf",
		.type = T_PATH,
		.at = AT(resolv_conf),
		.min = 1,
		.max = 4095,
		.def = "/etc/resolv.conf",
		.help = "File that names the servers where `servers` does not; followed when it "
			"changes."},
	{.key = "hostsFile",
		.type = T_PATH,
		.at = AT(hosts_file),
		.min = 1,
		.max = 4095,
		.def_text = "none",
		.help = "File of names and addresses in the format of `/etc/hosts` that comes "
			"before the servers; followed when it changes."},
	{.key = "timeout",
		.type = T_DURATION,
		.at = AT(timeout_ns),
		.min = 50 * MS,
		.max = 60 * S,
		.def = "2s",
		.help = "Time that a server has to answer before another one is asked as well. "
			"For a client's question that is forwarded: before another one is asked "
			"instead, all of them together have twice that."},
	{.key = "families",
		NAME_FAMILIES,
		.at = AT(names.families),
		.def = "ipv4",
		.help = "Addresses that are asked for: A, AAAA, or both.",
		.here = "Packets to IPv6 endpoints are not carried yet."},
	{.key = "strict",
		.type = T_BOOL,
		.at = AT(names.strict),
		.def = "false",
		.help = "As Envoy: an empty answer counts at once, and the last good one is kept "
			"through failures without an end."},
	{.key = "refresh",
		.type = T_OBJECT,
		.sub = &refresh_schema,
		.help = "Bounds of the time between two questions for a name, which is its TTL "
			"otherwise."},
	{.key = "maxStale",
		NAME_STALE,
		.at = AT(names.max_stale_ns),
		.def = "1h",
		.help = "How long past its TTL the last good answer is used while servers fail."},
	{.key = "retry",
		.type = T_OBJECT,
		.sub = &retry_schema,
		.help = "Questions after a failure."},
	{.key = "confirm",
		.type = T_DURATION,
		.at = AT(confirm_ns),
		.min = 10 * MS,
		.max = 60 * S,
		.def = "2s",
		.help = "An answer without addresses (NXDOMAIN, NODATA) counts when a second "
			"question, so much later, gets one as well."},
	{.key = "privateAddresses",
		.type = T_FLAG,
		.at = AT(refuse_private),
		.names = private_names,
		.def = "accept",
		.help = "Addresses of private ranges in answers; `refuse` guards against DNS "
			"rebinding."},
	{.key = "readyTimeout",
		.type = T_DURATION,
		.at = AT(ready_ns),
		.max = H,
		.def = "5s",
		.help = "Longest time that readiness waits for the first answers."},
	{.key = "virtualIPs",
		.type = T_OBJECT,
		.sub = &vip_schema,
		.help = "Addresses for hosts that have none, see docs/names.md."},
	{.key = "responder",
		.type = T_OBJECT,
		.sub = &responder_schema,
		.help = "DNS answers for clients."},
};
static const struct schema spec_schema = {"dns", FIELDS(dns_rows), .loc_at = NO_AT};

const struct schema *
dns_schema(void)
{
	return &spec_schema;
}
