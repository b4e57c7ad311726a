// Resolves names with the resolver alone, without a daemon, and prints its entries as JSON.
// usage: dns_probe [-s SERVER[,SERVER...]] [-r RESOLV.CONF] [-H HOSTS] [-t MS] [-w MS] [-i MS] [-6]
// [-P] [-S] NAME...
//   -s  servers, ADDRESS or ADDRESS@PORT      -t  a server's time to answer (500)
//   -w  how long to run; 0: until no name is pending (0)
//   -i  prints all entries each so often, too      -6  AAAA      -P  private addresses are refused
//   -S  strict
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sl_buf.h"
#include "sl_clock.h"
#include "sl_dns.h"
#include "sl_emit.h"
#include "sl_str.h"

struct probe {
	struct event_base *base;
	struct sl_dns *d;
	struct sl_clock clock;
	uint64_t end_ns; // 0: until no name is pending
	uint32_t calls;
};

static uint64_t
now(void *ctx)
{
	return sl_clock_ns(&((struct probe *)ctx)->clock);
}

static void
told(void *ctx, struct sl_dns_use *use)
{
	((struct probe *)ctx)->calls++;
}

static void
event_of(void *ctx, bool warning, const char *reason, const char *name, const char *message)
{
	fprintf(stderr, "%s %s: %s: %s\n", warning ? "warning" : "info", name, reason, message);
}

static void
print(struct probe *p)
{
	struct sl_buf out = {0};
	struct sl_emit e;
	const char *name;
	size_t it = 0;
	int family;

	sl_emit_init(&e, &out);
	sl_emit_obj(&e, NULL);
	sl_emit_arr(&e, "entries");
	while (sl_dns_next(p->d, &it, &name, &family)) {
		sl_emit_obj(&e, NULL);
		sl_dns_entry_emit(p->d, name, family, &e);
		sl_emit_end(&e);
	}
	sl_emit_end(&e);
	sl_emit_arr(&e, "servers");
	for (size_t i = 0;; i++) {
		const size_t len = out.len;
		const struct sl_emit before = e;

		sl_emit_obj(&e, NULL);
		if (!sl_dns_server_emit(p->d, i, &e)) {
			out.len = len;
			e = before;
			break;
		}
		sl_emit_end(&e);
	}
	sl_emit_end(&e);
	sl_emit_obj(&e, "counters");
	for (enum sl_dns_counter c = 0; c < SL_DNS_C_CLIENT_QUERIES; c++)
		sl_emit_u64(&e, sl_dns_counter_info(c)->name, sl_dns_counter(p->d, c));
	sl_emit_u64(&e, "calls", p->calls);
	sl_emit_end(&e);
	sl_emit_end(&e);
	puts(out.data);
	fflush(stdout);
	sl_buf_fini(&out);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;

	if (p->end_ns ? now(p) >= p->end_ns : sl_dns_pending(p->d) == 0)
		event_base_loopexit(p->base, NULL);
}

static void
on_print(evutil_socket_t fd, short what, void *arg)
{
	print(arg);
}

static uint32_t
servers_of(char *text, struct sl_dns_address *out, uint32_t max)
{
	uint32_t n = 0;
	char *word;

	while (n < max && (word = strsep(&text, ","))) {
		char *port = strchr(word, '@');

		if (port)
			*port++ = '\0';
		out[n].port = port ? (uint16_t)strtoul(port, NULL, 10) : 0;
		if (sl_ip_parse(word, &out[n].ip) == 0)
			n++;
	}
	return n;
}

static struct event *
every(struct probe *p, unsigned ms, event_callback_fn fn)
{
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	struct event *ev = event_new(p->base, -1, EV_PERSIST, fn, p);

	event_add(ev, &tv);
	return ev;
}

static int
run(struct probe *p, const struct sl_dns_cfg *cfg, const struct sl_name_policy *policy,
	unsigned print_ms, char **names, int n)
{
	const struct sl_dns_env env = {.base = p->base, .now_ns = now, .ctx = p, .seed = now(p)};
	struct event *tick = every(p, 5, on_tick);
	struct event *printer = print_ms ? every(p, print_ms, on_print) : NULL;
	char *why;

	p->d = sl_dns_new(&env, cfg, &why);
	if (!p->d) {
		fprintf(stderr, "dns_probe: %s\n", why);
		free(why);
		return EXIT_FAILURE;
	}
	sl_dns_on_event(p->d, event_of, p);
	for (int i = 0; i < n; i++)
		sl_dns_use_new(p->d, names[i], policy, told, p);
	event_base_dispatch(p->base);
	print(p);
	sl_dns_free(p->d);
	event_free(tick);
	if (printer)
		event_free(printer);
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	struct probe p = {.base = event_base_new()};
	struct sl_dns_address servers[16] = {0};
	struct sl_dns_cfg cfg = {.server = servers,
		.timeout_ns = 500 * SL_NSEC_PER_MSEC,
		.retry_min_ns = 200 * SL_NSEC_PER_MSEC,
		.retry_max_ns = 2 * SL_NSEC_PER_SEC,
		.confirm_ns = 300 * SL_NSEC_PER_MSEC};
	struct sl_name_policy policy = {.families = SL_NAME_V4,
		.refresh_min_ns = SL_NSEC_PER_SEC,
		.refresh_max_ns = 300 * SL_NSEC_PER_SEC,
		.max_stale_ns = 3600 * SL_NSEC_PER_SEC};
	unsigned print_ms = 0;
	int c, rc;

	while ((c = getopt(argc, argv, "s:r:H:t:w:i:6PS")) != -1)
		switch (c) {
		case 's':
			cfg.n_servers = servers_of(optarg, servers, SL_ARRAY_LEN(servers));
			break;
		case 'r':
			cfg.resolv_conf = optarg;
			break;
		case 'H':
			cfg.hosts_file = optarg;
			break;
		case 't':
			cfg.timeout_ns = strtoull(optarg, NULL, 10) * SL_NSEC_PER_MSEC;
			break;
		case 'w':
			p.end_ns = now(&p) + strtoull(optarg, NULL, 10) * SL_NSEC_PER_MSEC;
			break;
		case 'i':
			print_ms = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case '6':
			policy.families = SL_NAME_V6;
			break;
		case 'P':
			cfg.refuse_private = true;
			break;
		case 'S':
			policy.strict = true;
			break;
		default:
			fprintf(stderr, "usage: dns_probe [-s SERVERS] [-r FILE] [-H FILE] [-t MS] "
					"[-w MS] [-i MS] [-6] [-P] [-S] NAME...\n");
			return 2;
		}
	rc = run(&p, &cfg, &policy, print_ms, argv + optind, argc - optind);
	event_base_free(p.base);
	return rc;
}
