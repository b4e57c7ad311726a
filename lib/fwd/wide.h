// The services of CIDRs and of any address, by protocol and port: which cell of the service table
// is meant.
#pragma once

#include "map.h"
#include "sl_fwd_services.h"

#define WIDE_NONE UINT32_MAX

struct wide_port {
	uint32_t first; // of its ranges, in start
	uint32_t cidr;  // and in cidr
	uint32_t n;     // ranges, 0: no CIDR
	uint32_t any;   // cell of the one for any address, or WIDE_NONE
};

struct wide {
	struct map by_port; // protocol and port to index into port
	struct wide_port *port;
	uint32_t n_ports;
	uint32_t *start; // ranges of all ports, see lpm.h
	uint32_t *cidr;  // per range: index into cell and up, or LPM_NONE
	uint32_t *spot;  // per range: cell[cidr], a load less for what is asked most
	uint32_t *cell;  // per CIDR: its place in the service table
	uint32_t *up;    // per CIDR: the one around it on the same port, or LPM_NONE
};

// From the cells whose key has a len below 32. 0 or -ENOMEM, w is to be finished then too.
int wide_init(struct wide *w, const struct sl_fwd_service *cell, uint32_t n_cells);
void wide_fini(struct wide *w);

static inline uint64_t
wide_key(uint8_t proto, sl_be16 port)
{
	return (uint64_t)port << 8 | proto;
}

// Nothing here is written after wide_init().
static inline const struct wide_port *
wide_find(const struct wide *w, uint8_t proto, sl_be16 port)
{
	const uint32_t *index;

	if (w->n_ports == 0)
		return NULL;
	index = fwd_map_find(&w->by_port, wide_key(proto, port));
	return index ? &w->port[*index] : NULL;
}
