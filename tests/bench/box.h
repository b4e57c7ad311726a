// What benchmarks of the packet path share: memory on hugepages, a worker's pipe with everything
// it needs, and frames in and out of it. Its clock is the time that the pipe itself took, so what
// a benchmark does between bursts costs nothing.
//
//   clients 198.18.0.0/15 (behind 192.0.2.1) -- VIP 192.0.2.100 -- 16 endpoints 198.51.100.0/28
//   pool 203.0.113.0/24; with .any what no service takes goes where the client wants to
#pragma once

#include <stddef.h>

#include "sl_pipe.h"

#define BOX_VIP       0xc0000264u
#define BOX_PORT      9 // of the VIP, and of the endpoints
#define BOX_ENDPOINTS 16
#define BOX_POOL      32
#define BOX_FRAME     60
#define BOX_ROUNDS    64 // most rounds of a figure

struct box_cfg {
	uint32_t capacity;
	uint32_t n_pool;    // BOX_POOL at most
	uint16_t last_port; // of the pool's, from 1024 on
	uint32_t syns;
	sl_tick timeout; // of all states but closing ones
	sl_tick closing;
	bool any;
};

struct box {
	struct sl_flow_table *flows;
	struct sl_sport *sports;
	struct sl_fwd_load *load;
	struct sl_pipe *pipe;
	struct sl_fwd *fwd;
	struct sl_stats stats;
	struct sl_pkt pkt[SL_BURST];
	uint8_t frame[SL_BURST][128];
	uint64_t now_ns;
	uint64_t bursts;
	double tsc_ghz;
};

void box_init(struct box *b, const struct box_cfg *cfg); // exits when there is no memory
void box_fini(struct box *b);

// What the memory is made of: hugepages where there are some.
const char *box_pages(void);
void box_pin(unsigned cpu);

// Writes frame i of the next burst: t with right checksums and nothing behind its headers.
void box_frame(struct box *b, unsigned i, const struct sl_tuple *t, uint8_t tcp_flags);
// Flow number `flow` of its client, to the VIP.
struct sl_tuple box_client(uint32_t flow, uint8_t proto);
// A burst of n frames through the pipe, with housekeeping as often as the daemon does it. Returns
// TSC cycles; the clock goes on by as much.
uint64_t box_run(struct box *b, unsigned n);
uint64_t box_housekeeping(struct box *b);
void box_advance(struct box *b, uint64_t ns);
void box_next_tick(struct box *b); // of the flow table
// Frame i went out and every checksum of it is right: its tuple. False: it did not, or is wrong.
bool box_out(const struct box *b, unsigned i, struct sl_tuple *t);

// The worker's flows are as many as its counters, ports and endpoints say, and `live`. Otherwise it
// says what is wrong, and exits with 1.
void box_books(const struct box *b, uint32_t live);
void box_must(bool ok, const char *what); // the same for anything else

// A figure: median, least and most of n rounds; sorts v.
struct box_figure {
	double median, lo, hi;
};
struct box_figure box_median(double *v, unsigned n);
