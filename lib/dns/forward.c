// Queries for others: a socket of its own for each query and server, so that its port is the
// kernel's random choice and that what others send never reaches it (RFC 5452).
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server.h"
#include "sl_str.h"

#define FRAME    2 // bytes of the length before a message, over TCP
#define ASIDE_NS (30 * SL_NSEC_PER_SEC)
// All servers together have that many times the time of one: who asked does not wait for longer.
#define SERVERS_TIMES 2
// So that a client that asks for what nobody answers does not take all the room.
#define CLIENT_SHARE 4
#define TYPE_IXFR    251
#define TYPE_AXFR    252

struct dns_forward {
	LIST_ENTRY(dns_forward) all;
	LIST_ENTRY(dns_forward) of_conn;
	struct sl_dns_server *server;
	struct dns_conn *conn; // NULL: over UDP
	struct dns_udp_from from;
	struct event ev;
	int fd;            // -1: no server is being asked
	uint32_t crowd;    // of the client
	uint64_t until_ns; // of the server that is asked
	uint64_t end_ns;   // of all of them
	uint16_t client_id;
	uint16_t id;
	uint16_t room; // what the client takes over UDP
	uint16_t question_len;
	uint32_t n_order, asked; // asked: how many of them were, with the one that is
	struct sl_dns_address *order;
	uint32_t done; // bytes sent, or received, over TCP
	uint8_t *in;
	uint32_t len;
	uint8_t query[]; // with the two bytes before it
};

static void on_event(evutil_socket_t fd, short what, void *ctx);

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

// ---- one server ----

static void
stop_asking(struct dns_forward *f)
{
	if (f->fd < 0)
		return;
	event_del(&f->ev);
	close(f->fd);
	f->fd = -1;
	free(f->in);
	f->in = NULL;
	f->done = 0;
}

// Until the server's time is over, however often something happens.
static bool
wait_for(struct dns_forward *f, short what)
{
	const uint64_t now_ns = dns_now_ns();
	const uint64_t left_ns = f->until_ns > now_ns ? f->until_ns - now_ns : 0;
	const struct timeval left = {.tv_sec = (time_t)(left_ns / SL_NSEC_PER_SEC),
		.tv_usec = (suseconds_t)(left_ns % SL_NSEC_PER_SEC / 1000)};

	event_assign(&f->ev, f->server->base, f->fd, what, on_event, f);
	return event_add(&f->ev, &left) == 0;
}

