// The servers, rated by how well they do: the best is asked first, one that fails again and again
// is set aside and probed now and then.
#pragma once

#include "sl_dns.h"

#define SERVERS_MAX 16

struct server {
	struct sl_dns_address addr;
	uint64_t srtt_ns; // smoothed; 0: unknown
	uint64_t aside_until_ns;
	uint64_t answered_ns; // the last answer of any kind
	uint32_t silent;      // questions without an answer, in a row
	uint32_t wrong;       // answers that are no use, in a row
	uint32_t asides;      // times in a row that it was set aside
	uint32_t open;        // questions under way
	bool aside;
	bool gone; // not configured any more; freed when nothing is open
	uint64_t questions, answers, timeouts, errors;
};

struct servers {
	struct server *v[SERVERS_MAX];
	uint32_t n;
};

// Those that stay keep their ratings. Those that go are marked gone and returned in left, which the
// caller ends the questions of and frees with server_free().
uint32_t servers_set(struct servers *s, const struct sl_dns_address *addr, uint32_t n,
	struct server *left[SERVERS_MAX]);
void servers_fini(struct servers *s);

// The one to ask next: not in tried, and, when another one does as well, not avoid. NULL: all were
// tried.
struct server *servers_pick(const struct servers *s, struct server *const *tried, uint32_t n_tried,
	const struct server *avoid, uint64_t *rnd);
// One set aside whose time for a probe has come; the time is moved on. NULL: none.
struct server *servers_probe(struct servers *s, uint64_t now);

// How long to wait for it before another one is asked as well.
uint64_t server_patience(const struct server *server, uint64_t timeout_ns);
// It was not as quick as that: its rating falls at once.
void server_late(struct server *server, uint64_t waited_ns);
// usable: the answer could be used. True: it is back, was set aside before.
bool server_answered(struct server *server, bool usable, uint64_t now, uint64_t rtt_ns);
// No answer to a question sent then; counts only when it answered nothing else since, or it is the
// name that is silent. True: it is set aside now.
bool server_silent(struct server *server, uint64_t now, uint64_t sent_ns);
// After answers that are no use. True: it is set aside now.
bool server_wrong(struct server *server, uint64_t now);
// "192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]:5353"
#define SERVER_STRLEN (SL_IP_STRLEN + 8)
const char *server_str(const struct sl_dns_address *addr, char buf[SERVER_STRLEN]);
