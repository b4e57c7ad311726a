// The resolver's parts, as they see each other: records (one per name and family), uses of them,
// rounds (one question with the servers that were asked it).
#pragma once

#include "ask.h"
#include "entry.h"
#include "heap.h"
#include "hosts.h"
#include "outcome.h"
#include "servers.h"
#include "watch.h"

// How a use hangs on a record.
struct link {
	struct record *record; // NULL: that family is not wanted
	struct sl_dns_use *use;
	struct link *next, **prev; // in the record's list
};

// What a use was told last, or would be told now.
struct seen {
	enum sl_dns_state state;
	struct {
		bool shown;
		uint32_t set, first; // versions
	} family[2];
};

struct sl_dns_use {
	struct sl_dns *d;
	struct sl_name_policy policy;
	sl_dns_fn *fn;
	void *ctx;
	const char *error;   // the name can't be asked for
	struct link link[2]; // A, AAAA
	struct seen told;
	enum sl_dns_state state;                     // as it was counted
	struct sl_dns_use *dirty_next, **dirty_prev; // prev NULL: nothing is to be told
	struct sl_dns_use *next, **prev;             // all uses
};

struct record {
	struct sl_dns *d;
	struct record *chain; // of the hash table
	uint64_t hash;
	struct due ask;  // the next question: in d->urgent or d->refresh
	struct due view; // when the view of some use changes by itself
	struct round *round;
	struct link *links;
	struct entry e;
	struct sl_name_policy lenient; // of all uses: what people are shown
	struct entry_cfg cfg;
	uint64_t pace; // its part of d->pace, questions in 1e6 s
	struct sl_ip *refused;
	uint32_t n_refused;
	uint32_t left_out;
	char *canonical;
	struct sl_dns_address server; // that the last answer came from; family 0: none
	uint64_t rtt_ns;
	uint32_t questions;
	uint32_t sorted; // place in d->sorted, from 1
	enum sl_dns_state said;
	uint8_t family;
	bool urgent;
	char name[];
};

#define ROUND_SERVERS 4

// A question, until there is an answer or nobody is left to ask.
struct round {
	struct record *record;
	struct due hedge;                    // when another server is asked as well
	struct server *tried[ROUND_SERVERS]; // NULL: it is gone
	uint32_t n_tried;
	struct attempt *open[ROUND_SERVERS + 1];
	uint32_t n_open;
	uint32_t again;    // questions repeated to the only server
	uint64_t asked_ns; // the last of them
	const struct server *avoid;
	enum outcome_kind failure; // the most telling one
};

// One server asked. When the round has ended without it, it goes on for the server's rating.
struct attempt {
	struct sl_dns_ask ask; // first
	struct sl_dns *d;
	struct due deadline;
	struct server *server;
	struct round *round; // NULL: it ended
	uint64_t sent_ns;
	struct attempt *next, **prev;
};

struct sl_dns {
	struct sl_dns_env env;
	const struct sl_dns_ask_fns *ask;
	bool own_ask;
	struct event *wake;
	uint64_t rnd;

	uint64_t timeout_ns, retry_min_ns, retry_max_ns, confirm_ns;
	bool refuse_private;
	bool from_file; // servers are those of resolv
	struct watch resolv, hosts_watch;
	struct hosts hosts;
	struct due look; // at the files
	struct servers servers;

	struct record **slots; // by name and family
	uint32_t n_slots, n_records;
	struct record **sorted;
	uint32_t n_sorted;
	bool sorted_old;

	struct heap timers;  // deadlines, hedges, views, files
	struct heap urgent;  // questions that somebody waits for
	struct heap refresh; // the others: as many a second as keeps the rate even
	uint64_t pace;       // of all records, questions in 1e6 s
	uint64_t pace_next_ns;
	uint32_t in_flight, n_rounds;
	struct attempt *attempts;

	struct sl_dns_use *uses, *dirty;
	uint32_t n_pending;
	struct sl_ip both[128]; // what a use of two families is shown

	struct reading reading; // scratch: it is large
	uint64_t counter[SL_DNS_C_MAX];
	struct sl_log_limit limit_info, limit_warn;
	sl_dns_event_fn *event;
	void *event_ctx;
};

static inline uint64_t
resolver_now(const struct sl_dns *d)
{
	return d->env.now_ns(d->env.ctx);
}
void resolver_wake(struct sl_dns *d); // sl_dns_run() soon, from the loop

// records.c
struct record *record_find(const struct sl_dns *d, const char *name, int family);
struct record *record_get(struct sl_dns *d, const char *name, int family); // made when it is new
void record_drop(struct record *r);         // nobody uses it any more
void record_uses_changed(struct record *r); // policies anew
void record_plan(struct record *r);         // the time of the next question, as the entry says
void record_take(struct record *r, const struct outcome *o);
void record_configure(struct record *r); // times of the resolver changed
void record_look(struct record *r);      // the hosts file, for this name
void record_now(struct record *r);       // asks at once
void record_sift(struct record *r);      // private addresses are refused from now on
bool record_next(const struct sl_dns *d, uint32_t *slot, struct record **it); // all, in no order

// rounds.c
void round_begin(struct record *r);
void round_end(struct round *round);                        // without an outcome
void rounds_leave(struct sl_dns *d, struct server *server); // it is not asked any more
void rounds_fini(struct sl_dns *d);

// uses.c
void use_check(struct sl_dns_use *use); // tells it later, when something is different
void uses_tell(struct sl_dns *d);
struct entry_view record_view(const struct record *r, const struct sl_dns_use *use, uint64_t now);

// say.c
void say_state(struct record *r, enum sl_dns_state state);
void say_changed(struct record *r, const struct entry_news *news);
void say_refused(struct record *r, const struct reading *reading);
void say_left_out(struct record *r, uint32_t n);
void say_server(struct sl_dns *d, const struct server *server, bool aside);
void say(struct sl_dns *d, enum sl_log_level level, const char *reason, const char *name,
	const char *fmt, ...) SL_PRINTF(5, 6);
