#include "servers.h"

#include <stdio.h>
#include <stdlib.h>

#include "address.h"
#include "random.h"
#include "sl_str.h"

#define SILENT_MOST    3
#define WRONG_MOST     20 // one bad name in a row of good ones is no fault of the server
#define ASIDE_MIN      (5 * SL_NSEC_PER_SEC)
#define ASIDE_MAX      (60 * SL_NSEC_PER_SEC)
#define PATIENCE_MIN   (30 * SL_NSEC_PER_MSEC)
#define PATIENCE_FIRST (250 * SL_NSEC_PER_MSEC) // nothing is known of it yet
#define EXPLORE        32 // one question in so many goes to another one, so that ratings stay true

const char *
server_str(const struct sl_dns_address *addr, char buf[SERVER_STRLEN])
{
	char ip[SL_IP_STRLEN];

	sl_ip_str(&addr->ip, ip);
	if (address_port(addr) == DNS_PORT)
		snprintf(buf, SERVER_STRLEN, "%s", ip);
	else
		snprintf(buf, SERVER_STRLEN, addr->ip.family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip,
			addr->port);
	return buf;
}

static struct server *
take(struct servers *s, const struct sl_dns_address *addr)
{
	for (uint32_t i = 0; i < s->n; i++) {
		struct server *server = s->v[i];

		if (server && address_equal(&server->addr, addr)) {
			s->v[i] = NULL;
			return server;
		}
	}
	return NULL;
}

static bool
has(const struct servers *s, const struct sl_dns_address *addr)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (address_equal(&s->v[i]->addr, addr))
			return true;
	return false;
}

uint32_t
servers_set(struct servers *s, const struct sl_dns_address *addr, uint32_t n,
	struct server *left[SERVERS_MAX])
{
	struct servers now = {0};
	uint32_t n_left = 0;

	for (uint32_t i = 0; i < n && now.n < SERVERS_MAX; i++) {
		struct server *server;

		if (has(&now, &addr[i]))
			continue;
		server = take(s, &addr[i]);
		if (!server) {
			server = sl_xcalloc(1, sizeof(*server));
			server->addr = addr[i];
		}
		now.v[now.n++] = server;
	}
	for (uint32_t i = 0; i < s->n; i++)
		if (s->v[i]) {
			s->v[i]->gone = true;
			left[n_left++] = s->v[i];
		}
	*s = now;
	return n_left;
}

void
servers_fini(struct servers *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		free(s->v[i]);
	s->n = 0;
}

static bool
was_tried(const struct server *server, struct server *const *tried, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (tried[i] == server)
			return true;
	return false;
}

// Lower is better: those in use by their time, then those set aside by when they are due again;
// the one to avoid stands between.
static uint64_t
score(const struct server *server, const struct server *avoid)
{
	if (server->aside)
		return UINT64_MAX / 2 + server->aside_until_ns / 2;
	return server == avoid ? UINT64_MAX / 4 : server->srtt_ns;
}

static struct server *
best(const struct servers *s, struct server *const *tried, uint32_t n_tried,
	const struct server *avoid, uint64_t *rnd)
{
	struct server *found = NULL;
	const uint32_t start = s->n ? (uint32_t)random_below(rnd, s->n) : 0;

	for (uint32_t k = 0; k < s->n; k++) {
		struct server *server = s->v[(start + k) % s->n];

		if (!was_tried(server, tried, n_tried) &&
			(!found || score(server, avoid) < score(found, avoid)))
			found = server;
	}
	return found;
}

struct server *
servers_pick(const struct servers *s, struct server *const *tried, uint32_t n_tried,
	const struct server *avoid, uint64_t *rnd)
{
	struct server *found = best(s, tried, n_tried, avoid, rnd);

	if (found && n_tried == 0 && s->n > 1 && random_below(rnd, EXPLORE) == 0) {
		struct server *other = s->v[random_below(rnd, s->n)];

		if (!other->aside && other != avoid)
			found = other;
	}
	return found;
}

struct server *
servers_probe(struct servers *s, uint64_t now)
{
	for (uint32_t i = 0; i < s->n; i++) {
		struct server *server = s->v[i];

		if (server->aside && server->open == 0 && server->aside_until_ns <= now) {
			server->aside_until_ns = now + ASIDE_MIN;
			return server;
		}
	}
	return NULL;
}

uint64_t
server_patience(const struct server *server, uint64_t timeout_ns)
{
	uint64_t wait = server->srtt_ns ? server->srtt_ns * 2 : PATIENCE_FIRST;

	if (wait < PATIENCE_MIN)
		wait = PATIENCE_MIN;
	return wait < timeout_ns ? wait : timeout_ns;
}

void
server_late(struct server *server, uint64_t waited_ns)
{
	const uint64_t worse = server->srtt_ns + server->srtt_ns / 4;

	server->srtt_ns = worse > waited_ns ? worse : waited_ns;
	if (server->srtt_ns > ASIDE_MAX)
		server->srtt_ns = ASIDE_MAX;
}

bool
server_answered(struct server *server, bool usable, uint64_t now, uint64_t rtt_ns)
{
	const bool back = server->aside && usable;

	server->answers++;
	server->answered_ns = now;
	server->silent = 0;
	if (rtt_ns == 0)
		rtt_ns = 1;
	// As TCP smooths, but quick to believe that it has become better.
	if (server->srtt_ns == 0 || rtt_ns < server->srtt_ns / 4)
		server->srtt_ns = rtt_ns;
	else
		server->srtt_ns += rtt_ns / 8 - server->srtt_ns / 8;
	if (!usable) {
		server->errors++;
		return false;
	}
	server->wrong = 0;
	server->asides = 0;
	server->aside = false;
	return back;
}

// Set aside anew after a failed probe: for longer.
static bool
set_aside(struct server *server, uint64_t now)
{
	const bool anew = !server->aside;
	const uint32_t doubled = server->asides < 5 ? server->asides : 5;
	uint64_t wait = ASIDE_MIN << doubled;

	if (wait > ASIDE_MAX)
		wait = ASIDE_MAX;
	server->aside = true;
	if (anew || server->aside_until_ns <= now + ASIDE_MIN) {
		server->asides++;
		server->aside_until_ns = now + wait;
	}
	return anew;
}

bool
server_silent(struct server *server, uint64_t now, uint64_t sent_ns)
{
	server->timeouts++;
	if (server->answered_ns >= sent_ns)
		return false;
	return ++server->silent >= SILENT_MOST && set_aside(server, now);
}

bool
server_wrong(struct server *server, uint64_t now)
{
	return ++server->wrong >= WRONG_MOST && set_aside(server, now);
}
