// The resolver: names to addresses, kept fresh for as long as somebody uses them. One entry per
// name and family, shared by all uses of it.
//
// Owner:   sl_dns_new() / sl_dns_free(); a use belongs to who made it, until sl_dns_unuse().
//          Addresses that are handed out are borrowed: until the next call or event.
// Threads: the event loop's thread only. Nothing blocks: sockets are the loop's, /etc/hosts is read
//          when its time stamp changes.
// Errors:  as said per function. What a server does wrong is counted, logged and in the rows.
// Limits:  names of 253 characters; 64 addresses an answer (the rest is left out, and said); 4 KiB
//          a name, all in. Questions are spread: an entry asks at a random time of its last 20 %
//          before its TTL ends (the first time after a start or an outage: at any time of it), at
//          most `in_flight` at once, and refreshes at most half as often again as they need to in
//          the long run. At most 16 servers. A TTL above a week counts as one.
//
// Source: RFC 1035, 2308 (negative answers), 8767 (stale answers), 7766 (TCP after truncation);
// docs/names.md; docs/decisions/0010-names.md.
#pragma once

#include <event2/event.h>

#include "sl_emit.h"
#include "sl_ip.h"
#include "sl_log.h"
#include "sl_name_policy.h"

struct sl_dns;
struct sl_dns_use;

struct sl_dns_address {
	struct sl_ip ip;
	uint16_t port; // 0: 53
};

struct sl_dns_cfg {
	const struct sl_dns_address *server; // tried by how well they do; none: resolv_conf's
	uint32_t n_servers;
	const char *resolv_conf; // NULL: /etc/resolv.conf; followed when it changes
	const char *hosts_file;  // NULL: none is read
	// A server's time to answer before another one is asked as well (sooner, when it is known
	// to be quicker; the only server: itself again); twice that and it counts as no answer.
	uint64_t timeout_ns;
	uint64_t retry_min_ns; // back-off after failures, doubled each time, with jitter
	uint64_t retry_max_ns;
	uint64_t confirm_ns; // between an empty answer and the question that confirms it
	bool refuse_private; // answers in private ranges too (RFC 1918, 6598, 4193): DNS rebinding
};

struct sl_dns_env {
	struct event_base *base;
	struct sl_log *log;
	uint64_t (*now_ns)(void *ctx); // monotonic
	void *ctx;
	uint64_t seed;      // of jitter and spreading
	uint32_t in_flight; // 0: 256
	// For tests that have neither sockets nor time of their own; NULL: c-ares. See dns/ask.h.
	const struct sl_dns_ask_fns *ask;
};

// Copies cfg. NULL and *why, a sentence (the caller frees).
struct sl_dns *sl_dns_new(const struct sl_dns_env *env, const struct sl_dns_cfg *cfg, char **why);
void sl_dns_free(struct sl_dns *d); // ends its uses as well
// Other servers and times, from now on; answers stay. 0, or -EINVAL and *why: as before then.
int sl_dns_configure(struct sl_dns *d, const struct sl_dns_cfg *cfg, char **why);

enum sl_dns_state {
	SL_DNS_PENDING, // no question has been answered, or has failed, yet
	SL_DNS_FRESH,
	SL_DNS_STALE,    // the last good answer, past its TTL: refreshing it fails
	SL_DNS_EMPTY,    // there is no such name, or it has no address: confirmed
	SL_DNS_FAILED,   // no answer, and none that is young enough to be used
	SL_DNS_REJECTED, // the answer has only addresses that are refused
};
const char *sl_dns_state_name(enum sl_dns_state state); // "pending", "fresh", ..., "refused"

// From the event loop, when what sl_dns_get() gives of the use is another one: its addresses (with
// policy.first also the first of them) or its state. Never from within a call of this header.
typedef void sl_dns_fn(void *ctx, struct sl_dns_use *use);

// name: any letter case, perhaps with a dot at its end. Fields of policy decide for this use alone
// (families, strict, max_stale), or with those of the other uses (the least floor and ceiling).
// Never NULL: a name that can't be asked for is FAILED with its reason.
struct sl_dns_use *sl_dns_use_new(struct sl_dns *d, const char *name,
	const struct sl_name_policy *policy, sl_dns_fn *fn, void *ctx);
void sl_dns_unuse(struct sl_dns_use *use); // NULL is fine

struct sl_dns_view {
	enum sl_dns_state state; // of several families: the best of fresh, stale, pending, ...
	const struct sl_ip *ip;  // ascending, each once; none unless FRESH or STALE
	uint32_t n;
	struct sl_ip first; // the one that came first in the answer
	const char *error;  // the last one, static or the use's; NULL: none
	uint64_t stale_ns;  // since when the answer is stale (now_ns()'s clock); 0: it is not
};
void sl_dns_get(const struct sl_dns_use *use, struct sl_dns_view *out);

// Asks now, for all families of the name. Returns how many questions that is; 0: nobody uses it.
// A name of the hosts file is not asked for: the file is looked at, and it counts all the same.
uint32_t sl_dns_refresh(struct sl_dns *d, const char *name);
// Uses that are PENDING: readiness waits for none.
uint32_t sl_dns_pending(const struct sl_dns *d);

// ---- seeing it ----

enum sl_dns_counter {
#define SL_DNS_COUNTER(id, name, help) SL_DNS_C_##id,
#include "sl_dns_counters.def"
#undef SL_DNS_COUNTER
	SL_DNS_C_MAX,
};
struct sl_dns_counter_info {
	const char *name;
	const char *help;
};
const struct sl_dns_counter_info *sl_dns_counter_info(enum sl_dns_counter c);
uint64_t sl_dns_counter(const struct sl_dns *d, enum sl_dns_counter c);

// One entry for `sluicectl dns`: the members name, family ("A", "AAAA"), state, addresses[],
// refused[], canonical (the end of the CNAME chain, or null), ttlSeconds, ttlLeftSeconds,
// ageSeconds (of the last good answer), staleSeconds, nextSeconds, server, rttMs, error, failures
// (in a row), questions, changes; into the object that is open. The caller adds the services.
void sl_dns_entry_emit(struct sl_dns *d, const char *name, int family, struct sl_emit *e);
// Of that entry, which sl_dns_next() has just named.
enum sl_dns_state sl_dns_entry_state(struct sl_dns *d, const char *name, int family);
// The entries by name and family (AF_INET, AF_INET6). False at the end; *it = 0 begins. It survives
// changes in between: what comes or goes may be missed.
bool sl_dns_next(struct sl_dns *d, size_t *it, const char **name, int *family);
// A server for `sluicectl dns servers`: address, state (ok, aside), rttMs, questions, answers,
// timeouts, errors. False at the end.
bool sl_dns_server_emit(struct sl_dns *d, size_t i, struct sl_emit *e);

// What happened to names, for people. Called as it happens, perhaps within a call of this header.
// reason: "answer changed", "stale", "recovered", "failed", "empty", "addresses refused", "answer
// too large" of a name; "server set aside", "server back" of a server (name: its address);
// "resolv.conf", "hosts file" of a file (name: its path). warning: something that an operator
// should look at.
typedef void sl_dns_event_fn(
	void *ctx, bool warning, const char *reason, const char *name, const char *message);
void sl_dns_on_event(struct sl_dns *d, sl_dns_event_fn *fn, void *ctx);
