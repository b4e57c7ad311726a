// Responses, record by record.

#include <assert.h>
#include <sys/socket.h>

#include "dns.h"

#define OPT_LEN 11
#define OPT_DO  0x8000

// Flags of the query that a response repeats: RFC 1035 4.1.1 (opcode, RD), RFC 4035 3.2.2 (CD).
#define REPEATED (0x7800 | SL_DNS_RD | SL_DNS_CD)

static uint8_t *
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *
put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, (uint16_t)(v >> 16)), (uint16_t)v);
}

bool
sl_dns_out_begin(struct sl_dns_out *out, uint8_t *data, uint32_t room, const struct sl_dns_msg *msg,
	uint16_t flags, uint8_t rcode)
{
	const uint32_t question = msg->question ? msg->qname_len + 4u : 0;
	const uint32_t reserved = msg->has_opt ? OPT_LEN : 0;

	if (SL_DNS_HLEN + question + reserved > room)
		return false;
	*out = (struct sl_dns_out){.data = data,
		.room = room,
		.len = SL_DNS_HLEN + question,
		.reserved = reserved,
		.rcode = rcode,
		.has_opt = msg->has_opt,
		.dnssec_ok = msg->dnssec_ok};
	flags = (flags & (SL_DNS_AA | SL_DNS_RA)) | SL_DNS_QR | (msg->flags & REPEATED);
	put16(put16(data, msg->id), (uint16_t)(flags | (rcode & 0xf)));
	memset(data + 4, 0, SL_DNS_HLEN - 4);
	data[5] = question != 0;
	if (question)
		memcpy(data + SL_DNS_HLEN, msg->data + msg->question, question);
	return true;
}

// name: in wire form, NULL is the question's. A name that is there already is pointed to.
static uint8_t *
put_owner(const struct sl_dns_out *out, uint8_t *p, const uint8_t *name, uint32_t len)
{
	if (!name)
		return put16(p, DNS_POINTER << 8 | SL_DNS_HLEN);
	if (out->target && out->target + len <= out->len &&
		memcmp(out->data + out->target, name, len) == 0)
		return put16(p, (uint16_t)(DNS_POINTER << 8 | out->target));
	memcpy(p, name, len);
	return p + len;
}

static bool
put_record(struct sl_dns_out *out, const char *owner, uint16_t type, uint32_t ttl,
	const uint8_t *rdata, uint16_t rdlen)
{
	uint8_t rr[2 * DNS_WIRE_MAX + 10], name[DNS_WIRE_MAX];
	const int len = *owner ? sl_dns_name_put(owner, name) : 0;

	assert(len >= 0 && (*owner || out->data[5] != 0));
	uint8_t *p = put_owner(out, rr, *owner ? name : NULL, (uint32_t)len);

	p = put16(put32(put16(put16(p, type), DNS_IN), ttl), rdlen);
	memcpy(p, rdata, rdlen);
	p += rdlen;
	// After a record that is missing none follows: what is there is the beginning of the
	// answer.
	if (out->truncated || out->len + (uint32_t)(p - rr) + out->reserved > out->room) {
		out->truncated = true;
		return false;
	}
	memcpy(out->data + out->len, rr, (size_t)(p - rr));
	out->len += (uint32_t)(p - rr);
	put16(out->data + 6, (uint16_t)(dns_get16(out->data + 6) + 1));
	return true;
}

bool
sl_dns_out_ip(struct sl_dns_out *out, const char *owner, const struct sl_ip *ip, uint32_t ttl)
{
	if (ip->family == AF_INET)
		return put_record(out, owner, SL_DNS_A, ttl, (const uint8_t *)&ip->v4, 4);
	assert(ip->family == AF_INET6);
	return put_record(out, owner, SL_DNS_AAAA, ttl, ip->v6, 16);
}

bool
sl_dns_out_cname(struct sl_dns_out *out, const char *owner, const char *to, uint32_t ttl)
{
	uint8_t name[DNS_WIRE_MAX];
	const int len = sl_dns_name_put(to, name);

	assert(len > 0);
	if (!put_record(out, owner, SL_DNS_CNAME, ttl, name, (uint16_t)len))
		return false;
	if (out->len - (uint32_t)len <= 0x3fff)
		out->target = out->len - (uint32_t)len;
	return true;
}

uint32_t
sl_dns_out_end(struct sl_dns_out *out, uint16_t udp_size)
{
	if (out->truncated)
		out->data[2] |= SL_DNS_TC >> 8;
	if (out->has_opt) {
		uint8_t *p = out->data + out->len;

		*p++ = 0;
		p = put16(put16(p, SL_DNS_OPT), udp_size);
		*p++ = out->rcode >> 4;
		*p++ = 0; // version
		put16(put16(p, out->dnssec_ok ? OPT_DO : 0), 0);
		put16(out->data + 10, 1);
		out->len += OPT_LEN;
		out->has_opt = false;
		out->reserved = 0;
	}
	return out->len;
}
