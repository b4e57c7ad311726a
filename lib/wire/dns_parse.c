// A DNS message: header, question, EDNS, and its records one by one.

#include "dns.h"

#define MSG_MAX    65535
#define RR_FIXED   10 // type, class, TTL and length, behind the owner
#define QUESTION   4  // type and class, behind the name
#define OPT_DO     0x8000
#define INDEX_BITS 16

static void
header(const uint8_t *p, struct sl_dns_msg *msg)
{
	msg->id = dns_get16(p);
	msg->flags = dns_get16(p + 2);
	msg->opcode = msg->flags >> 11 & 0xf;
	msg->rcode = msg->flags & 0xf;
	msg->n_questions = dns_get16(p + 4);
	msg->n_answers = dns_get16(p + 6);
	msg->n_authority = dns_get16(p + 8);
	msg->n_additional = dns_get16(p + 10);
}

static bool
first_question(struct sl_dns_msg *msg, bool *printable)
{
	const uint32_t end = dns_name_skip(msg, SL_DNS_HLEN);
	const int rc = sl_dns_name(msg, SL_DNS_HLEN, msg->qname);

	if (rc == -EINVAL)
		return false;
	*printable = rc == 0;
	msg->question = SL_DNS_HLEN;
	msg->qname_len = (uint16_t)(end - SL_DNS_HLEN);
	msg->qtype = dns_get16(msg->data + end);
	msg->qclass = dns_get16(msg->data + end + 2);
	return true;
}

static bool
questions(struct sl_dns_msg *msg, bool *printable)
{
	uint32_t at = SL_DNS_HLEN;

	for (uint32_t i = 0; i < msg->n_questions; i++) {
		at = dns_name_skip(msg, at);
		if (at == 0 || at + QUESTION > msg->len)
			return false;
		at += QUESTION;
	}
	msg->records = at;
	return msg->n_questions == 0 || first_question(msg, printable);
}

static bool
opt(struct sl_dns_msg *msg, const struct sl_dns_rr *rr)
{
	const uint8_t *p = msg->data + rr->rdata - RR_FIXED;

	if (msg->has_opt || msg->data[rr->name] != 0)
		return false;
	msg->has_opt = true;
	msg->udp_size = rr->class_ < SL_DNS_UDP_MAX ? SL_DNS_UDP_MAX : rr->class_;
	msg->edns_version = p[5];
	msg->dnssec_ok = dns_get16(p + 6) & OPT_DO;
	return true;
}

static uint32_t
n_records(const struct sl_dns_msg *msg)
{
	return (uint32_t)msg->n_answers + msg->n_authority + msg->n_additional;
}

static bool
records(struct sl_dns_msg *msg)
{
	const uint32_t n = n_records(msg);
	struct sl_dns_rr rr;
	uint32_t it = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (!sl_dns_rr_next(msg, &it, &rr))
			return false;
		if (rr.type == SL_DNS_OPT && rr.section == 3 && !opt(msg, &rr))
			return false;
	}
	return true;
}

bool
sl_dns_parse(const uint8_t *data, uint32_t len, struct sl_dns_msg *msg, bool *printable)
{
	memset(msg, 0, sizeof(*msg));
	*printable = true;
	if (len < SL_DNS_HLEN || len > MSG_MAX)
		return false;
	msg->data = data;
	msg->len = len;
	header(data, msg);
	return questions(msg, printable) && records(msg);
}

static uint8_t
section(const struct sl_dns_msg *msg, uint32_t index)
{
	if (index < msg->n_answers)
		return 1;
	return index < (uint32_t)msg->n_answers + msg->n_authority ? 2 : 3;
}

// *it: the record's offset and, in the lower bits, its number. A record takes 11 bytes at least, so
// that both fit; no record begins at 0.
bool
sl_dns_rr_next(const struct sl_dns_msg *msg, uint32_t *it, struct sl_dns_rr *rr)
{
	const uint32_t begin = *it ? *it >> INDEX_BITS : msg->records;
	const uint32_t index = *it & ((1u << INDEX_BITS) - 1);

	if (index >= n_records(msg))
		return false;
	const uint32_t at = dns_name_skip(msg, begin);

	if (at == 0 || at + RR_FIXED > msg->len)
		return false;
	const uint8_t *p = msg->data + at;
	const uint32_t ttl = dns_get32(p + 4);

	*rr = (struct sl_dns_rr){.section = section(msg, index),
		.type = dns_get16(p),
		.class_ = dns_get16(p + 2),
		.ttl = ttl > INT32_MAX ? 0 : ttl,
		.name = begin,
		.rdata = at + RR_FIXED,
		.rdlen = dns_get16(p + 8)};
	if (rr->rdata + rr->rdlen > msg->len)
		return false;
	*it = (rr->rdata + rr->rdlen) << INDEX_BITS | (index + 1);
	return true;
}
