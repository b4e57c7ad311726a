#include "responder.h"

#include <stdlib.h>
#include <string.h>

#include "control_priv.h"
#include "sl_buf.h"
#include "sl_dns_server.h"
#include "sl_mesh_hosts.h"

struct responder {
	struct sl_control *c;
	struct sl_dns_server *server; // NULL: none is wanted, or it could not be started
	struct event *table_timer;
	struct event *retry_timer;
	uint64_t generation; // of the mesh's hosts that the table is of
};

// ---- the table ----

// Rows of the mesh, which lends its texts and addresses for the time of a call.
struct rows {
	struct sl_dns_table_row *v;
	size_t *host; // where it begins in texts
	size_t *ip;   // likewise in addresses
	uint32_t n, cap;
	struct sl_buf texts;
	struct sl_buf addresses;
};

static void
add_row(void *ctx, const struct sl_mesh_host_row *row)
{
	struct rows *rows = ctx;

	if (rows->n == rows->cap) {
		rows->cap = rows->cap ? 2 * rows->cap : 64;
		rows->v = sl_xrealloc(rows->v, rows->cap, sizeof(*rows->v));
		rows->host = sl_xrealloc(rows->host, rows->cap, sizeof(*rows->host));
		rows->ip = sl_xrealloc(rows->ip, rows->cap, sizeof(*rows->ip));
	}
	rows->host[rows->n] = rows->texts.len;
	sl_buf_put(&rows->texts, row->host, strlen(row->host) + 1);
	rows->ip[rows->n] = rows->addresses.len;
	sl_buf_put(&rows->addresses, row->ip, row->n * sizeof(*row->ip));
	rows->v[rows->n++] = (struct sl_dns_table_row){.clients = row->clients, .n = row->n};
}

static void
take_rows(struct responder *r, struct rows *rows)
{
	sl_mesh_hosts(r->c->mesh, r->c->conf->dns.answer_ipv6, add_row, rows);
	for (uint32_t i = 0; i < rows->n; i++) {
		rows->v[i].host = rows->texts.data + rows->host[i];
		rows->v[i].ip = (const struct sl_ip *)(rows->addresses.data + rows->ip[i]);
	}
}

static void
rows_fini(struct rows *rows)
{
	free(rows->v);
	free(rows->host);
	free(rows->ip);
	sl_buf_fini(&rows->texts);
	sl_buf_fini(&rows->addresses);
}

static struct sl_dns_table *
make_table(struct responder *r)
{
	const struct sl_conf *conf = r->c->conf;
	struct sl_dns_table_client *client = sl_xcalloc(conf->n_group_prefixes, sizeof(*client));
	struct sl_dns_table *table;
	struct rows rows = {0};

	for (uint32_t i = 0; i < conf->n_group_prefixes; i++)
		client[i] = (struct sl_dns_table_client){.prefix = conf->group_prefixes[i].prefix,
			.group = (uint8_t)conf->group_prefixes[i].group};
	take_rows(r, &rows);
	const struct sl_dns_table_cfg cfg = {.row = rows.v,
		.n_rows = rows.n,
		.client = client,
		.n_clients = conf->n_group_prefixes,
		.search = conf->dns.n_search ? conf->dns.search[0] : NULL,
		.ttl = (uint32_t)(conf->dns.ttl_ns / 1000000000)};
	table = sl_dns_table_new(&cfg);
	rows_fini(&rows);
	free(client);
	return table;
}

static void
publish_table(struct responder *r)
{
	r->generation = sl_mesh_hosts_generation(r->c->mesh);
	sl_dns_server_publish(r->server, make_table(r));
}

static void
on_table_timer(evutil_socket_t fd, short what, void *arg)
{
	struct responder *r = arg;

	if (r->server)
		publish_table(r);
}

void
responder_follow(struct responder *r)
{
	static const struct timeval soon = {.tv_usec = RESPONDER_TABLE_MS * 1000};

	if (r->server && r->generation != sl_mesh_hosts_generation(r->c->mesh) &&
		!event_pending(r->table_timer, EV_TIMEOUT, NULL))
		event_add(r->table_timer, &soon);
}

// ---- the server ----

// What has to live as long as a configuration is read.
struct lists {
	struct sl_dns_address *listen;
	struct sl_dns_address *upstream;
	struct sl_prefix *client; // of clients[]; NULL: the responder has its own
};

static void
lists_fini(struct lists *l)
{
	free(l->listen);
	free(l->upstream);
	free(l->client);
}

