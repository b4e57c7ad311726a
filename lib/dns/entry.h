// One name of one family, as a state machine without time or sockets of its own: outcomes of
// questions come in, addresses and the time of the next question come out.
//
// Owner:   the caller's memory, zeroed; entry_fini().
// Source:  RFC 8767 (stale answers), RFC 2308 (negative TTL); docs/names.md.
#pragma once

#include "sl_dns.h"

// What a question came to, the best first.
enum outcome_kind {
	OUTCOME_NONE, // nothing was asked yet
	OUTCOME_GOOD,
	OUTCOME_NXDOMAIN,
	OUTCOME_NODATA,
	OUTCOME_REJECTED, // only addresses that are refused
	OUTCOME_SERVFAIL,
	OUTCOME_REFUSED,
	OUTCOME_FORMERR,
	OUTCOME_NOTIMP,
	OUTCOME_RCODE, // another code
	OUTCOME_BAD,   // malformed, or to another question
	OUTCOME_UNREACHABLE,
	OUTCOME_TIMEOUT,
	OUTCOME_NO_SERVER,
	OUTCOME_MAX,
};

#define OUTCOME_NO_TTL UINT32_MAX

struct outcome {
	enum outcome_kind kind;
	const struct sl_ip *ip; // GOOD: in the answer's order, each once
	uint32_t n;
	uint32_t ttl;      // seconds; of an answer without addresses the negative TTL, or NO_TTL
	const char *error; // static; NULL: none
	bool fixed;        // out of the hosts file: nobody is asked while it stands there
};

static inline bool
outcome_is_empty(enum outcome_kind kind)
{
	return kind == OUTCOME_NXDOMAIN || kind == OUTCOME_NODATA;
}
const char *outcome_error(enum outcome_kind kind); // a static sentence; NULL for GOOD

struct entry_cfg {
	uint64_t floor_ns, ceiling_ns; // the least of the uses; 0: none
	uint64_t retry_min_ns, retry_max_ns;
	uint64_t confirm_ns;
};

struct entry {
	struct sl_ip *ip; // the last good answer, ascending, each once
	uint32_t n;
	struct sl_ip first;
	uint32_t ttl; // as it came
	uint64_t good_ns;
	uint64_t expires_ns; // UINT64_MAX: never
	uint64_t empty_ns;   // when the first of the empty answers came
	uint64_t next_ns;    // the next question; UINT64_MAX: none
	uint32_t failures;   // in a row
	uint32_t set_version, first_version;
	uint32_t changes;
	const char *error;
	uint8_t last;   // enum outcome_kind
	bool empty;     // the last answer that decided had no addresses
	bool confirmed; // a second one said the same
	bool settled;   // more is known than one unconfirmed empty answer
	bool fixed;
};

// What an outcome changed.
struct entry_news {
	bool changed;      // the set of addresses, there was one before
	bool unconfirmed;  // an empty answer before this one was a blip
	struct sl_ip *old; // the set before, when changed; the caller frees
	uint32_t n_old;
};

void entry_take(struct entry *e, const struct outcome *o, const struct entry_cfg *cfg, uint64_t now,
	uint64_t *rnd, struct entry_news *news);
// Other floors and ceilings, for the answer that there is.
void entry_reclamp(struct entry *e, const struct entry_cfg *cfg, uint64_t now, uint64_t *rnd);
// The hosts file does not name it any more: DNS is asked at once, what is known stays until then.
void entry_unfix(struct entry *e, uint64_t now);
void entry_fini(struct entry *e);
// The time between two questions as things are, for the pace of all.
uint64_t entry_interval(const struct entry *e, const struct entry_cfg *cfg);

struct entry_view {
	enum sl_dns_state state;
	bool shown;     // the addresses are used
	uint64_t until; // it changes by itself then; UINT64_MAX: no
};
// What a use with that policy sees.
struct entry_view entry_view(
	const struct entry *e, const struct sl_name_policy *policy, uint64_t now);
