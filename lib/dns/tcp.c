#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server.h"
#include "sl_buf.h"
#include "sl_str.h"

#define IDLE_NS      (10 * SL_NSEC_PER_SEC)
#define CLIENT_CONNS 64         // of one address, or one IPv6 /64
#define ACCEPTS      32         // in a row
#define READS        16         // in a row
#define ENOUGH_OUT   (16 << 10) // that many bytes unread by the client: no more queries are taken
#define MAX_OUT      (192 << 10)
#define MAX_WAITING  32 // forwarded queries of a connection
#define FRAME        2  // bytes of the length before a message

struct dns_conn {
	TAILQ_ENTRY(dns_conn) all;
	struct sl_dns_server *server;
	const struct dns_listener *listener;
	struct sl_ip client;
	int fd;
	bool ended;        // the client sends no more
	uint64_t since_ns; // when a query was taken, or everything had been sent
	struct event read_ev;
	struct event write_ev;
	struct dns_forwards forwards;
	struct sl_buf out;
	size_t out_done;
	uint32_t in_len;
	uint8_t in[FRAME + DNS_MAX_QUERY];
};

struct dns_forwards *
dns_conn_forwards(struct dns_conn *conn)
{
	return &conn->forwards;
}

static size_t
unsent(const struct dns_conn *c)
{
	return c->out.len - c->out_done;
}

static void
close_conn(struct dns_conn *c)
{
	dns_forwards_drop(&c->forwards);
	event_del(&c->read_ev);
	event_del(&c->write_ev);
	close(c->fd);
	TAILQ_REMOVE(&c->server->conns, c, all);
	c->server->n_conns--;
	sl_buf_fini(&c->out);
	free(c);
}

static void
touch(struct dns_conn *c, uint64_t now_ns)
{
	c->since_ns = now_ns;
	TAILQ_REMOVE(&c->server->conns, c, all);
	TAILQ_INSERT_TAIL(&c->server->conns, c, all);
}

// ---- answers ----

static bool
put_answer(struct dns_conn *c, const uint8_t *data, uint32_t len)
{
	const sl_be16 frame = sl_cpu_to_be16((uint16_t)len);

	if (unsent(c) + FRAME + len > MAX_OUT)
		return false;
	sl_buf_put(&c->out, &frame, FRAME);
	sl_buf_put(&c->out, data, len);
	return true;
}

