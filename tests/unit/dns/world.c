#include "world.h"

struct flight {
	struct due due; // first
	struct world *w;
	struct sl_dns_ask *ask;
	int status;
	uint32_t len;
	uint8_t msg[600];
};

struct sl_ip
world_ip(const char *text)
{
	struct sl_ip ip = {0};

	sl_ip_parse(text, &ip);
	return ip;
}

static void
put16(struct flight *f, uint16_t v)
{
	f->msg[f->len++] = (uint8_t)(v >> 8);
	f->msg[f->len++] = (uint8_t)v;
}

static void
put_name(struct flight *f, const char *name)
{
	uint8_t wire[255];
	const int n = sl_dns_name_put(name, wire);

	memcpy(f->msg + f->len, wire, (size_t)n);
	f->len += (uint32_t)n;
}

static void
put_rr(struct flight *f, const char *owner, uint16_t type, uint32_t ttl)
{
	put_name(f, owner);
	put16(f, type);
	put16(f, 1);
	put16(f, (uint16_t)(ttl >> 16));
	put16(f, (uint16_t)ttl);
}

static void
put_cname(struct flight *f, const char *owner, const char *to, uint32_t ttl)
{
	uint8_t wire[255];

	put_rr(f, owner, SL_DNS_CNAME, ttl);
	put16(f, (uint16_t)sl_dns_name_put(to, wire));
	put_name(f, to);
}

static uint16_t
put_ips(struct flight *f, const char *owner, const struct reply *r)
{
	char *copy = strdup(r->ips                     ? r->ips
			    : f->ask->type == SL_DNS_A ? "192.0.2.1"
						       : "2001:db8::1");
	char *rest = copy, *word;
	uint16_t n = 0;

	while ((word = strsep(&rest, " "))) {
		const struct sl_ip ip = world_ip(word);
		const uint16_t len = ip.family == AF_INET ? 4 : 16;

		if ((ip.family == AF_INET) != (f->ask->type == SL_DNS_A))
			continue;
		put_rr(f, owner, f->ask->type, r->ttl);
		put16(f, len);
		memcpy(f->msg + f->len, ip.v6, len);
		f->len += len;
		n++;
	}
	free(copy);
	return n;
}

static void
put_soa(struct flight *f, uint32_t ttl)
{
	put_rr(f, "example", SL_DNS_SOA, ttl);
	put16(f, 22);
	put16(f, 0); // two roots
	for (int i = 0; i < 4; i++) {
		put16(f, 0);
		put16(f, 9);
	}
	put16(f, (uint16_t)(ttl >> 16));
	put16(f, (uint16_t)ttl);
}

static uint8_t
rcode_of(enum behaviour does)
{
	switch (does) {
	case SERVFAIL:
		return 2;
	case REFUSED:
		return 5;
	case FORMERR:
		return 1;
	case NOTIMP:
		return 4;
	case OTHER_RCODE:
		return 9;
	case NXDOMAIN:
		return 3;
	default:
		return 0;
	}
}

static uint16_t
put_answers(struct flight *f, const struct reply *r, const char *name)
{
	switch (r->does) {
	case GOOD:
	case TRUNCATED:
	case WRONG_QUESTION:
	case WRONG_TYPE:
	case NO_RESPONSE_BIT:
		return put_ips(f, name, r);
	case CHAIN:
		put_cname(f, name, "one.example", 500);
		put_cname(f, "one.example", "two.example", 20);
		return (uint16_t)(2 + put_ips(f, "two.example", r));
	case CNAME_LOOP:
		put_cname(f, name, "one.example", 60);
		put_cname(f, "one.example", name, 60);
		return 2;
	default:
		return 0;
	}
}

static void
write_message(struct flight *f, const struct reply *r)
{
	const char *name = f->ask->name;
	const bool cut = r->does == TRUNCATED_ALWAYS || (r->does == TRUNCATED && !f->ask->tcp);
	uint16_t answers = 0;

	put16(f, 1); // id: the seam's affair
	put16(f, (uint16_t)((r->does == NO_RESPONSE_BIT ? 0 : SL_DNS_QR) | SL_DNS_RA | SL_DNS_RD |
			    (cut ? SL_DNS_TC : 0) | rcode_of(r->does)));
	put16(f, 1);
	put16(f, 0);
	put16(f, r->soa != 0);
	put16(f, 0);
	put_name(f, r->does == WRONG_QUESTION ? "other.example" : name);
	put16(f, r->does == WRONG_TYPE ? 16 : f->ask->type);
	put16(f, 1);
	if (!cut)
		answers = put_answers(f, r, name);
	f->msg[6] = (uint8_t)(answers >> 8);
	f->msg[7] = (uint8_t)answers;
	if (r->soa)
		put_soa(f, r->soa);
	if (r->does == GARBAGE)
		f->len = 20;
}

