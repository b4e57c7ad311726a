#include "outcome.h"

#include <errno.h>
#include <string.h>

#include "ask.h"
#include "reject.h"

#define CLASS_IN 1

static enum outcome_kind
of_rcode(uint8_t rcode)
{
	switch (rcode) {
	case SL_DNS_FORMERR:
		return OUTCOME_FORMERR;
	case SL_DNS_SERVFAIL:
		return OUTCOME_SERVFAIL;
	case SL_DNS_NXDOMAIN:
		return OUTCOME_NXDOMAIN;
	case SL_DNS_NOTIMP:
		return OUTCOME_NOTIMP;
	case SL_DNS_REFUSED:
		return OUTCOME_REFUSED;
	default:
		return OUTCOME_RCODE;
	}
}

void
outcome_sift(const struct sl_ip *ip, uint32_t n, bool refuse_private, struct reading *out)
{
	for (uint32_t i = 0; i < n; i++) {
		const char *why = reject_why(&ip[i], refuse_private);

		if (!why) {
			out->ip[out->n++] = ip[i];
			continue;
		}
		if (!out->why)
			out->why = why;
		out->refused[out->n_refused++] = ip[i];
	}
}

// The owner of the addresses, when it is not the name that was asked for.
static void
find_canonical(const struct sl_dns_msg *msg, const struct sl_ip *ip, char *out)
{
	struct sl_dns_rr rr;
	struct sl_ip found;
	uint32_t it = 0;

	while (sl_dns_rr_next(msg, &it, &rr))
		if (rr.section == 1 && rr.type == msg->qtype && sl_dns_rr_ip(msg, &rr, &found) &&
			sl_ip_equal(&found, ip)) {
			if (sl_dns_name(msg, rr.name, out) != 0 || strcmp(out, msg->qname) == 0)
				out[0] = '\0';
			return;
		}
}

// Without addresses at the end of the chain there may be CNAMEs in the answer; addresses of
// somebody else, or an owner that can't be read, are no way to say that there are none.
static bool
is_plain_empty(const struct sl_dns_msg *msg)
{
	char owner[SL_DNS_NAME_MAX];
	struct sl_dns_rr rr;
	uint32_t it = 0;

	while (sl_dns_rr_next(msg, &it, &rr))
		if (rr.section == 1 &&
			(rr.type == msg->qtype || sl_dns_name(msg, rr.name, owner) == -EINVAL))
			return false;
	return true;
}

static void
read_addresses(const struct sl_dns_msg *msg, bool refuse_private, struct reading *out)
{
	struct sl_dns_answer_set set;

	if (sl_dns_answers(msg, &set) != 0)
		return; // bad, even when the header says NXDOMAIN
	if (set.n == 0 || msg->rcode == SL_DNS_NXDOMAIN) {
		if (!is_plain_empty(msg))
			return;
		out->kind = msg->rcode == SL_DNS_NXDOMAIN ? OUTCOME_NXDOMAIN : OUTCOME_NODATA;
		out->ttl = set.has_soa ? set.neg_ttl : OUTCOME_NO_TTL;
		return;
	}
	outcome_sift(set.ip, set.n, refuse_private, out);
	out->n_all = set.n_all;
	out->ttl = set.ttl;
	out->kind = out->n > 0 ? OUTCOME_GOOD : OUTCOME_REJECTED;
	find_canonical(msg, &set.ip[0], out->canonical);
}

static bool
is_ours(const struct sl_dns_msg *msg, bool printable, const struct reading_cfg *cfg)
{
	return (msg->flags & SL_DNS_QR) && msg->opcode == 0 && msg->question && printable &&
	       msg->n_questions == 1 && msg->qclass == CLASS_IN && msg->qtype == cfg->type &&
	       strcmp(msg->qname, cfg->name) == 0;
}

// A truncated message need not be well-formed behind its question: only its header is looked at.
static bool
is_truncated(const uint8_t *data, uint32_t len)
{
	return len >= SL_DNS_HLEN && ((data[2] << 8 | data[3]) & SL_DNS_TC);
}

void
outcome_read(const uint8_t *data, uint32_t len, const struct reading_cfg *cfg, struct reading *out)
{
	struct sl_dns_msg msg;
	bool printable = true;

	out->kind = OUTCOME_BAD;
	out->truncated = false;
	out->n = out->n_all = out->n_refused = 0;
	out->why = NULL;
	out->ttl = 0;
	out->canonical[0] = '\0';
	if (is_truncated(data, len)) {
		out->truncated = !cfg->tcp;
		return;
	}
	if (!sl_dns_parse(data, len, &msg, &printable)) {
		out->truncated = !cfg->tcp && len >= ASK_UDP_MOST;
		return;
	}
	if (!is_ours(&msg, printable, cfg))
		return;
	if (msg.rcode == SL_DNS_NOERROR || msg.rcode == SL_DNS_NXDOMAIN)
		read_addresses(&msg, cfg->refuse_private, out);
	else
		out->kind = of_rcode(msg.rcode);
}
