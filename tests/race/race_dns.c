// Tables are published and settings change while clients ask the responder over UDP and TCP, in a
// network namespace of its own (skipped where it may not make one).
//
// What is answered carries its own proof: all addresses of an answer are of one table, tables come
// in the order in which they were published, and what is not in them comes from the server.
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sl_dns_server.h"
#include "sl_str.h"
#include "sl_test.h"

#define ROUNDS   3000
#define CLIENTS  2 // over UDP, and as many over TCP
#define HOSTS    64
#define PER_HOST 5
#define PORT     5300
#define SERVER   5353

struct world {
	bool stop;     // w: main, r: the others
	bool failed;   // w: clients, r: main
	uint32_t seen; // answers; w: clients
	uint32_t forwarded;
};

struct client {
	struct world *world;
	uint64_t rnd;
	bool tcp;
	uint32_t generation; // of the table that answered last
};

static bool
own_network(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;
	bool ok;

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
		printf("# no network namespace: %s\n", strerror(errno));
		return false;
	}
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static struct sockaddr_in
local(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
}

// ---- tables ----

// 198.18.x.y with the generation in x and the upper half of y.
static sl_be32
address(uint32_t generation, uint32_t i)
{
	return sl_cpu_to_be32(0xc6120000 + (generation % 4096) * 16 + i);
}

static struct sl_dns_table *
table_of(uint32_t generation)
{
	struct sl_dns_table_row row[HOSTS];
	struct sl_ip ip[PER_HOST];
	char host[HOSTS][16];

	for (uint32_t i = 0; i < PER_HOST; i++)
		ip[i] = (struct sl_ip){.family = AF_INET, .v4 = address(generation, i)};
	for (uint32_t h = 0; h < HOSTS; h++) {
		snprintf(host[h], sizeof(host[h]), "h%u.example", h);
		row[h] = (struct sl_dns_table_row){
			.host = host[h], .clients = UINT64_MAX, .ip = ip, .n = PER_HOST};
	}
	return sl_dns_table_new(&(struct sl_dns_table_cfg){.row = row, .n_rows = HOSTS, .ttl = 30});
}

// ---- clients ----

static uint32_t
make_query(struct client *c, bool known, uint8_t out[300])
{
	static const uint8_t tail[] = {0, 1, 0, 1};
	uint8_t name[255];
	char text[32];
	int len;

	memset(out, 0, SL_DNS_HLEN);
	out[0] = (uint8_t)sl_test_rand(&c->rnd);
	out[2] = SL_DNS_RD >> 8;
	out[5] = 1;
	snprintf(text, sizeof(text), "%c%u.example", known ? 'h' : 'u',
		(unsigned)(sl_test_rand(&c->rnd) % HOSTS));
	len = sl_dns_name_put(text, name);
	memcpy(out + SL_DNS_HLEN, name, (size_t)len);
	memcpy(out + SL_DNS_HLEN + len, tail, sizeof(tail));
	return SL_DNS_HLEN + (uint32_t)len + sizeof(tail);
}

static bool
check_addresses(struct client *c, const struct sl_dns_msg *msg)
{
	struct sl_dns_answer_set set;
	uint32_t generation;

	if (sl_dns_answers(msg, &set) != 0 || set.n != PER_HOST)
		return false;
	generation = (sl_be32_to_cpu(set.ip[0].v4) - 0xc6120000) / 16;
	for (uint32_t i = 0; i < set.n; i++)
		if ((sl_be32_to_cpu(set.ip[i].v4) - 0xc6120000) / 16 != generation)
			return false;
	if (generation < c->generation)
		return false;
	c->generation = generation;
	return true;
}