static bool
ask_server(struct dns_forward *f, const struct sl_dns_address *server)
{
	const int type = f->conn ? SOCK_STREAM : SOCK_DGRAM, one = 1;
	union dns_sockaddr name;
	const socklen_t len = dns_sockaddr_of(server, &name);

	f->fd = socket(server->ip.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (f->fd < 0)
		return false;
	// So that event_del() has something to delete, whatever fails now.
	event_assign(&f->ev, f->server->base, f->fd, EV_READ, on_event, f);
	f->until_ns = dns_now_ns() + f->server->set->timeout_ns;
	if (f->until_ns > f->end_ns)
		f->until_ns = f->end_ns;
	f->id = (uint16_t)dns_random(&f->server->random);
	put16(f->query + FRAME, f->id);
	if (f->conn)
		(void)setsockopt(f->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(f->fd, &name.sa, len) != 0 && errno != EINPROGRESS)
		return false;
	if (f->conn)
		return wait_for(f, EV_WRITE);
	return send(f->fd, f->query + FRAME, f->len, MSG_NOSIGNAL) == (ssize_t)f->len &&
	       wait_for(f, EV_READ);
}

static bool
is_shortage(int err)
{
	// EAGAIN is what connect() of a UDP socket says when all ports are in use.
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM || err == EAGAIN;
}

// The server that is asked did not answer.
static void
put_aside(struct dns_forward *f)
{
	dns_upstreams_aside(
		&f->server->upstreams, &f->order[f->asked - 1], dns_now_ns() + ASIDE_NS);
}

// Not for a moment only: a server that had no time to answer must not be put aside.
static bool
is_time_left(const struct dns_forward *f)
{
	return dns_now_ns() + f->server->set->timeout_ns / 8 < f->end_ns;
}

// FULL: it is not the servers that fail, but we that can't ask.
static enum dns_forwarded
ask_next(struct dns_forward *f)
{
	stop_asking(f);
	while (f->asked < f->n_order && is_time_left(f)) {
		if (ask_server(f, &f->order[f->asked++]))
			return DNS_F_WAITS;
		if (is_shortage(errno)) {
			stop_asking(f);
			return DNS_F_FULL;
		}
		put_aside(f);
		stop_asking(f);
	}
	return DNS_F_FAILED;
}

// ---- the answer ----

static void
end(struct dns_forward *f)
{
	stop_asking(f);
	LIST_REMOVE(f, all);
	if (f->conn)
		LIST_REMOVE(f, of_conn);
	f->server->n_forwards--;
	f->server->waiting[f->crowd]--;
	free(f->order);
	free(f);
}

// An answer without records to a well-formed query. Returns its length, 0: it does not fit.
static uint32_t
bare_answer(const uint8_t *query, uint32_t len, uint16_t flags, uint8_t rcode, bool truncated,
	uint8_t *out, uint32_t room)
{
	struct sl_dns_out answer;
	struct sl_dns_msg msg;
	bool printable;

	if (!sl_dns_parse(query, len, &msg, &printable) ||
		!sl_dns_out_begin(&answer, out, room, &msg, flags, rcode))
		return 0;
	answer.truncated = truncated;
	return sl_dns_out_end(&answer, DNS_UDP_ROOM);
}

uint32_t
dns_excuse(const uint8_t *query, uint32_t len, enum dns_forwarded why, uint8_t *out, uint32_t room)
{
	return bare_answer(query, len, SL_DNS_RA,
		why == DNS_F_REFUSED ? SL_DNS_REFUSED : SL_DNS_SERVFAIL, false, out, room);
}

// The answer of ours or of a server to who asked, and the end of f.
static void
deliver(struct dns_forward *f, uint8_t *data, uint32_t len)
{
	struct sl_dns_server *s = f->server;
	struct dns_conn *conn = f->conn;
	const struct dns_udp_from from = f->from;

	put16(data, f->client_id);
	end(f);
	if (conn)
		dns_conn_answer(conn, data, len);
	else
		dns_udp_send(s, &from, data, len);
}

static enum sl_dns_counter
counter_of(enum dns_forwarded rc)
{
	switch (rc) {
	case DNS_F_WAITS:
		return SL_DNS_C_CLIENT_FORWARDED;
	case DNS_F_FULL:
		return SL_DNS_C_CLIENT_FULL;
	case DNS_F_REFUSED:
		return SL_DNS_C_CLIENT_BAD;
	case DNS_F_FAILED:
		break;
	}
	return SL_DNS_C_CLIENT_FAILED;
}

static void
give_up(struct dns_forward *f, enum dns_forwarded why)
{
	uint8_t out[SL_DNS_UDP_MAX];
	const uint32_t len = dns_excuse(f->query + FRAME, f->len, why, out, sizeof(out));

	dns_count(f->server, counter_of(why));
	deliver(f, out, len);
}

static void
ask_another(struct dns_forward *f)
{
	enum dns_forwarded rc;

	put_aside(f);
	rc = ask_next(f);
	if (rc != DNS_F_WAITS)
		give_up(f, rc);
}

// RFC 5452 9.1. Of a server that does not understand queries at all the question may be missing.
static bool
fits(const struct dns_forward *f, const uint8_t *data, uint32_t len)
{
	const uint8_t *query = f->query + FRAME;
	const uint8_t rcode = len < SL_DNS_HLEN ? 0 : data[3] & 15;

	if (len < SL_DNS_HLEN || get16(data) != f->id || !(get16(data + 2) & SL_DNS_QR))
		return false;
	if (get16(data + 4) == 0)
		return rcode == SL_DNS_FORMERR || rcode == SL_DNS_NOTIMP;
	return get16(data + 4) == get16(query + 4) &&
	       len >= SL_DNS_HLEN + (uint32_t)f->question_len &&
	       memcmp(data + SL_DNS_HLEN, query + SL_DNS_HLEN, f->question_len) == 0;
}

static void
take_answer(struct dns_forward *f, uint8_t *data, uint32_t len)
{
	uint8_t cut[SL_DNS_UDP_MAX];

	dns_upstreams_aside(&f->server->upstreams, &f->order[f->asked - 1], 0);
	if (f->conn || len <= f->room) {
		deliver(f, data, len);
		return;
	}
	dns_count(f->server, SL_DNS_C_CLIENT_TRUNCATED);
	len = bare_answer(f->query + FRAME, f->len, get16(data + 2) & (SL_DNS_AA | SL_DNS_RA),
		data[3] & 15, true, cut, sizeof(cut));
	deliver(f, cut, len);
}

static void
on_datagram(struct dns_forward *f)
{
	uint8_t data[UINT16_MAX];
	const ssize_t n = recv(f->fd, data, sizeof(data), 0);

	if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
		ask_another(f); // "port unreachable", mostly
		return;
	}
	if (n >= 0 && fits(f, data, (uint32_t)n)) {
		take_answer(f, data, (uint32_t)n);
		return;
	}
	if (n >= 0)
		dns_count(f->server, SL_DNS_C_CLIENT_MISFITS);
	if (!wait_for(f, EV_READ))
		ask_another(f);
}