// Who may ask, when the responder has no list of its own: all CIDRs of clients[].
static uint32_t
all_clients(const struct sl_conf *conf, struct sl_prefix **out)
{
	uint32_t n = 0;

	*out = sl_xcalloc(conf->n_group_prefixes, sizeof(**out));
	for (uint32_t i = 0; i < conf->n_group_prefixes; i++)
		(*out)[n++] = conf->group_prefixes[i].prefix;
	return n;
}

static void
take_conf(const struct responder *r, struct sl_dns_server_cfg *out, struct lists *l)
{
	const struct sl_conf_dns *dns = &r->c->conf->dns;
	const bool own = dns->n_upstreams > 0;

	*l = (struct lists){.listen = control_dns_addresses(dns->listen, dns->n_listen),
		.upstream = own ? control_dns_addresses(dns->upstreams, dns->n_upstreams)
				: control_dns_addresses(dns->servers, dns->n_servers)};
	*out = (struct sl_dns_server_cfg){.listen = l->listen,
		.n_listen = dns->n_listen,
		.client = dns->responder_clients,
		.n_clients = dns->n_responder_clients,
		.upstream = l->upstream,
		.n_upstream = own ? dns->n_upstreams : dns->n_servers,
		.resolv_conf = dns->resolv_conf,
		.timeout_ns = dns->timeout_ns,
		.rate = dns->rate,
		.max_pending = dns->max_pending,
		.core = r->c->cfg.core,
		.log = r->c->log};
	if (dns->n_responder_clients > 0)
		return;
	out->n_clients = all_clients(r->c->conf, &l->client);
	out->client = l->client;
}

// As the configuration has it. NULL, or why it is not (the caller frees).
static char *
apply(struct responder *r)
{
	struct sl_dns_server_cfg cfg;
	struct lists lists;
	char *why = NULL;
	bool good = true;

	take_conf(r, &cfg, &lists);
	if (cfg.n_listen == 0) {
		sl_dns_server_free(r->server);
		r->server = NULL;
	} else if (r->server) {
		good = sl_dns_server_configure(r->server, &cfg, &why) == 0;
	} else {
		r->server = sl_dns_server_new(&cfg, &why);
		good = r->server != NULL;
	}
	lists_fini(&lists);
	if (r->server)
		publish_table(r);
	return good ? NULL : why ? why : sl_xstrdup("unknown");
}

static void
on_retry_timer(evutil_socket_t fd, short what, void *arg)
{
	responder_start(arg);
}

static void
retry_later(struct responder *r)
{
	static const struct timeval later = {.tv_sec = RESPONDER_RETRY_S};

	event_add(r->retry_timer, &later);
}

void
responder_start(struct responder *r)
{
	char *why = apply(r);

	if (!why)
		return;
	sl_log(r->c->log, SL_LOG_ERR, "dns", "clients get %s, tried again in %d s: %s",
		r->server ? "answers, but not as configured" : "no answers", RESPONDER_RETRY_S,
		why);
	retry_later(r);
	free(why);
}

void
responder_configure(struct responder *r, struct sl_diags *diags)
{
	const struct sl_loc loc = {.file = r->c->conf->file};
	char *why = apply(r);

	event_del(r->retry_timer);
	if (!why)
		return;
	sl_diag_add(diags, SL_ERROR, &loc, "sluice.yaml", "dns.responder", NULL,
		"answers for clients %s, tried again in %d s: %s",
		r->server ? "go on, but not as configured" : "are not given", RESPONDER_RETRY_S,
		why);
	retry_later(r);
	free(why);
}

uint64_t
responder_counter(const struct responder *r, enum sl_dns_counter counter)
{
	return r->server ? sl_dns_server_counter(r->server, counter) : 0;
}

// ---- life ----

struct responder *
responder_new(struct sl_control *c)
{
	struct responder *r = sl_xcalloc(1, sizeof(*r));

	r->c = c;
	r->table_timer = evtimer_new(c->cfg.base, on_table_timer, r);
	r->retry_timer = evtimer_new(c->cfg.base, on_retry_timer, r);
	if (r->table_timer && r->retry_timer)
		return r;
	responder_free(r);
	return NULL;
}

void
responder_free(struct responder *r)
{
	if (!r)
		return;
	sl_dns_server_free(r->server);
	if (r->table_timer)
		event_free(r->table_timer);
	if (r->retry_timer)
		event_free(r->retry_timer);
	free(r);
}
