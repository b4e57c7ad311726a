// What the files of the responder share: listeners, settings, and who is to be answered.
//
// Owner:   control makes settings, listeners and their sockets and frees them, after the thread has
//          let go of them (sl_dns_server_configure() waits for that). Connections and forwarded
//          queries are the thread's.
// Threads: the server's own, but for dns_settings_*().
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/queue.h>

#include "clients.h"
#include "sl_dns_server.h"
#include "upstreams.h"
#include "watch.h"

#define DNS_MAX_QUERY 4096 // bytes: more than any resolver asks with
#define DNS_UDP_ROOM  1232 // of our own answers, and what we tell others that we take
#define DNS_CROWDS    4096 // clients that share a number: so that their number costs nothing

union dns_sockaddr {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

socklen_t dns_sockaddr_of(const struct sl_dns_address *addr, union dns_sockaddr *out);
struct sl_ip dns_ip_of(const union dns_sockaddr *from);

struct dns_listener {
	struct sl_dns_address addr;
	int udp_fd;
	int tcp_fd;
	bool any; // 0.0.0.0 or ::, then a packet says which address it came to
	// The thread's.
	struct sl_dns_server *server;
	struct event udp_ev;
	struct event tcp_ev;
	struct event again_ev; // when accept() may be tried again
};

struct dns_settings {
	struct dns_listener **listener;
	uint32_t n_listeners;
	struct dns_ranges clients;
	struct sl_dns_address upstream[DNS_MAX_UPSTREAMS];
	uint32_t n_upstream;
	char *resolv_conf;
	uint64_t timeout_ns;
	uint32_t rate;
	uint32_t max_pending;
	uint32_t max_conns;
	struct sl_log *log;
};

// The settings that cfg says; *why is NULL before. Listeners whose address is one of old's are
// old's own; the others are opened. *err and *why: NULL, and nothing was kept open; or with old,
// when an address can't be listened on: all else is as cfg says, with the listeners of old and
// those that could be opened.
struct dns_settings *dns_settings_new(
	const struct sl_dns_server_cfg *cfg, const struct dns_settings *old, int *err, char **why);
bool dns_settings_has(const struct dns_settings *set, const struct dns_listener *listener);
// Closes and frees what is not kept's (NULL: everything).
void dns_settings_free(struct dns_settings *set, const struct dns_settings *kept);
// Whether asking addr is asking ourselves.
bool dns_settings_is_own(const struct dns_settings *set, const struct sl_dns_address *addr);

// Who asked over UDP: where the answer goes, and which address it leaves from.
struct dns_udp_from {
	struct dns_listener *listener;
	union dns_sockaddr peer;
	uint32_t control_len;
	union {
		size_t align; // as struct cmsghdr's
		uint8_t b[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
};

struct dns_random { // the kernel's random bytes, some at a time
	uint64_t v[32];
	uint32_t left;
};

struct dns_conn;
struct dns_forward;
struct dns_udp;
LIST_HEAD(dns_forwards, dns_forward);
TAILQ_HEAD(dns_conns, dns_conn);

struct sl_dns_server {
	pthread_t thread;
	struct event_base *base;
	int wake_fd;
	pthread_mutex_t lock;
	pthread_cond_t taken;
	struct {                                     // under lock
		const struct dns_settings *settings; // NULL: taken
		struct sl_dns_table *table;          // NULL: taken
		struct sl_dns_table *retired;        // control frees it at its next call
		bool stop;
	} next;
	struct dns_settings *settings; // control's
	// From here on the thread's.
	const struct dns_settings *set;
	struct sl_dns_table *table;
	struct event wake_ev;
	struct event tick_ev; // once a second
	struct dns_random random;
	struct dns_limiter limiter;
	struct dns_upstreams upstreams;
	struct watch resolv; // the file that names the servers; no path: the settings do
	struct sl_log_limit complaints;
	struct dns_forwards forwards;
	uint32_t n_forwards;
	uint16_t waiting[DNS_CROWDS]; // forwarded queries, by client
	struct dns_conns conns;       // who was quiet longest first
	uint32_t n_conns;
	struct dns_udp *udp;
	uint8_t tcp_out[2 + UINT16_MAX]; // one answer with its length before it
	uint64_t counter[SL_DNS_C_MAX];  // w: the thread, r: control; relaxed
};

static inline void
dns_count(struct sl_dns_server *s, enum sl_dns_counter c)
{
	__atomic_store_n(&s->counter[c], s->counter[c] + 1, __ATOMIC_RELAXED);
}

uint64_t dns_now_ns(void);
uint64_t dns_random(struct dns_random *random);
// One query: counts it, and says what becomes of it. An answer is in out.
enum sl_dns_verdict dns_query(struct sl_dns_server *s, const struct sl_ip *client, bool tcp,
	uint64_t now_ns, const uint8_t *data, uint32_t len, uint8_t *out, uint32_t room,
	uint32_t *out_len);

// ---- udp.c ----

struct dns_udp *dns_udp_new(void);
void dns_udp_free(struct dns_udp *udp);
void dns_udp_readable(evutil_socket_t fd, short what, void *listener);
void dns_udp_send(
	struct sl_dns_server *s, const struct dns_udp_from *to, const uint8_t *data, uint32_t len);

// ---- tcp.c ----

void dns_tcp_acceptable(evutil_socket_t fd, short what, void *listener);
// The answer to a query of the connection, which may be closed then.
void dns_conn_answer(struct dns_conn *conn, const uint8_t *data, uint32_t len);
struct dns_forwards *dns_conn_forwards(struct dns_conn *conn);
// The idle ones are closed.
void dns_conns_sweep(struct sl_dns_server *s, uint64_t now_ns);
// Those of the listener; NULL: all.
void dns_conns_close(struct sl_dns_server *s, const struct dns_listener *listener);

// ---- forward.c ----

enum dns_forwarded {
	DNS_F_WAITS,  // the answer comes later
	DNS_F_FAILED, // no server can be asked
	DNS_F_FULL, // too many wait, of all or of this client; or no ports or descriptors are left
	DNS_F_REFUSED, // a zone transfer: that is more than one answer
};
// Counted already. from is NULL over TCP, conn is NULL over UDP.
enum dns_forwarded dns_forward(struct sl_dns_server *s, const struct sl_ip *client,
	const struct dns_udp_from *from, struct dns_conn *conn, uint64_t now_ns,
	const uint8_t *data, uint32_t len);
// What a query that does not wait is answered at once. Returns the length.
uint32_t dns_excuse(
	const uint8_t *query, uint32_t len, enum dns_forwarded why, uint8_t *out, uint32_t room);
uint32_t dns_forwards_count(const struct dns_forwards *of_conn);
void dns_forwards_drop(struct dns_forwards *of_conn); // of a connection that ends
// Those that came over UDP to the listener; NULL: all that there are.
void dns_forwards_close(struct sl_dns_server *s, const struct dns_listener *listener);
