// What a query gets: an answer from the table, an error, or its way to an upstream server.

#include <string.h>

#include "table.h"

#define UDP_MAX     1232 // what passes without fragments
#define TCP_MAX     65535
#define SHUFFLE_MAX 4096 // more addresses do not fit into a message
#define CLASS_IN    1
#define OPCODE(f)   ((f) >> 11 & 0xf)

struct reply {
	uint8_t *data;
	uint32_t room;
	uint32_t *len;
	bool *truncated;
};

static enum sl_dns_verdict
end(const struct reply *r, struct sl_dns_out *out)
{
	*r->len = sl_dns_out_end(out, UDP_MAX);
	*r->truncated = out->truncated;
	return SL_DNS_V_ANSWER;
}

static enum sl_dns_verdict
failure(const struct reply *r, const struct sl_dns_msg *msg, uint8_t rcode)
{
	struct sl_dns_out out;

	if (!sl_dns_out_begin(&out, r->data, r->room, msg, SL_DNS_RA, rcode))
		return SL_DNS_V_DROP;
	return end(r, &out);
}

static uint64_t
next(uint64_t *rnd)
{
	uint64_t x = *rnd += UINT64_C(0x9e3779b97f4a7c15); // splitmix64

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint32_t
below(uint64_t *rnd, uint32_t n)
{
	return (uint32_t)((next(rnd) >> 32) * n >> 32);
}

// In random order, until there is no room. Of more than fit into any message it is some that are
// neighbours.
static void
put_shuffled(struct sl_dns_out *out, const char *owner, const struct sl_ip *ip, uint32_t n,
	uint32_t ttl, uint64_t rnd)
{
	const uint32_t m = n < SHUFFLE_MAX ? n : SHUFFLE_MAX;
	const uint32_t first = m < n ? below(&rnd, n) : 0;
	uint16_t order[SHUFFLE_MAX];

	for (uint32_t i = 0; i < m; i++)
		order[i] = (uint16_t)i;
	for (uint32_t i = 0; i < m; i++) {
		const uint32_t pick = i + (m - i > 1 ? below(&rnd, m - i) : 0);
		const uint16_t at = order[pick];

		order[pick] = order[i];
		if (!sl_dns_out_ip(out, owner, &ip[(first + at) % n], ttl))
			return;
	}
}

// RFC 2308's NODATA for a name that has no address of the family: never a name error.
static enum sl_dns_verdict
answer(const struct reply *r, const struct sl_dns_msg *msg, const struct dns_found *found,
	uint64_t rnd)
{
	const int family = msg->qtype == SL_DNS_A ? DNS_V4 : DNS_V6;
	const char *owner = found->is_alias ? found->host : "";
	struct sl_dns_out out;

	if (!sl_dns_out_begin(&out, r->data, r->room, msg, SL_DNS_AA | SL_DNS_RA, SL_DNS_NOERROR))
		return SL_DNS_V_DROP;
	if (found->n[family] == 0)
		return end(r, &out);
	if (!found->is_alias || sl_dns_out_cname(&out, "", owner, found->ttl))
		put_shuffled(&out, owner, found->ip[family], found->n[family], found->ttl, rnd);
	return end(r, &out);
}

// What the client takes, once its OPT record has been read.
static uint32_t
room_of(const struct sl_dns_msg *msg, bool tcp, uint32_t room)
{
	uint32_t most = TCP_MAX;

	if (!tcp)
		most = msg->has_opt ? msg->udp_size : SL_DNS_UDP_MAX;
	if (!tcp && most > UDP_MAX)
		most = UDP_MAX;
	return room < most ? room : most;
}

static bool
asks_address(const struct sl_dns_msg *msg)
{
	return msg->qclass == CLASS_IN && (msg->qtype == SL_DNS_A || msg->qtype == SL_DNS_AAAA);
}

static enum sl_dns_verdict
well_formed(const struct sl_dns_table *t, const struct sl_ip *client, const struct sl_dns_msg *msg,
	bool printable, uint64_t rnd, const struct reply *r)
{
	struct dns_found found;

	if (msg->has_opt && msg->edns_version > 0)
		return failure(r, msg, SL_DNS_BADVERS);
	if (msg->n_questions > 1)
		return failure(r, msg, SL_DNS_FORMERR);
	if (msg->n_questions == 0 || !t)
		return failure(r, msg, SL_DNS_SERVFAIL);
	if (!asks_address(msg) || !printable || !dns_table_find(t, client, msg->qname, &found))
		return SL_DNS_V_FORWARD;
	return answer(r, msg, &found, rnd);
}

// Of a message that can't be read only its header is known.
static void
only_header(const uint8_t *data, struct sl_dns_msg *msg)
{
	memset(msg, 0, sizeof(*msg));
	msg->id = (uint16_t)(data[0] << 8 | data[1]);
	msg->flags = (uint16_t)(data[2] << 8 | data[3]);
}

enum sl_dns_verdict
sl_dns_respond(const struct sl_dns_table *t, const struct sl_ip *client, bool tcp,
	const uint8_t *data, uint32_t len, uint64_t rnd, uint8_t *out, uint32_t out_room,
	uint32_t *out_len, bool *bad, bool *truncated)
{
	struct reply r = {.data = out, .room = out_room, .len = out_len, .truncated = truncated};
	struct sl_dns_msg msg;
	bool printable;

	*out_len = 0;
	*truncated = false;
	*bad = len < SL_DNS_HLEN || data[2] & SL_DNS_QR >> 8;
	if (*bad) // an answer to an answer would be one of two parties' endless talk
		return SL_DNS_V_DROP;
	const bool ok = sl_dns_parse(data, len, &msg, &printable);

	if (!ok)
		only_header(data, &msg);
	r.room = room_of(&msg, tcp, out_room);
	// Other opcodes may have messages of another form.
	if (OPCODE(msg.flags) != 0)
		return failure(&r, &msg, SL_DNS_NOTIMP);
	*bad = !ok || msg.n_questions != 1;
	if (!ok)
		return failure(&r, &msg, SL_DNS_FORMERR);
	return well_formed(t, client, &msg, printable, rnd, &r);
}