// Before the first table, and while no server can be asked, it is SERVFAIL.
static bool
check_answer(struct client *c, const uint8_t *data, uint32_t len)
{
	struct sl_dns_msg msg;
	bool printable;

	if (!sl_dns_parse(data, len, &msg, &printable) || !(msg.flags & SL_DNS_QR))
		return false;
	__atomic_fetch_add(&c->world->seen, 1, __ATOMIC_RELAXED);
	if (msg.rcode == SL_DNS_SERVFAIL)
		return true;
	if (msg.qname[0] == 'h')
		return check_addresses(c, &msg);
	__atomic_fetch_add(&c->world->forwarded, 1, __ATOMIC_RELAXED);
	return msg.rcode == SL_DNS_NXDOMAIN;
}

static bool
readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 20) > 0;
}

static bool
read_stream(int fd, uint8_t *to, size_t n)
{
	for (size_t done = 0; done < n;) {
		const ssize_t rc = readable(fd) ? recv(fd, to + done, n - done, 0) : -1;

		if (rc <= 0)
			return false;
		done += (size_t)rc;
	}
	return true;
}

// Some in a row on one connection, which may be closed at any time.
static bool
ask_tcp(struct client *c, int fd)
{
	uint8_t query[2 + 300], answer[65536], head[2];
	bool ok = true;

	for (unsigned i = 0; i < 8; i++) {
		const uint32_t len = make_query(c, i % 4 != 0, query + 2);

		query[0] = 0;
		query[1] = (uint8_t)len;
		(void)!send(fd, query, 2 + len, MSG_NOSIGNAL);
	}
	for (unsigned i = 0; ok && i < 8 && read_stream(fd, head, 2); i++) {
		const uint32_t len = (uint32_t)head[0] << 8 | head[1];

		if (!read_stream(fd, answer, len))
			break;
		ok = check_answer(c, answer, len);
	}
	return ok;
}

static bool
ask_udp(struct client *c, int fd)
{
	uint8_t query[300], answer[4096];
	bool ok = true;

	for (unsigned i = 0; i < 16; i++) {
		const uint32_t len = make_query(c, i % 4 != 0, query);

		(void)!send(fd, query, len, 0);
	}
	for (unsigned i = 0; ok && i < 16 && readable(fd); i++) {
		const ssize_t n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);

		ok = n < 0 || check_answer(c, answer, (uint32_t)n);
	}
	return ok;
}

static void *
client_main(void *arg)
{
	struct client *c = arg;

	while (!__atomic_load_n(&c->world->stop, __ATOMIC_RELAXED)) {
		const struct sockaddr_in to = local(PORT + sl_test_rand(&c->rnd) % 2);
		const int fd = socket(AF_INET, c->tcp ? SOCK_STREAM : SOCK_DGRAM, 0);

		// One of the two ports is not always there.
		if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 &&
			!(c->tcp ? ask_tcp(c, fd) : ask_udp(c, fd)))
			__atomic_store_n(&c->world->failed, true, __ATOMIC_RELAXED);
		close(fd);
	}
	return NULL;
}

// The server: no such name, over UDP; over TCP nobody is there.
static void *
server_main(void *arg)
{
	struct world *w = arg;
	const struct sockaddr_in at = local(SERVER);
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in from;
	uint8_t data[512];

	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		__atomic_store_n(&w->failed, true, __ATOMIC_RELAXED);
	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		socklen_t len = sizeof(from);
		ssize_t n;

		if (!readable(fd))
			continue;
		n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &len);
		if (n < SL_DNS_HLEN)
			continue;
		data[2] |= SL_DNS_QR >> 8;
		data[3] |= SL_DNS_NXDOMAIN;
		(void)!sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
	close(fd);
	return NULL;
}

// ---- control ----

static void
settings(uint64_t *rnd, struct sl_dns_address listen[2], struct sl_dns_server_cfg *cfg)
{
	const uint64_t dice = sl_test_rand(rnd);

	cfg->n_listen = 1 + dice % 2;
	// 127.0.0.1 becomes 0.0.0.0 and back.
	listen[1].ip.v4 = dice & 4 ? 0 : htonl(INADDR_LOOPBACK);
	cfg->n_clients = 1 + (dice >> 3) % 2;
	cfg->n_upstream = (dice >> 5) % 4 != 0;
	cfg->rate = dice & 128 ? 0 : 100000;
	cfg->max_pending = 1 + (dice >> 8) % 64;
}

