#include "churn_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sl_clock.h"
#include "sl_str.h"
#include "sl_wire_dns.h"

#define QUEUE 1024 // more than the resolver asks at once

struct server {
	struct sl_dns_ask_fns fns;
	struct event *soon;
	struct {
		struct sl_dns_ask *ask;
		char name[SL_DNS_NAME_MAX];
	} queue[QUEUE];
	unsigned n_queued;
	uint32_t mode;              // w: any, r: who answers
	uint64_t said[CHURN_NAMES]; // ns << 1 | set, of the last change; w: who answers, r: any
	uint64_t changes, answers;
	unsigned spread;
	int fd;
	unsigned cpu;
	pthread_t thread;
	uint32_t stop;
};

// ---- answers ----

static uint32_t
ttl(struct server *s, uint32_t mode)
{
	return mode == SERVER_SPREAD ? 1 + s->spread++ % 4 : 1;
}

static uint32_t
set_of(struct server *s, uint32_t i, uint32_t mode)
{
	uint64_t said = s->said[i];

	if (mode == SERVER_CHANGES) {
		said = sl_clock_ns(NULL) << 1 | (~said & 1);
		__atomic_store_n(&s->said[i], said, __ATOMIC_RELEASE);
		__atomic_store_n(&s->changes, s->changes + 1, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&s->answers, s->answers + 1, __ATOMIC_RELAXED);
	return (uint32_t)(said & 1);
}

static uint32_t
reply(struct server *s, const uint8_t *data, uint32_t len, uint8_t *out, uint32_t room)
{
	const uint32_t mode = __atomic_load_n(&s->mode, __ATOMIC_RELAXED);
	struct sl_dns_out o;
	struct sl_dns_msg msg;
	bool printable;
	unsigned i;

	if (!sl_dns_parse(data, len, &msg, &printable) || msg.qtype != SL_DNS_A ||
		sscanf(msg.qname, "s%u.example.com", &i) != 1 || i >= CHURN_NAMES ||
		!sl_dns_out_begin(&o, out, room, &msg, SL_DNS_RA, SL_DNS_NOERROR))
		return 0;
	const uint32_t first = server_first_addr(i) + CHURN_ADDRS * set_of(s, i, mode);
	const uint32_t seconds = ttl(s, mode);

	for (uint32_t k = 0; k < CHURN_ADDRS; k++) {
		const struct sl_ip ip = {.family = AF_INET, .v4 = htonl(first + k)};

		sl_dns_out_ip(&o, "", &ip, seconds);
	}
	return sl_dns_out_end(&o, ASK_UDP_MOST);
}

// ---- the seam: from the event loop, a turn later ----

static uint32_t
question(const char *name, uint8_t out[512])
{
	static const uint8_t tail[] = {0, SL_DNS_A, 0, 1};
	int len;

	memset(out, 0, SL_DNS_HLEN);
	out[2] = SL_DNS_RD >> 8;
	out[5] = 1;
	len = sl_dns_name_put(name, out + SL_DNS_HLEN);
	memcpy(out + SL_DNS_HLEN + len, tail, sizeof(tail));
	return SL_DNS_HLEN + (uint32_t)len + sizeof(tail);
}

static void
on_soon(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	while (s->n_queued) {
		struct sl_dns_ask *ask = s->queue[--s->n_queued].ask;
		uint8_t in[512], out[ASK_UDP_MOST];
		const uint32_t len = question(s->queue[s->n_queued].name, in);

		ask->done(ask, 0, out, reply(s, in, len, out, sizeof(out)));
	}
}

static int
start(void *ctx, struct sl_dns_ask *ask)
{
	static const struct timeval now;
	struct server *s = ctx;

	if (s->n_queued == QUEUE)
		return -ENOBUFS;
	s->queue[s->n_queued].ask = ask;
	snprintf(s->queue[s->n_queued++].name, SL_DNS_NAME_MAX, "%s", ask->name);
	event_add(s->soon, &now);
	return 0;
}

static void
cancel(void *ctx, struct sl_dns_ask *ask, bool late)
{
	struct server *s = ctx;

	for (unsigned i = 0; i < s->n_queued; i++)
		if (s->queue[i].ask == ask)
			s->queue[i--] = s->queue[--s->n_queued];
}

// ---- the socket ----

static void *
serve(void *arg)
{
	struct server *s = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(s->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		uint8_t in[512], out[ASK_UDP_MOST];
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		const ssize_t n =
			recvfrom(s->fd, in, sizeof(in), 0, (struct sockaddr *)&from, &size);
		const uint32_t len = n > 0 ? reply(s, in, (uint32_t)n, out, sizeof(out)) : 0;

		if (len > 0 && sendto(s->fd, out, len, 0, (struct sockaddr *)&from, size) < 0)
			perror("sendto");
	}
	return NULL;
}

uint16_t
server_listen(struct server *s, unsigned cpu)
{
	const struct timeval often = {.tv_usec = 100000};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);

	s->cpu = cpu;
	s->fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
		getsockname(s->fd, (struct sockaddr *)&at, &size) < 0 ||
		setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &often, sizeof(often)) < 0)
		return 0;
	errno = pthread_create(&s->thread, NULL, serve, s);
	if (errno) {
		close(s->fd);
		s->fd = -1;
		return 0;
	}
	return ntohs(at.sin_port);
}

// ---- life ----

struct server *
server_new(struct event_base *base)
{
	struct server *s = sl_xcalloc(1, sizeof(*s));

	s->fns = (struct sl_dns_ask_fns){.ctx = s, .start = start, .cancel = cancel};
	s->soon = evtimer_new(base, on_soon, s);
	s->fd = -1;
	return s;
}

void
server_free(struct server *s)
{
	if (s->fd >= 0) {
		__atomic_store_n(&s->stop, 1, __ATOMIC_RELAXED);
		pthread_join(s->thread, NULL);
		close(s->fd);
	}
	event_free(s->soon);
	free(s);
}

const struct sl_dns_ask_fns *
server_seam(struct server *s)
{
	return &s->fns;
}

void
server_set_mode(struct server *s, enum server_mode mode)
{
	__atomic_store_n(&s->mode, mode, __ATOMIC_RELAXED);
}

uint64_t
server_changes(const struct server *s)
{
	return __atomic_load_n(&s->changes, __ATOMIC_RELAXED);
}

uint64_t
server_answers(const struct server *s)
{
	return __atomic_load_n(&s->answers, __ATOMIC_RELAXED);
}

struct server_said
server_at(const struct server *s, uint32_t i)
{
	const uint64_t said = __atomic_load_n(&s->said[i], __ATOMIC_ACQUIRE);

	return (struct server_said){.ns = said >> 1, .set = (uint32_t)(said & 1)};
}