// False: the connection is broken.
static bool
flush(struct dns_conn *c)
{
	while (unsent(c) > 0) {
		const ssize_t n = send(c->fd, c->out.data + c->out_done, unsent(c), MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return (errno == EAGAIN || errno == EWOULDBLOCK) &&
			       event_add(&c->write_ev, NULL) == 0;
		c->out_done += (size_t)n;
	}
	// A connection that once had much to say does not keep the memory.
	if (c->out.cap > ENOUGH_OUT)
		sl_buf_fini(&c->out);
	sl_buf_reset(&c->out);
	c->out_done = 0;
	return true;
}

static bool
is_busy(const struct dns_conn *c)
{
	const struct dns_forward *first = LIST_FIRST(&c->forwards);

	return first || unsent(c) > 0;
}

// ---- queries ----

static bool
take(struct dns_conn *c, uint64_t now_ns, const uint8_t *data, uint32_t len)
{
	struct sl_dns_server *s = c->server;
	enum dns_forwarded why;
	uint32_t out_len = 0;

	touch(c, now_ns);
	switch (dns_query(
		s, &c->client, true, now_ns, data, len, s->tcp_out, UINT16_MAX, &out_len)) {
	case SL_DNS_V_ANSWER:
		return put_answer(c, s->tcp_out, out_len);
	case SL_DNS_V_FORWARD:
		why = dns_forward(s, &c->client, NULL, c, now_ns, data, len);
		if (why == DNS_F_WAITS)
			return true;
		out_len = dns_excuse(data, len, why, s->tcp_out, UINT16_MAX);
		return put_answer(c, s->tcp_out, out_len);
	case SL_DNS_V_DROP:
		break;
	}
	return true;
}

static bool
has_enough(const struct dns_conn *c)
{
	return unsent(c) >= ENOUGH_OUT || dns_forwards_count(&c->forwards) >= MAX_WAITING;
}

// The whole queries that were read, as long as the client takes the answers. False: what it sends
// are no queries, or it takes no answers.
static bool
take_all(struct dns_conn *c, uint64_t now_ns)
{
	uint32_t at = 0;

	while (c->in_len - at >= FRAME && !has_enough(c)) {
		const uint32_t len = (uint32_t)c->in[at] << 8 | c->in[at + 1];

		if (len < SL_DNS_HLEN || len > DNS_MAX_QUERY) {
			dns_count(c->server, SL_DNS_C_CLIENT_BAD);
			return false;
		}
		if (c->in_len - at - FRAME < len)
			break;
		if (!take(c, now_ns, c->in + at + FRAME, len))
			return false;
		at += FRAME + len;
	}
	c->in_len -= at;
	memmove(c->in, c->in + at, c->in_len);
	return true;
}

// After something came in or went out: reads on, or not, or ends. False: it is over.
static bool
carry_on(struct dns_conn *c, uint64_t now_ns)
{
	do {
		if (!take_all(c, now_ns) || !flush(c))
			return false;
		// What was left as there was too much to send may have its turn now.
	} while (!has_enough(c) && c->in_len >= FRAME &&
		 c->in_len - FRAME >= ((uint32_t)c->in[0] << 8 | c->in[1]));
	if (c->ended)
		return is_busy(c);
	if (has_enough(c))
		return event_del(&c->read_ev) == 0;
	return event_add(&c->read_ev, NULL) == 0;
}

static void
on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct dns_conn *c = ctx;
	const uint64_t now_ns = dns_now_ns();

	for (unsigned i = 0; i < READS && !has_enough(c) && !c->ended; i++) {
		const ssize_t n = recv(fd, c->in + c->in_len, sizeof(c->in) - c->in_len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			close_conn(c);
			return;
		}
		if (n == 0) {
			c->ended = true;
			event_del(&c->read_ev);
		}
		c->in_len += (uint32_t)n;
		if (!take_all(c, now_ns)) {
			close_conn(c);
			return;
		}
	}
	if (!carry_on(c, now_ns))
		close_conn(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct dns_conn *c = ctx;
	const uint64_t now_ns = dns_now_ns();

	if (!flush(c)) {
		close_conn(c);
		return;
	}
	if (unsent(c) == 0)
		touch(c, now_ns);
	if (!carry_on(c, now_ns))
		close_conn(c);
}

void
dns_conn_answer(struct dns_conn *conn, const uint8_t *data, uint32_t len)
{
	const uint64_t now_ns = dns_now_ns();

	touch(conn, now_ns);
	if (!put_answer(conn, data, len) || !carry_on(conn, now_ns))
		close_conn(conn);
}

// ---- connections ----

static bool
may_join(struct sl_dns_server *s, const struct sl_ip *client)
{
	struct dns_conn *c, *idle = NULL;
	uint32_t n = 0;

	TAILQ_FOREACH(c, &s->conns, all)
	{
		n += dns_clients_same(&c->client, client);
		if (!idle && !is_busy(c))
			idle = c;
	}
	if (n >= CLIENT_CONNS)
		return false;
	if (s->n_conns < s->set->max_conns)
		return true;
	// Who is quiet makes room (RFC 7766 6.2.3 lets a server close idle ones at any time).
	if (idle)
		close_conn(idle);
	return idle != NULL;
}

static void
add_conn(struct dns_listener *l, int fd, const struct sl_ip *client)
{
	struct sl_dns_server *s = l->server;
	struct dns_conn *c = sl_xcalloc(1, sizeof(*c));
	const int one = 1;

	c->server = s;
	c->listener = l;
	c->client = *client;
	c->fd = fd;
	c->since_ns = dns_now_ns();
	LIST_INIT(&c->forwards);
	event_assign(&c->read_ev, s->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	event_assign(&c->write_ev, s->base, fd, EV_WRITE, on_writable, c);
	TAILQ_INSERT_TAIL(&s->conns, c, all);
	s->n_conns++;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (event_add(&c->read_ev, NULL) != 0)
		close_conn(c);
}

// Ends it without a word, and without keeping anything of it in the kernel.
static void
turn_away(int fd)
{
	const struct linger now = {.l_onoff = 1};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

void
dns_tcp_acceptable(evutil_socket_t fd, short what, void *listener)
{
	struct dns_listener *l = listener;
	struct sl_dns_server *s = l->server;
	const struct timeval soon = {.tv_usec = 100000};

	for (unsigned i = 0; i < ACCEPTS; i++) {
		union dns_sockaddr peer;
		socklen_t len = sizeof(peer);
		const int conn = accept4(fd, &peer.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct sl_ip client;

		if (conn < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (conn < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
					errno == ENOBUFS)) {
			// The connection stays in the queue, and the event would fire again at
			// once.
			event_del(&l->tcp_ev);
			event_add(&l->again_ev, &soon);
			return;
		}
		if (conn < 0)
			continue;
		client = dns_ip_of(&peer);
		if (!dns_ranges_has(&s->set->clients, &client))
			dns_count(s, SL_DNS_C_CLIENT_STRANGERS);
		else if (!may_join(s, &client))
			dns_count(s, SL_DNS_C_CLIENT_CROWDED);
		else {
			add_conn(l, conn, &client);
			continue;
		}
		turn_away(conn);
	}
}

void
dns_conns_sweep(struct sl_dns_server *s, uint64_t now_ns)
{
	struct dns_conn *c = TAILQ_FIRST(&s->conns), *next;

	for (; c && now_ns - c->since_ns >= IDLE_NS; c = next) {
		next = TAILQ_NEXT(c, all);
		// Who waits for our servers is not idle; who does not read what it asked for is.
		if (unsent(c) > 0 || !LIST_FIRST(&c->forwards))
			close_conn(c);
	}
}

void
dns_conns_close(struct sl_dns_server *s, const struct dns_listener *listener)
{
	struct dns_conn *c = TAILQ_FIRST(&s->conns), *next;

	for (; c; c = next) {
		next = TAILQ_NEXT(c, all);
		if (!listener || c->listener == listener)
			close_conn(c);
	}
}
