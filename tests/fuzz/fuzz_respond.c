// Queries of clients: whatever comes, the response is one to it, and fits.
//
// Input: a byte (1: over TCP, 2: no table, 4 and 8: the client), then the query, which lies against
// a guard page. So does the response.

#include <sys/socket.h>

#include "dns_names.h"
#include "fuzz.h"
#include "sl_guard.h"
#include "sl_test.h"

#define MSG_MAX 65535

static struct guarded in, out;
static struct sl_dns_table *table;

static const char *const clients[] = {"203.0.113.1", "192.0.2.1", "192.0.2.129", "2001:db8:1::1"};

static uint32_t
most(const struct sl_dns_msg *query, bool tcp)
{
	if (tcp)
		return MSG_MAX;
	const uint32_t takes = query->has_opt ? query->udp_size : 512;

	return takes < 1232 ? takes : 1232;
}

static void
same_question(const struct sl_dns_msg *query, const struct sl_dns_msg *reply)
{
	MUST(reply->question == query->question);
	if (query->question)
		MUST(memcmp(query->data + query->question, reply->data + reply->question,
			     query->qname_len + 4u) == 0);
}

// Every name is the question's, or the CNAME's target.
static void
records(const struct sl_dns_msg *reply)
{
	char owner[SL_DNS_NAME_MAX], target[SL_DNS_NAME_MAX] = "";
	struct sl_dns_rr rr;
	struct sl_ip ip;
	uint32_t it = 0;

	while (sl_dns_rr_next(reply, &it, &rr) && rr.section == 1) {
		MUST(sl_dns_name(reply, rr.name, owner) == 0 && rr.ttl == TABLE_TTL);
		MUST(strcmp(owner, *target ? target : reply->qname) == 0);
		if (rr.type == SL_DNS_CNAME)
			MUST(!*target && sl_dns_rr_cname(reply, &rr, target) == 0);
		else
			MUST(rr.type == reply->qtype && sl_dns_rr_ip(reply, &rr, &ip));
	}
}

static void
check(const uint8_t *query, uint32_t query_len, const uint8_t *reply, uint32_t len, bool tcp,
	bool truncated)
{
	struct sl_dns_msg q, r;
	bool printable;
	const bool ok = sl_dns_parse(query, query_len, &q, &printable);

	MUST(sl_dns_parse(reply, len, &r, &printable));
	MUST(memcmp(query, reply, 2) == 0 && r.flags & SL_DNS_QR);
	MUST(truncated == ((r.flags & SL_DNS_TC) != 0));
	if (!ok) {
		MUST(r.n_questions == 0 && r.n_answers == 0);
		MUST(r.rcode == SL_DNS_FORMERR || r.rcode == SL_DNS_NOTIMP);
		return;
	}
	MUST(len <= most(&q, tcp) && r.has_opt == q.has_opt && r.rcode != SL_DNS_NXDOMAIN);
	MUST(r.n_answers == 0 || r.flags & SL_DNS_AA);
	same_question(&q, &r);
	records(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_ip client;
	uint32_t out_len;
	bool bad, truncated;

	if (!table) {
		guarded_new(&in, MSG_MAX);
		guarded_new(&out, MSG_MAX);
		table = table_make();
	}
	if (size < 1 || size > MSG_MAX)
		return 0;
	const bool tcp = data[0] & 1;
	const uint32_t len = (uint32_t)size - 1, room = tcp ? MSG_MAX : 1232;
	uint8_t *query = guarded_at(&in, len), *reply = guarded_at(&out, room);

	memcpy(query, data + 1, len);
	MUST(sl_ip_parse(clients[data[0] >> 2 & 3], &client) == 0);
	const enum sl_dns_verdict v = sl_dns_respond(data[0] & 2 ? NULL : table, &client, tcp,
		query, len, size, reply, room, &out_len, &bad, &truncated);

	MUST(v == SL_DNS_V_ANSWER || (out_len == 0 && !truncated));
	MUST(v != SL_DNS_V_FORWARD || !bad);
	if (v == SL_DNS_V_ANSWER)
		check(query, len, reply, out_len, tcp, truncated);
	return 0;
}
