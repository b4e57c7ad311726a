// DNS messages: all that can be read of one, and a response to it, which has to be read as it was
// written.
//
// Input: the message. It lies against a guard page.

#include <sys/socket.h>

#include "fuzz.h"
#include "sl_guard.h"
#include "sl_packet.h"
#include "sl_wire_dns.h"

#define MSG_MAX 65535
#define TARGET  "target.example.net"

static struct guarded in, out;

static void
name(const struct sl_dns_msg *msg, uint32_t at)
{
	char text[SL_DNS_NAME_MAX];
	uint8_t wire[255];
	const int rc = sl_dns_name(msg, at, text);

	MUST(rc == 0 || *text == '\0');
	MUST(strlen(text) <= 253);
	if (rc == 0)
		MUST(sl_dns_name_put(text, wire) == (int)strlen(text) + (*text ? 2 : 1));
}

static void
records(const struct sl_dns_msg *msg)
{
	const uint32_t n = (uint32_t)msg->n_answers + msg->n_authority + msg->n_additional;
	char text[SL_DNS_NAME_MAX];
	struct sl_dns_rr rr;
	struct sl_ip ip;
	uint32_t it = 0, seen = 0, ttl = 0;

	while (sl_dns_rr_next(msg, &it, &rr)) {
		seen++;
		MUST(rr.rdata + rr.rdlen <= msg->len && rr.ttl <= INT32_MAX);
		name(msg, rr.name);
		MUST(sl_dns_rr_ip(msg, &rr, &ip) == (ip.family != 0));
		(void)sl_dns_rr_cname(msg, &rr, text);
		if (sl_dns_rr_soa(msg, &rr, &ttl))
			MUST(ttl <= rr.ttl);
	}
	MUST(seen == n);
}

static void
same(const struct sl_dns_answer_set *a, const struct sl_dns_answer_set *b)
{
	MUST(a->n == b->n && a->n_all >= b->n_all);
	MUST(a->n == 0 || a->ttl == b->ttl);
	for (uint32_t i = 0; i < a->n; i++)
		MUST(sl_ip_equal(&a->ip[i], &b->ip[i]));
}

static bool
write_set(struct sl_dns_out *o, const struct sl_dns_answer_set *set, bool chain)
{
	bool all = !chain || sl_dns_out_cname(o, "", TARGET, set->ttl);

	for (uint32_t i = 0; i < set->n; i++)
		all = sl_dns_out_ip(o, chain ? TARGET : "", &set->ip[i], set->ttl) && all;
	return all;
}

static void
response(const struct sl_dns_msg *msg, const struct sl_dns_answer_set *set, bool chain,
	uint32_t room)
{
	uint8_t *at = guarded_at(&out, room);
	struct sl_dns_answer_set again;
	struct sl_dns_msg back;
	struct sl_dns_out o;
	bool printable;

	if (!sl_dns_out_begin(&o, at, room, msg, SL_DNS_AA, SL_DNS_NOERROR))
		return;
	const bool all = write_set(&o, set, chain);
	const uint32_t len = sl_dns_out_end(&o, 1232);

	MUST(len <= room && sl_dns_parse(at, len, &back, &printable));
	MUST(back.id == msg->id && back.flags & SL_DNS_QR && back.opcode == msg->opcode);
	MUST(all == !(back.flags & SL_DNS_TC) && back.has_opt == msg->has_opt);
	MUST(back.qname_len == msg->qname_len && strcmp(back.qname, msg->qname) == 0);
	MUST(memcmp(at + SL_DNS_HLEN, msg->data + msg->question, msg->qname_len + 4u) == 0);
	if (all && msg->qclass == 1) {
		MUST(sl_dns_answers(&back, &again) == 0);
		same(set, &again);
	}
	records(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint32_t len = (uint32_t)size;
	struct sl_dns_answer_set set;
	struct sl_dns_msg msg;
	bool printable;

	if (!in.map) {
		guarded_new(&in, MSG_MAX + 1);
		guarded_new(&out, MSG_MAX);
	}
	if (size > MSG_MAX + 1)
		return 0;
	uint8_t *at = guarded_at(&in, len);

	memcpy(at, data, len);
	if (!sl_dns_parse(at, len, &msg, &printable))
		return 0;
	MUST(printable || *msg.qname == '\0');
	records(&msg);
	if (sl_dns_answers(&msg, &set) != 0)
		return 0;
	MUST(set.n <= set.n_all && (set.n == 0 || !set.has_soa));
	for (uint32_t room = 0; room <= 1024; room += 64)
		response(&msg, &set, msg.id & 1, room);
	response(&msg, &set, msg.id & 1, MSG_MAX);
	return 0;
}
