// What the responder pays for a query: answers and verdicts a second of CPU time, on one core.
#include <malloc.h>
#include <time.h>

#include "sl_dns_table.h"
#include "sl_test.h"

#define HOSTS   10000u
#define QUERIES 65536u // power of two
#define ROUNDS  4000000u

static char hosts[HOSTS][64];
static uint8_t query[QUERIES][128];
static uint32_t query_len[QUERIES];

static uint64_t
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static struct sl_dns_table *
make(uint32_t n_ips)
{
	static struct sl_dns_table_row row[HOSTS];
	static struct sl_ip ip[HOSTS][8];

	for (uint32_t i = 0; i < HOSTS; i++) {
		snprintf(hosts[i], sizeof(hosts[i]), "%shost-%u.team-%u.example.com",
			i % 10 ? "" : "*.", i, i % 100);
		for (uint32_t k = 0; k < n_ips; k++) {
			const uint8_t b[4] = {240, 240, (uint8_t)(i >> 8), (uint8_t)(i + k)};

			ip[i][k].family = 2;
			memcpy(&ip[i][k].v4, b, 4);
		}
		row[i] = (struct sl_dns_table_row){
			.host = hosts[i], .clients = UINT64_MAX, .ip = ip[i], .n = n_ips};
	}
	return sl_dns_table_new(&(struct sl_dns_table_cfg){
		.row = row, .n_rows = HOSTS, .search = "lab.local", .ttl = 30});
}

// Queries for random hosts, with EDNS as most clients send it.
static void
make_queries(const char *prefix, const char *suffix, bool wildcards)
{
	uint64_t rnd = 1;

	for (uint32_t i = 0; i < QUERIES; i++) {
		const uint32_t r = (uint32_t)(sl_test_rand(&rnd) >> 40) % (HOSTS / 10);
		const char *host = hosts[r * 10 + (wildcards ? 0 : 1 + i % 9)];
		static const uint8_t head[12] = {0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1};
		static const uint8_t tail[] = {0, 1, 0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};
		char name[128];

		snprintf(name, sizeof(name), "%s%s%s", prefix, wildcards ? host + 1 : host, suffix);
		memcpy(query[i], head, sizeof(head));
		query_len[i] = 12 + (uint32_t)sl_dns_name_put(name, query[i] + 12);
		memcpy(query[i] + query_len[i], tail, sizeof(tail));
		query_len[i] += sizeof(tail);
	}
}

static void
run(const struct sl_dns_table *t, const char *name, enum sl_dns_verdict expected)
{
	static uint8_t out[1232];
	const struct sl_ip client = {.family = 2};
	uint64_t rnd = 1, best = UINT64_MAX;
	uint32_t other = 0;

	for (unsigned pass = 0; pass < 3; pass++) {
		const uint64_t begin = cpu_ns();

		for (uint32_t i = 0; i < ROUNDS; i++) {
			const uint32_t q = i & (QUERIES - 1);
			bool bad, truncated;
			uint32_t len;

			other += sl_dns_respond(t, &client, false, query[q], query_len[q],
					 sl_test_rand(&rnd), out, sizeof(out), &len, &bad,
					 &truncated) != expected;
		}
		const uint64_t took = cpu_ns() - begin;

		best = took < best ? took : best;
	}
	printf("%-28s %6.2f M/s, %4.0f ns%s\n", name, ROUNDS * 1e3 / (double)best,
		(double)best / ROUNDS, other ? ", wrong verdicts" : "");
}

int
main(void)
{
	for (uint32_t n = 1; n <= 8; n *= 8) {
		const size_t before = mallinfo2().uordblks;
		const uint64_t begin = cpu_ns();
		struct sl_dns_table *t = make(n);

		printf("%u hosts of %u addresses: built in %.1f ms, %zu bytes a host\n", HOSTS, n,
			(double)(cpu_ns() - begin) / 1e6, (mallinfo2().uordblks - before) / HOSTS);
		make_queries("", "", false);
		run(t, "  host", SL_DNS_V_ANSWER);
		make_queries("www.eu", "", true);
		run(t, "  wildcard", SL_DNS_V_ANSWER);
		make_queries("", ".lab.local", false);
		run(t, "  host in the search domain", SL_DNS_V_ANSWER);
		make_queries("", ".net", false);
		run(t, "  unknown", SL_DNS_V_FORWARD);
		sl_dns_table_free(t);
	}
	return 0;
}