static bool
again(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

static void
on_stream_writable(struct dns_forward *f)
{
	const uint32_t all = FRAME + f->len;
	const ssize_t n = send(f->fd, f->query + f->done, all - f->done, MSG_NOSIGNAL);

	if (n < 0 && !again(n)) {
		ask_another(f);
		return;
	}
	f->done += n > 0 ? (uint32_t)n : 0;
	if (f->done < all) {
		if (!wait_for(f, EV_WRITE))
			ask_another(f);
		return;
	}
	f->done = 0;
	f->in = sl_xcalloc(1, FRAME + UINT16_MAX);
	if (!wait_for(f, EV_READ))
		ask_another(f);
}

static void
on_stream_readable(struct dns_forward *f)
{
	const uint32_t all = FRAME + (f->done < FRAME ? 0u : get16(f->in));
	const ssize_t n = recv(f->fd, f->in + f->done, all - f->done, 0);
	uint8_t *in = f->in;

	if (n == 0 || (n < 0 && !again(n))) {
		ask_another(f);
		return;
	}
	f->done += n > 0 ? (uint32_t)n : 0;
	if (f->done >= FRAME && f->done == FRAME + (uint32_t)get16(in)) {
		if (!fits(f, in + FRAME, get16(in))) {
			dns_count(f->server, SL_DNS_C_CLIENT_MISFITS);
			ask_another(f);
			return;
		}
		f->in = NULL; // it outlives f
		take_answer(f, in + FRAME, get16(in));
		free(in);
		return;
	}
	if (!wait_for(f, EV_READ))
		ask_another(f);
}

static void
on_event(evutil_socket_t fd, short what, void *ctx)
{
	struct dns_forward *f = ctx;

	if (what & EV_TIMEOUT)
		ask_another(f);
	else if (!f->conn)
		on_datagram(f);
	else if (!f->in)
		on_stream_writable(f);
	else
		on_stream_readable(f);
}

// ---- from the clients ----

static struct dns_forward *
forward_new(struct sl_dns_server *s, uint32_t crowd, const struct dns_udp_from *from,
	struct dns_conn *conn, uint64_t now_ns, const struct sl_dns_msg *msg)
{
	struct dns_forward *f = sl_xcalloc(1, sizeof(*f) + FRAME + msg->len);
	struct sl_dns_address order[DNS_MAX_UPSTREAMS];

	f->server = s;
	f->conn = conn;
	f->crowd = crowd;
	if (from)
		f->from = *from;
	f->fd = -1;
	f->end_ns = now_ns + SERVERS_TIMES * s->set->timeout_ns;
	f->client_id = msg->id;
	f->room = msg->has_opt ? msg->udp_size : SL_DNS_UDP_MAX;
	f->question_len = msg->qname_len + 4;
	f->n_order = dns_upstreams_order(&s->upstreams, now_ns, dns_random(&s->random), order);
	f->order = sl_xcalloc(f->n_order, sizeof(order[0]));
	memcpy(f->order, order, f->n_order * sizeof(order[0]));
	f->len = msg->len;
	put16(f->query, (uint16_t)msg->len);
	memcpy(f->query + FRAME, msg->data, msg->len);
	LIST_INSERT_HEAD(&s->forwards, f, all);
	if (conn)
		LIST_INSERT_HEAD(dns_conn_forwards(conn), f, of_conn);
	s->n_forwards++;
	s->waiting[crowd]++;
	return f;
}

static bool
has_room(const struct sl_dns_server *s, uint32_t crowd)
{
	const uint32_t most = s->set->max_pending;
	const uint32_t share = most > CLIENT_SHARE ? most / CLIENT_SHARE : 1;

	return s->n_forwards < most && s->waiting[crowd] < share;
}

enum dns_forwarded
dns_forward(struct sl_dns_server *s, const struct sl_ip *client, const struct dns_udp_from *from,
	struct dns_conn *conn, uint64_t now_ns, const uint8_t *data, uint32_t len)
{
	const uint32_t crowd = dns_limiter_crowd(&s->limiter, client, DNS_CROWDS);
	enum dns_forwarded rc;
	struct dns_forward *f;
	struct sl_dns_msg msg;
	bool printable;

	if (!sl_dns_parse(data, len, &msg, &printable) || msg.question != SL_DNS_HLEN) {
		rc = DNS_F_FAILED;
	} else if (conn && (msg.qtype == TYPE_AXFR || msg.qtype == TYPE_IXFR)) {
		rc = DNS_F_REFUSED;
	} else if (!has_room(s, crowd)) {
		rc = DNS_F_FULL;
	} else {
		f = forward_new(s, crowd, from, conn, now_ns, &msg);
		rc = ask_next(f);
		if (rc != DNS_F_WAITS)
			end(f);
	}
	dns_count(s, counter_of(rc));
	return rc;
}

uint32_t
dns_forwards_count(const struct dns_forwards *of_conn)
{
	const struct dns_forward *f;
	uint32_t n = 0;

	LIST_FOREACH(f, of_conn, of_conn)
	n++;
	return n;
}

void
dns_forwards_drop(struct dns_forwards *of_conn)
{
	struct dns_forward *f;

	while ((f = LIST_FIRST(of_conn)))
		end(f);
}

void
dns_forwards_close(struct sl_dns_server *s, const struct dns_listener *listener)
{
	struct dns_forward *f = LIST_FIRST(&s->forwards), *next;

	for (; f; f = next) {
		next = LIST_NEXT(f, all);
		if (!listener || (!f->conn && f->from.listener == listener))
			end(f);
	}
}