static void
deliver(struct due *due)
{
	struct flight *f = (struct flight *)due;
	struct world *w = f->w;

	heap_drop(&w->flights, due);
	w->open--;
	f->ask->done(f->ask, f->status, f->status ? NULL : f->msg, f->len);
	free(f);
}

static int
start(void *ctx, struct sl_dns_ask *ask)
{
	struct world *w = ctx;
	const struct reply r = w->serve(w, ask);
	struct flight *f;

	w->asked++;
	if (w->per_second && w->now / SEC < w->n_seconds)
		w->per_second[w->now / SEC]++;
	if (r.does == UNSENT)
		return -101;
	f = sl_xcalloc(1, sizeof(*f));
	f->w = w;
	f->ask = ask;
	f->due.fire = deliver;
	ask->asker = f;
	f->status = r.does == UNREACHABLE ? -111 : 0;
	if (!f->status)
		write_message(f, &r);
	if (++w->open > w->most_open)
		w->most_open = w->open;
	heap_set(&w->flights, &f->due,
		r.does == SILENT ? UINT64_MAX : w->now + (r.delay_ns ? r.delay_ns : MS));
	return 0;
}

static void
cancel(void *ctx, struct sl_dns_ask *ask, bool late)
{
	struct world *w = ctx;
	struct flight *f = ask->asker;

	heap_drop(&w->flights, &f->due);
	w->open--;
	free(f);
}

static uint64_t
clock_of(void *ctx)
{
	return ((struct world *)ctx)->now;
}

static struct reply
plain(struct world *w, const struct sl_dns_ask *ask)
{
	return w->reply;
}

int
world_init(struct world *w, uint32_t n_servers)
{
	char *why = NULL;

	*w = (struct world){.now = 1000 * SEC, .serve = plain, .reply = {.ttl = 30}};
	w->fns = (struct sl_dns_ask_fns){w, start, cancel};
	w->env = (struct sl_dns_env){.now_ns = clock_of, .ctx = w, .seed = 7, .ask = &w->fns};
	for (uint32_t i = 0; i < n_servers; i++)
		w->servers[i].ip.family = AF_INET,
		w->servers[i].ip.v4 = sl_cpu_to_be32(0xc6336401 + i); // 198.51.100.1 ...
	w->cfg = (struct sl_dns_cfg){
		.server = w->servers,
		.n_servers = n_servers,
		.timeout_ns = 1 * SEC,
		.retry_min_ns = 1 * SEC,
		.retry_max_ns = 10 * SEC,
		.confirm_ns = 2 * SEC,
	};
	w->d = sl_dns_new(&w->env, &w->cfg, &why);
	RTE_TEST_ASSERT(w->d, "%s", why);
	return 0;
}

void
world_fini(struct world *w)
{
	sl_dns_free(w->d);
	heap_fini(&w->flights);
}

void
world_run(struct world *w, uint64_t ns)
{
	const uint64_t until = w->now + ns;

	for (;;) {
		const struct due *flight = heap_first(&w->flights);
		uint64_t next = sl_dns_due(w->d);
		struct due *due;

		if (flight && flight->at < next)
			next = flight->at;
		if (next > until)
			break;
		w->now = next > w->now ? next : w->now;
		while ((due = heap_ready(&w->flights, w->now)))
			due->fire(due);
		sl_dns_run(w->d);
	}
	w->now = until;
}

void
world_count(void *ctx, struct sl_dns_use *use)
{
	((struct world *)ctx)->calls++;
}

const char *
world_see(const struct sl_dns_use *use, char buf[512])
{
	struct sl_dns_view view;
	char ip[SL_IP_STRLEN];
	int n;

	sl_dns_get(use, &view);
	n = snprintf(buf, 512, "%s", sl_dns_state_name(view.state));
	for (uint32_t i = 0; i < view.n; i++)
		n += snprintf(buf + n, 512 - (size_t)n, " %s", sl_ip_str(&view.ip[i], ip));
	return buf;
}