static int
control(struct sl_dns_server *s, struct sl_dns_server_cfg *cfg, struct sl_dns_address listen[2],
	struct world *w, uint64_t *rnd)
{
	uint64_t queries = 0;

	for (uint32_t i = 1; i <= ROUNDS && !__atomic_load_n(&w->failed, __ATOMIC_RELAXED); i++) {
		const uint32_t until = __atomic_load_n(&w->seen, __ATOMIC_RELAXED) + 10;
		char *why = NULL;

		sl_dns_server_publish(s, table_of(i));
		if (i % 4 == 0)
			settings(rnd, listen, cfg);
		if (i % 4 == 0 && sl_dns_server_configure(s, cfg, &why) != 0)
			printf("# %s\n", why);
		RTE_TEST_ASSERT_NULL(why, "not configured");
		for (enum sl_dns_counter c = 0; c < SL_DNS_C_MAX; c++)
			queries += sl_dns_server_counter(s, c);
		while (__atomic_load_n(&w->seen, __ATOMIC_RELAXED) < until &&
			!__atomic_load_n(&w->failed, __ATOMIC_RELAXED))
			sched_yield();
	}
	RTE_TEST_ASSERT(queries > 0, "nothing was counted");
	return TEST_SUCCESS;
}

static int
tables_and_settings_change_under_load(void)
{
	static struct world world;
	struct sl_dns_address listen[] = {{.port = PORT}, {.port = PORT + 1}},
			      upstream = {.port = SERVER};
	struct sl_prefix prefix[2];
	struct sl_dns_server_cfg cfg = {.listen = listen,
		.n_listen = 2,
		.client = prefix,
		.n_clients = 2,
		.upstream = &upstream,
		.n_upstream = 1,
		.resolv_conf = "/nonexistent/resolv.conf",
		.timeout_ns = 100 * SL_NSEC_PER_MSEC,
		.core = -1};
	struct client client[2 * CLIENTS];
	pthread_t thread[2 * CLIENTS + 1];
	uint64_t rnd = sl_test_seed();
	struct sl_dns_server *s;
	char *why = NULL;
	int rc;

	if (!own_network())
		return TEST_SKIPPED;
	sl_ip_parse("127.0.0.1", &listen[0].ip);
	listen[1].ip = upstream.ip = listen[0].ip;
	sl_prefix_parse("127.0.0.0/8", &prefix[0]);
	sl_prefix_parse("2001:db8::/32", &prefix[1]);
	s = sl_dns_server_new(&cfg, &why);
	RTE_TEST_ASSERT_NOT_NULL(s, "%s", why);
	RTE_TEST_ASSERT_SUCCESS(
		pthread_create(&thread[2 * CLIENTS], NULL, server_main, &world), "thread");
	for (unsigned i = 0; i < SL_ARRAY_LEN(client); i++) {
		client[i] = (struct client){
			.world = &world, .rnd = (rnd + i * 2) | 1, .tcp = i >= CLIENTS};
		RTE_TEST_ASSERT_SUCCESS(
			pthread_create(&thread[i], NULL, client_main, &client[i]), "thread");
	}
	rc = control(s, &cfg, listen, &world, &rnd);
	__atomic_store_n(&world.stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < SL_ARRAY_LEN(thread); i++)
		pthread_join(thread[i], NULL);
	sl_dns_server_publish(s, table_of(0)); // perhaps never taken
	sl_dns_server_free(s);
	printf("# %u answers, of which %u from the server\n", world.seen, world.forwarded);
	RTE_TEST_ASSERT(rc == TEST_SUCCESS && !world.failed, "a client or control failed");
	RTE_TEST_ASSERT(world.seen > ROUNDS && world.forwarded > 0, "too little happened");
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"tables and settings change under load", tables_and_settings_change_under_load},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
