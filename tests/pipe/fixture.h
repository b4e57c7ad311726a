// A whole packet path in a box: snapshot, flow tables, source ports and pipes of one or more
// workers, with a fake clock. It plays the caller of the pipe: it brings frames in (against a guard
// page), does what verdicts say, and counts what the caller has to count.
// lint: length: the box that all tests of the path share, with its addresses and services
//
//   clients 198.51.100.0/24 -- port 0 [ .1 sluice .1 ] port 1 -- servers 192.0.2.0/24
//   (and 198.18.0.0/16 behind .254)     VIPs 203.0.113.0/25      (and 198.19.0.0/16 behind .254)
//                                       pool 203.0.113.128+
#pragma once

#include "sl_guard.h"
#include "sl_packet.h"
#include "sl_pipe.h"
#include "sl_test.h"

// A row says what differs from the usual frame.
#pragma GCC diagnostic ignored "-Woverride-init"

#define CLIENT        IP4(198, 51, 100, 7)
#define CLIENT2       IP4(198, 51, 100, 8) // its neighbour entry is not resolved
#define REMOTE_CLIENT IP4(198, 18, 3, 4)
#define LOST_CLIENT   IP4(198, 18, 100, 1) // behind EP_NEW's address on port 0
#define LOCAL         IP4(198, 51, 100, 1) // of the mirror of port 0; a service takes port 8443
#define LOCAL1        IP4(192, 0, 2, 1)    // of the mirror of port 1, also a pool address
#define VIP           IP4(203, 0, 113, 10)
#define VIP2          IP4(203, 0, 113, 11)
#define VIP_E         IP4(240, 240, 1, 9) // port 80 is served, 81 has no endpoint
#define POOL          IP4(203, 0, 113, 128)
#define POOL_VIP      IP4(203, 0, 113, 129) // lends ports, and a service takes port 80
#define TRANSIT       IP4(198, 19, 200, 1)
#define CLIENT_G1     IP4(198, 18, 1, 5)   // client group 1: 198.18.1.0/24
#define CLIENT_G2     IP4(198, 18, 2, 5)   // client group 2: 198.18.2.0/24
#define EP1           IP4(192, 0, 2, 11)   // of VIP:80
#define EP2           IP4(192, 0, 2, 12)   // of VIP2:80, with EP1
#define EP_UDP        IP4(192, 0, 2, 13)   // of VIP:53/udp
#define EP_FAR        IP4(198, 19, 1, 1)   // of VIP:82, behind a neighbour that is UNRESOLVED
#define EP_FAILED     IP4(192, 0, 2, 99)   // of VIP:83
#define EP_NEW        IP4(192, 0, 2, 50)   // of VIP:84, no adjacency
#define EP_LOST       IP4(198, 18, 200, 1) // of VIP:85, unreachable route
#define GATEWAY       IP4(192, 0, 2, 254)  // to EP_FAR

#define MAC_CLIENT    2, 0, 0, 0, 0xc, 1
#define MAC_CLIENT_GW 2, 0, 0, 0, 0xc, 0xfe
#define MAC_EP1       2, 0, 0, 0, 0xe, 1
#define MAC_EP2       2, 0, 0, 0, 0xe, 2
#define MAC_EP_UDP    2, 0, 0, 0, 0xe, 3
#define MAC_LATE      2, 0, 0, 0, 0xe, 9
#define MAC_PORT0     2, 0, 0, 0, 0, 0xa0
#define MAC_PORT1     2, 0, 0, 0, 0, 0xa1

#define SEC(n)    ((uint64_t)(n)*SL_NSEC_PER_SEC)
#define N_WORKERS 4
#define N_SLOTS   512
#define N_BUFS    512
#define BUF_BYTES 4096

// Slots from here on are those of clusters, in which flows of their endpoints count once more.
#define SLOT_CLUSTER 48

// Port numbers of services.c whose services differ by client or have no VIP.
enum {
	PORT_GROUPS = 90,    // VIP: a variant for group 1, one for group 2; any address
	PORT_ANY = 91,       // any address
	PORT_NESTED = 92,    // CIDRs in CIDRs, one of them for group 1; any address
	PORT_ON_LINK = 93,   // a CIDR that LOCAL is in; any address
	PORT_ORIGINAL = 94,  // original destination
	PORT_REWRITTEN = 95, // original destination, but for the port number: PORT_TARGET
	PORT_TARGET = 9500,
	PORT_LIMITED = 96, // VIP, TCP and UDP: MAX_FLOWS at most, in one cluster
	PORT_LAST = 97,    // VIP2: two endpoints, one flow at most
	PORT_NAME = 98,    // VIP, VIP2 (two endpoints), LOCAL and POOL_VIP: endpoints by name, see
			   // fx->name
	MAX_FLOWS = 2,
};

// What is known of the names of PORT_NAME.
enum name {
	NAME_PENDING,
	NAME_ANSWERED,
	NAME_EMPTY,
	NAME_FAR,  // EP_FAR, behind a neighbour that is UNRESOLVED
	NAME_GONE, // its services are
};

// Timeouts, in seconds.
enum { TO_HANDSHAKE = 30, TO_ESTABLISHED = 3600, TO_FIN = 120, TO_CLOSING = 10, TO_UDP = 60 };

// Adjacencies by index.
enum {
	ADJ_CLIENT,
	ADJ_CLIENT_GW,
	ADJ_EP1,
	ADJ_EP2,
	ADJ_EP_UDP,
	ADJ_GATEWAY,
	ADJ_FAILED,
	ADJ_CLIENT2,
	ADJ_NEW,
	N_ADJS,
};

