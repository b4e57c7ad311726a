// Stage 1, frames that are not plain: to tuples. What is not IPv4 with a whole TCP or UDP header
// for this port's MAC address gets its verdict here.

#include "handshake.h"
#include "pipe_priv.h"

#include <assert.h>
#include <string.h>

#define GROUP_BIT 1 // of the first byte of a MAC address: broadcast or multicast

static enum sl_drop
drop_of(enum sl_wire_kind kind)
{
	switch (kind) {
	case SL_WIRE_RUNT:
		return SL_DROP_RUNT;
	case SL_WIRE_BAD_IP:
		return SL_DROP_BAD_IP;
	case SL_WIRE_BAD_CSUM:
		return SL_DROP_BAD_CSUM;
	case SL_WIRE_FRAGMENT:
		return SL_DROP_FRAGMENT;
	case SL_WIRE_OPTIONS:
		return SL_DROP_IP_OPTIONS;
	case SL_WIRE_BAD_L4:
		return SL_DROP_BAD_L4;
	case SL_WIRE_L4:
	case SL_WIRE_IPV4:
	case SL_WIRE_OTHER:
		break;
	}
	return SL_DROP_DENIED;
}

// IPv4 that no service can take: the kernel gets what is to its own addresses, where it knows what
// to do with fragments and options, and ICMP to VIPs and pool addresses, which are host addresses
// on a mirror, so that they can be pinged. But errors that concern a handshake of ours.
static void
no_service(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkt)
{
	const struct sl_wire_info *info = &pkt->info;
	const uint32_t kinds = sl_fwd_addr_kinds(b->fwd->net, info->tuple.dst);

	if ((kinds & SL_ADDR_POOL) && pipe_icmp_error(p, b, pkt))
		return;
	if ((kinds & SL_ADDR_LOCAL) || (kinds && info->tuple.proto == SL_PROTO_ICMP))
		pipe_punt(pkt);
	else if (info->kind != SL_WIRE_IPV4)
		pipe_drop(p, pkt, drop_of(info->kind));
	else
		pipe_deny(p, b, pkt);
}

// The rare frames, and of these the broken ones first: what they seem to say counts for nothing.
static void
odd(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkt)
{
	const enum sl_wire_kind kind = pkt->info.kind;

	if (kind == SL_WIRE_RUNT || kind == SL_WIRE_BAD_IP || kind == SL_WIRE_BAD_CSUM)
		pipe_drop(p, pkt, drop_of(kind));
	else if (pkt->data[0] & GROUP_BIT)
		pipe_punt(pkt); // ARP, ND, DHCP, routing protocols; never forwarded
	else if (memcmp(pkt->data, &p->port_mac[pkt->in_port], sizeof(struct sl_mac)) != 0)
		pipe_drop(p, pkt, SL_DROP_NOT_OURS);
	else if (kind == SL_WIRE_OTHER)
		pipe_punt(pkt);
	else
		no_service(p, b, pkt);
}

void
pipe_parse(struct sl_pipe *p, struct burst *b)
{
	for (unsigned i = 0; i < b->n_odd; i++) {
		struct sl_pkt *pkt = b->odd[i];

		assert(pkt->in_port < p->n_ports);
		sl_wire_parse(pkt->data, pkt->data_len, pkt->frame_len, &pkt->info);
		if (pkt->info.kind == SL_WIRE_L4 &&
			memcmp(pkt->data, &p->port_mac[pkt->in_port], sizeof(struct sl_mac)) == 0)
			b->work[b->n_work++] = pkt;
		else
			odd(p, b, pkt);
	}
}
