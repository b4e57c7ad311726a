// Uses come and go, servers do anything, time passes: what must hold always does.
#include "world.h"

#define USES  60
#define NAMES 12
#define STEPS 4000

struct chance {
	uint64_t rnd;
	struct sl_dns_use *use[USES];
	uint32_t told;
};

static const char *const ips[] = {"192.0.2.1", "192.0.2.1 192.0.2.2", "192.0.2.3 127.0.0.1",
	"2001:db8::1 192.0.2.9", "127.0.0.1 ::1", "2001:db8::2 fe80::1"};

static struct reply
serve(struct world *w, const struct sl_dns_ask *ask)
{
	struct chance *c = w->arg;
	const uint64_t r = sl_test_rand(&c->rnd);

	return (struct reply){
		.does = r % 3 ? GOOD : (enum behaviour)(r / 3 % (UNSENT + 1)),
		.ips = ips[r / 64 % SL_ARRAY_LEN(ips)],
		.ttl = (uint32_t)(r / 4096 % 40),
		.soa = (uint32_t)(r / 1048576 % 20),
		.delay_ns = (r >> 32) % (300 * MS) + 1,
	};
}

static void begin(struct world *w, uint32_t i);

// A use in four is replaced by who is told of it.
static void
told(void *ctx, struct sl_dns_use *use)
{
	struct world *w = ctx;
	struct chance *c = w->arg;
	const uint32_t i = (uint32_t)(sl_test_rand(&c->rnd) % (USES * 4));

	c->told++;
	if (i < USES && c->use[i]) {
		sl_dns_unuse(c->use[i]);
		c->use[i] = NULL;
		begin(w, i);
	}
}

static void
begin(struct world *w, uint32_t i)
{
	struct chance *c = w->arg;
	struct sl_name_policy p = world_policy;
	const uint64_t r = sl_test_rand(&c->rnd);
	char name[32];

	p.families = (uint8_t)(1 + r % 3);
	p.strict = r / 4 % 4 == 0;
	p.first = r / 16 % 4 == 0;
	p.refresh_min_ns = (1 + r / 64 % 5) * SEC;
	p.refresh_max_ns = p.refresh_min_ns + r / 512 % 60 * SEC;
	p.max_stale_ns = r / 32768 % 50 * SEC;
	snprintf(name, sizeof(name), "n%u.example", (unsigned)((r >> 32) % NAMES));
	c->use[i] = sl_dns_use_new(w->d, name, &p, told, w);
}

static void
step(struct world *w)
{
	struct chance *c = w->arg;
	const uint64_t r = sl_test_rand(&c->rnd);
	const uint32_t i = (uint32_t)(r / 64 % USES);
	char name[32], *why;

	if (r % 4 == 0) {
		sl_dns_unuse(c->use[i]);
		c->use[i] = NULL;
		if (r / 4 % 4)
			begin(w, i);
	} else if (r % 64 == 1) {
		snprintf(name, sizeof(name), "n%u.example", (unsigned)(r / 4096 % NAMES));
		sl_dns_refresh(w->d, name);
	} else if (r % 64 == 2) {
		w->cfg.n_servers = 1 + r / 4096 % 4;
		w->cfg.refuse_private = r / 65536 % 2;
		sl_dns_configure(w->d, &w->cfg, &why);
	}
}

static int
holds(struct world *w)
{
	const struct chance *c = w->arg;
	uint32_t pending = 0;

	for (uint32_t i = 0; i < USES; i++) {
		struct sl_dns_view v;
		bool shown;

		if (!c->use[i])
			continue;
		sl_dns_get(c->use[i], &v);
		shown = v.state == SL_DNS_FRESH || v.state == SL_DNS_STALE;
		pending += v.state == SL_DNS_PENDING;
		RTE_TEST_ASSERT(shown == (v.n > 0), "%s with %u addresses",
			sl_dns_state_name(v.state), v.n);
		RTE_TEST_ASSERT(
			(v.state == SL_DNS_STALE) == (v.stale_ns != 0) && v.stale_ns <= w->now,
			"stale since");
		for (uint32_t k = 0; k < v.n; k++)
			RTE_TEST_ASSERT(v.ip[k].family == AF_INET
						? (sl_be32_to_cpu(v.ip[k].v4) >> 24) == 192
						: v.ip[k].v6[0] == 0x20,
				"an address that is refused");
	}
	SL_TEST_INT(sl_dns_pending(w->d), pending);
	return TEST_SUCCESS;
}

static int
anything(void)
{
	struct chance c = {.rnd = sl_test_seed()};
	struct world w;

	if (world_init(&w, 3))
		return TEST_FAILED;
	for (uint32_t i = 0; i < 4; i++)
		w.servers[i].ip = world_ip((const char *[]){
			"198.51.100.1", "198.51.100.2", "198.51.100.3", "2001:db8::53"}[i]);
	w.serve = serve;
	w.arg = &c;
	for (uint32_t i = 0; i < STEPS; i++) {
		step(&w);
		world_run(&w, sl_test_rand(&c.rnd) % (2 * SEC));
		if (holds(&w))
			return TEST_FAILED;
	}
	printf("# %u questions, %u calls\n", w.asked, c.told);
	RTE_TEST_ASSERT(c.told > STEPS / 8 && w.asked > STEPS, "something happened");
	world_fini(&w);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"anything", anything},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