// What is zero has the usual value.
struct fixture_opt {
	unsigned n_workers;   // 1
	uint32_t n_entries;   // replies are shared out by a hash with so many entries; by port
	uint32_t capacity;    // 1024 flows
	uint16_t sport_first; // 1024
	uint16_t sport_last;  // 3071
	uint32_t reserve;     // of these, none
	uint32_t n_pool;      // 1 address
	bool hold_none;
	uint32_t hold_total; // 256; of the next two the pipe's default
	uint32_t hold_per_hop;
	uint64_t hold_ns;
	enum sl_fwd_deny deny;
	uint32_t reply_rate;   // 1000
	bool no_replies;       // a rate of 0
	bool tight;            // no room behind a frame
	uint8_t max_half_open; // percent of the table, none
	uint8_t max_unanswered;
	uint32_t source_rate; // none
	uint32_t source_burst;
	uint32_t park_total; // of these two the pipe's default
	uint64_t park_ns;
	uint32_t syns;      // SYNs kept, none
	uint32_t connect_s; // the policy of all flows: connect timeout, longest age, idle; none
	uint32_t max_age_s;
	uint32_t idle_s;
	bool closing_never_ends; // as a timeout, which is how long ports rest too
};

struct buf {
	struct guarded g;
	uint8_t *data;
	bool used;
};

struct fixture {
	struct fixture_opt opt;
	struct sl_owner owner;
	uint64_t now;
	struct sl_fwd *fwd;
	uint64_t generation;
	uint32_t route_gen;
	struct sl_fwd_adj adj[N_ADJS]; // change and call fixture_publish()
	bool default_route;            // likewise: everything else leads to GATEWAY
	bool no_services;              // likewise
	enum name name;                // likewise
	bool allow_any;                // likewise: what no service takes goes where it wants to
	bool no_frames;                // frame_new() has none
	bool fail;                     // the caller cannot do what verdicts say: SL_DROP_TX_FULL
	struct worker {
		struct sl_pipe *pipe;
		struct sl_flow_table *flows;
		struct sl_sport *sports;
		struct sl_fwd_load load[N_SLOTS];
		struct sl_stats stats;
	} worker[N_WORKERS];
	struct buf buf[N_BUFS];
	unsigned asked;        // how often a next hop was asked for
	struct sl_fwd_hop ask; // the last one
};

struct result {
	enum sl_verdict verdict;
	enum sl_drop reason;
	unsigned owner;
	unsigned out_port;
	uint32_t len;
	uint8_t frame[BUF_BYTES];
	const char *bad;   // of the frame that came out: a wrong checksum or length
	struct packet out; // that frame, taken apart
};

const uint8_t *fixture_rss_key(void);                       // of opt.n_entries
struct fixture *fixture_new(const struct fixture_opt *opt); // opt may be NULL
void fixture_free(struct fixture *fx);
void fixture_publish(struct fixture *fx); // a new snapshot out of adj, default_route, route_gen

// services.c: what is in the snapshot besides routes and adjacencies.
struct sl_fwd_services *fixture_services(enum name name);
struct sl_fwd_clients *fixture_clients(void);
struct sl_fwd_eps *fixture_original_dst(void);

// One packet, and what became of it. MACs that are zero are those of the client or EP1 and the
// port.
struct result fixture_send(struct fixture *fx, const struct packet *k, unsigned port);
struct result fixture_send_to(
	struct fixture *fx, unsigned worker, const struct packet *k, unsigned port);
// A burst of bytes: only the verdicts. handed_in: they come from another worker, not from a port.
struct frame {
	uint8_t bytes[BUF_BYTES];
	uint32_t len, data_len, room;
	unsigned port;
};
void fixture_burst(struct fixture *fx, unsigned worker, const struct frame *frame, unsigned n,
	bool handed_in, struct result *results);
void fixture_frame(
	const struct fixture *fx, struct frame *f, const struct packet *k, unsigned port);
// Housekeeping until it has nothing more to do; frames that come out, at most max.
unsigned fixture_housekeeping(struct fixture *fx, struct result *out, unsigned max);
void fixture_pass(struct fixture *fx, double seconds); // time, then housekeeping
unsigned fixture_drain(struct fixture *fx, struct result *out, unsigned max);

// An order to all workers, with the time of now. False: one of them has no room.
bool fixture_reset(struct fixture *fx, uint32_t slot);

uint64_t fixture_drops(const struct fixture *fx, enum sl_drop reason);
uint64_t fixture_counter(const struct fixture *fx, enum sl_counter c);
uint32_t fixture_live(const struct fixture *fx);
uint32_t fixture_active(const struct fixture *fx); // of all endpoints
uint32_t fixture_ports_used(const struct fixture *fx);
// NULL, or what does not balance: packets, flows, source ports, endpoints' active flows, buffers.
const char *fixture_books(const struct fixture *fx);

#define CHECK_BOOKS(fx)                                                                            \
	do {                                                                                       \
		const char *imbalance = fixture_books(fx);                                         \
		RTE_TEST_ASSERT(!imbalance, "books: %s", imbalance);                               \
	} while (0)

// The usual packets.
#define TCP_TO(addr, port)                                                                         \
	.src = CLIENT, .dst = (addr), .proto = P_TCP, .sport = 40000, .dport = (port), .seq = 1000
#define UDP_TO(addr, port)                                                                         \
	.src = CLIENT, .dst = (addr), .proto = P_UDP, .sport = 40000, .dport = (port)
#define SYN_TO(addr, port) TCP_TO(addr, port), .flags = T_SYN
