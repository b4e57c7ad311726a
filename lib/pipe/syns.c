#include "syns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t
sl_pipe_syns_bytes(uint32_t total)
{
	return ((size_t)total + 1) * sizeof(struct syn);
}

int
syns_init(struct syns *q, uint32_t total)
{
	*q = (struct syns){.total = total};
	q->syn = own_calloc((size_t)total + 1, sizeof(*q->syn));
	if (!q->syn)
		return -ENOMEM;
	for (uint32_t i = total; i > 0; i--) {
		q->syn[i].next = q->free;
		q->free = (uint16_t)i;
	}
	return 0;
}

void
syns_fini(struct syns *q)
{
	free(q->syn);
	q->syn = NULL;
}

uint16_t
syns_take(struct syns *q)
{
	const uint16_t at = q->free;

	if (at == 0)
		return 0;
	q->free = q->syn[at].next;
	q->syn[at].n_tried = 0;
	return at;
}

void
syns_give(struct syns *q, uint16_t at)
{
	struct syn *s = syns_at(q, at);

	if (s->queued) { // it is in the middle of a list: it goes when it comes up
		s->wants = SYN_TO_NOBODY;
		return;
	}
	s->wants = SYN_NOTHING;
	s->next = q->free;
	q->free = at;
}

void
syns_queue(struct syns *q, uint16_t at, enum syn_wants wants)
{
	struct syn *s = syns_at(q, at);

	s->wants = (uint8_t)wants;
	if (s->queued)
		return;
	s->queued = true;
	s->next = 0;
	if (q->n_queued++ == 0)
		q->head = at;
	else
		syns_at(q, q->tail)->next = at;
	q->tail = at;
}

uint16_t
syns_next(struct syns *q)
{
	const uint16_t at = q->head;

	if (q->n_queued == 0)
		return 0;
	q->n_queued--;
	q->head = syns_at(q, at)->next;
	syns_at(q, at)->queued = false;
	return at;
}

// The sum over a segment with its checksum in it is zero.
static bool
is_right(const struct sl_pkt *pkt, const struct sl_tcp_hdr *tcp)
{
	const struct sl_ipv4_hdr *ip = (const struct sl_ipv4_hdr *)(pkt->data + SL_ETH_HLEN);

	return sl_csum_l4(ip, tcp, pkt->info.ip_len - SL_IPV4_HLEN) == 0;
}

bool
syn_is_whole(const struct sl_pkt *pkt)
{
	const struct sl_wire_info *info = &pkt->info;
	const struct sl_tcp_hdr *tcp = (const struct sl_tcp_hdr *)(pkt->data + info->l4_off);
	const uint32_t headers = (uint32_t)info->l4_off + (uint32_t)(tcp->off >> 4) * 4;

	return headers == (uint32_t)SL_ETH_HLEN + info->ip_len && headers <= pkt->data_len &&
	       info->ip_len <= SYN_BYTES && is_right(pkt, tcp);
}

void
syn_fill(struct syn *s, const struct sl_pkt *pkt)
{
	s->len = (uint8_t)pkt->info.ip_len;
	memcpy(s->packet, pkt->data + SL_ETH_HLEN, s->len);
}

uint32_t
syn_seq(const struct syn *s)
{
	sl_be32 seq;

	memcpy(&seq, s->packet + SL_IPV4_HLEN + offsetof(struct sl_tcp_hdr, seq), sizeof(seq));
	return sl_be32_to_cpu(seq);
}

sl_be32
syn_client(const struct syn *s)
{
	sl_be32 src;

	memcpy(&src, s->packet + offsetof(struct sl_ipv4_hdr, src), sizeof(src));
	return src;
}
