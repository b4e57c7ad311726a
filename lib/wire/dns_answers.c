// What a DNS message says of its question: data of records, the CNAME chain, negative answers.

#include <sys/socket.h>

#include "dns.h"

#define CHAIN_MAX 16
#define SOA_FIXED 20 // serial, refresh, retry, expire, minimum

bool
sl_dns_rr_ip(const struct sl_dns_msg *msg, const struct sl_dns_rr *rr, struct sl_ip *ip)
{
	const uint8_t *data = msg->data + rr->rdata;

	memset(ip, 0, sizeof(*ip));
	if (rr->type == SL_DNS_A && rr->rdlen == 4) {
		ip->family = AF_INET;
		memcpy(&ip->v4, data, 4);
	} else if (rr->type == SL_DNS_AAAA && rr->rdlen == 16) {
		ip->family = AF_INET6;
		memcpy(ip->v6, data, 16);
	}
	return ip->family != 0;
}

static bool
is_cname(const struct sl_dns_msg *msg, const struct sl_dns_rr *rr)
{
	return rr->type == SL_DNS_CNAME && dns_name_skip(msg, rr->rdata) == rr->rdata + rr->rdlen;
}

int
sl_dns_rr_cname(const struct sl_dns_msg *msg, const struct sl_dns_rr *rr, char out[SL_DNS_NAME_MAX])
{
	out[0] = '\0';
	return is_cname(msg, rr) ? sl_dns_name(msg, rr->rdata, out) : -EINVAL;
}

bool
sl_dns_rr_soa(const struct sl_dns_msg *msg, const struct sl_dns_rr *rr, uint32_t *ttl)
{
	uint32_t at = rr->rdata;

	if (rr->type != SL_DNS_SOA)
		return false;
	for (int i = 0; i < 2; i++) {
		at = dns_name_skip(msg, at);
		if (at == 0)
			return false;
	}
	if (at + SOA_FIXED != rr->rdata + rr->rdlen)
		return false;
	const uint32_t minimum = dns_get32(msg->data + at + 16);

	*ttl = minimum < rr->ttl ? minimum : rr->ttl;
	return true;
}

// The next record of the answer that belongs to name and has that type.
static bool
owned(const struct sl_dns_msg *msg, const uint8_t *name, uint16_t type, uint32_t *it,
	struct sl_dns_rr *rr)
{
	while (sl_dns_rr_next(msg, it, rr) && rr->section == 1)
		if (rr->type == type && rr->class_ == msg->qclass &&
			dns_name_is(msg, rr->name, name))
			return true;
	return false;
}

static void
at_most(uint32_t *ttl, uint32_t other)
{
	*ttl = other < *ttl ? other : *ttl;
}

// name: from the question's to the end of the chain.
static int
follow(const struct sl_dns_msg *msg, uint8_t name[DNS_WIRE_MAX], uint32_t *ttl)
{
	struct sl_dns_rr rr;

	for (uint32_t n = 0; n <= CHAIN_MAX; n++) {
		uint32_t it = 0;

		if (!owned(msg, name, SL_DNS_CNAME, &it, &rr))
			return 0;
		if (!is_cname(msg, &rr) || dns_name_wire(msg, rr.rdata, name) < 0)
			return -EINVAL;
		at_most(ttl, rr.ttl);
	}
	return -EINVAL;
}

static bool
has_ip(const struct sl_dns_answer_set *set, const struct sl_ip *ip)
{
	for (uint32_t i = 0; i < set->n; i++)
		if (sl_ip_equal(&set->ip[i], ip))
			return true;
	return false;
}

static int
addresses(const struct sl_dns_msg *msg, const uint8_t *name, struct sl_dns_answer_set *out)
{
	struct sl_dns_rr rr;
	struct sl_ip ip;
	uint32_t it = 0;

	while (owned(msg, name, msg->qtype, &it, &rr)) {
		if (!sl_dns_rr_ip(msg, &rr, &ip))
			return -EINVAL;
		at_most(&out->ttl, rr.ttl);
		if (has_ip(out, &ip))
			continue;
		out->n_all++;
		if (out->n < sizeof(out->ip) / sizeof(out->ip[0]))
			out->ip[out->n++] = ip;
	}
	return 0;
}

// What the chain's records allow is a limit as well: when one of them ends, the end of the chain
// may be another name.
static int
negative(const struct sl_dns_msg *msg, struct sl_dns_answer_set *out)
{
	struct sl_dns_rr rr;
	uint32_t it = 0;

	while (sl_dns_rr_next(msg, &it, &rr)) {
		if (rr.section != 2 || rr.type != SL_DNS_SOA || out->has_soa)
			continue;
		if (!sl_dns_rr_soa(msg, &rr, &out->neg_ttl))
			return -EINVAL;
		out->has_soa = true;
		at_most(&out->neg_ttl, out->ttl);
	}
	return 0;
}

int
sl_dns_answers(const struct sl_dns_msg *msg, struct sl_dns_answer_set *out)
{
	uint8_t name[DNS_WIRE_MAX];

	memset(out, 0, sizeof(*out));
	out->ttl = UINT32_MAX;
	if (msg->question == 0 || (msg->qtype != SL_DNS_A && msg->qtype != SL_DNS_AAAA))
		return -EINVAL;
	if (dns_name_wire(msg, msg->question, name) < 0 || follow(msg, name, &out->ttl) != 0)
		return -EINVAL;
	int rc = addresses(msg, name, out);

	if (rc == 0 && out->n == 0)
		rc = negative(msg, out);
	if (out->ttl == UINT32_MAX)
		out->ttl = 0;
	return rc;
}
