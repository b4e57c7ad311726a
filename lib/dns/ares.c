// Questions by c-ares, in the event loop: a channel per server and transport, so that it is the
// resolver that chooses the server. c-ares 1.18 keeps a channel's UDP socket for as long as any
// question is under way, which pins a busy resolver to one source port (and through a NAT to one
// server behind it); channels are therefore changed for new ones, and the old ones drain.
//
// Source: ares_query(3), ares_process_fd(3); RFC 5452 9.2 (source ports); RFC 6891 (EDNS0).
#include <ares.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "sl_str.h"
#include "sl_wire_dns.h"

#define CHANNEL_QUESTIONS 10
#define CHANNEL_AGE       (30 * SL_NSEC_PER_SEC)
#define CHANNEL_LATE      2
#define CLASS_IN          1

struct socket {
	struct channel *channel;
	struct event *event;
	evutil_socket_t fd;
	struct socket *next;
};

struct channel {
	struct asker *asker;
	ares_channel ares;
	struct sl_dns_address server;
	bool tcp;
	bool retired; // it takes no more questions
	uint64_t timeout_ns;
	uint64_t born_ns;
	uint32_t n_sent, n_open, n_late;
	struct event *timer;
	struct socket *sockets;
	struct channel *next;
};

struct asker {
	struct sl_dns_ask_fns fns; // first
	struct event_base *base;
	uint64_t (*now_ns)(void *ctx);
	void *ctx;
	uint64_t *opened;
	struct channel *channels;
	uint32_t busy; // c-ares is on the stack: no channel may be destroyed
};

struct question {
	struct channel *channel;
	struct sl_dns_ask *ask; // NULL: cancelled
	bool starting;
	bool ended;
};

static void sweep(struct asker *asker);

static void
arm(struct channel *ch)
{
	struct timeval tv;

	if (ares_timeout(ch->ares, NULL, &tv))
		event_add(ch->timer, &tv);
	else
		event_del(ch->timer);
}

static void
process(struct channel *ch, ares_socket_t readable, ares_socket_t writable)
{
	struct asker *asker = ch->asker;

	asker->busy++;
	ares_process_fd(ch->ares, readable, writable);
	asker->busy--;
	arm(ch);
	sweep(asker);
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct socket *s = arg;

	process(s->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
		what & EV_WRITE ? fd : ARES_SOCKET_BAD);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	process(arg, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void
socket_free(struct socket **at)
{
	struct socket *s = *at;

	*at = s->next;
	if (s->event)
		event_free(s->event);
	free(s);
}

// c-ares says what it wants of a socket; nothing: it is about to be closed.
static void
on_wanted(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct channel *ch = arg;
	struct socket **at = &ch->sockets;
	const short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	if (*at)
		socket_free(at);
	if (what) {
		struct socket *s = sl_xcalloc(1, sizeof(*s));

		s->channel = ch;
		s->fd = fd;
		s->event = event_new(ch->asker->base, fd, what | EV_PERSIST, on_socket, s);
		s->next = ch->sockets;
		ch->sockets = s;
		if (s->event)
			event_add(s->event, NULL);
	}
}

static void
channel_free(struct channel *ch)
{
	if (ch->ares)
		ares_destroy(ch->ares);
	while (ch->sockets)
		socket_free(&ch->sockets);
	if (ch->timer)
		event_free(ch->timer);
	free(ch);
}

// Everything is said, so that c-ares reads neither resolv.conf nor the environment.
static int
ares_open(struct channel *ch)
{
	struct in_addr some = {.s_addr = sl_cpu_to_be32(INADDR_LOOPBACK)};
	char lookups[] = "b", no_file[] = "/dev/null";
	struct ares_options o = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP |
			 ARES_FLAG_IGNTC | ARES_FLAG_EDNS | (ch->tcp ? ARES_FLAG_USEVC : 0),
		.timeout = (int)((ch->timeout_ns + SL_NSEC_PER_SEC) / SL_NSEC_PER_MSEC),
		.tries = 1,
		.ndots = 1,
		.servers = &some,
		.nservers = 1,
		.lookups = lookups,
		.ednspsz = ASK_UDP_MOST,
		.resolvconf_path = no_file,
		.sock_state_cb = on_wanted,
		.sock_state_cb_data = ch,
	};
	const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
			 ARES_OPT_SERVERS | ARES_OPT_LOOKUPS | ARES_OPT_EDNSPSZ |
			 ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB | ARES_OPT_DOMAINS |
			 ARES_OPT_NOROTATE;
	const int port = ch->server.port ? ch->server.port : 53;
	struct ares_addr_port_node node = {
		.family = ch->server.ip.family, .udp_port = port, .tcp_port = port};
	int rc = ares_init_options(&ch->ares, &o, mask);

	if (rc != ARES_SUCCESS)
		return rc;
	if (node.family == AF_INET)
		node.addr.addr4.s_addr = ch->server.ip.v4;
	else
		memcpy(&node.addr.addr6, ch->server.ip.v6, sizeof(node.addr.addr6));
	return ares_set_servers_ports(ch->ares, &node);
}

static struct channel *
channel_new(struct asker *asker, const struct sl_dns_ask *ask)
{
	struct channel *ch = sl_xcalloc(1, sizeof(*ch));

	ch->asker = asker;
	ch->server = ask->server;
	ch->tcp = ask->tcp;
	ch->timeout_ns = ask->timeout_ns;
	ch->born_ns = asker->now_ns(asker->ctx);
	ch->timer = evtimer_new(asker->base, on_timer, ch);
	if (!ch->timer || ares_open(ch) != ARES_SUCCESS) {
		channel_free(ch);
		return NULL;
	}
	ch->next = asker->channels;
	asker->channels = ch;
	++*asker->opened;
	return ch;
}

static bool
is_used_up(const struct channel *ch, uint64_t now)
{
	return ch->n_sent >= CHANNEL_QUESTIONS || ch->n_late >= CHANNEL_LATE ||
	       now - ch->born_ns >= CHANNEL_AGE;
}

static void
sweep(struct asker *asker)
{
	const uint64_t now = asker->now_ns(asker->ctx);

	if (asker->busy)
		return;
	for (struct channel **at = &asker->channels; *at;) {
		struct channel *ch = *at;

		if (ch->n_open == 0 && (ch->retired || is_used_up(ch, now))) {
			*at = ch->next;
			channel_free(ch);
		} else {
			at = &ch->next;
		}
	}
}

static bool
is_for(const struct channel *ch, const struct sl_dns_ask *ask)
{
	return !ch->retired && ch->tcp == ask->tcp && ch->timeout_ns == ask->timeout_ns &&
	       ch->server.port == ask->server.port && sl_ip_equal(&ch->server.ip, &ask->server.ip);
}

static struct channel *
channel_for(struct asker *asker, const struct sl_dns_ask *ask)
{
	const uint64_t now = asker->now_ns(asker->ctx);
	struct channel *ch = asker->channels;

	while (ch && !is_for(ch, ask))
		ch = ch->next;
	if (ch && is_used_up(ch, now)) {
		ch->retired = true;
		ch = NULL;
	}
	return ch ? ch : channel_new(asker, ask);
}

static int
errno_of(int status)
{
	switch (status) {
	case ARES_ETIMEOUT:
		return -ETIMEDOUT;
	case ARES_ECONNREFUSED:
		return -ECONNREFUSED;
	default:
		return -EIO;
	}
}

static void
on_answer(void *arg, int status, int timeouts, unsigned char *msg, int len)
{
	struct question *q = arg;
	struct sl_dns_ask *ask = q->ask;

	if (q->starting) {
		q->ended = true;
		return;
	}
	q->channel->n_open--;
	free(q);
	if (!ask)
		return;
	if (msg && len > 0)
		ask->done(ask, 0, msg, (uint32_t)len);
	else
		ask->done(ask, errno_of(status), NULL, 0);
}

static int
start(void *ctx, struct sl_dns_ask *ask)
{
	struct asker *asker = ctx;
	struct channel *ch = channel_for(asker, ask);
	struct question *q;

	if (!ch)
		return -ENOMEM;
	q = sl_xcalloc(1, sizeof(*q));
	*q = (struct question){.channel = ch, .ask = ask, .starting = true};
	ask->asker = q;
	asker->busy++;
	ares_query(ch->ares, ask->name, CLASS_IN, ask->type, on_answer, q);
	asker->busy--;
	if (q->ended) {
		free(q);
		return -EHOSTUNREACH;
	}
	q->starting = false;
	ch->n_sent++;
	ch->n_open++;
	arm(ch);
	return 0;
}

// c-ares can't take one question back: it runs out by itself, unheard.
static void
cancel(void *ctx, struct sl_dns_ask *ask, bool late)
{
	struct question *q = ask->asker;

	q->ask = NULL;
	q->channel->n_late += late;
}

const struct sl_dns_ask_fns *
ares_asker_new(const struct sl_dns_env *env, uint64_t *channels)
{
	struct asker *asker;

	if (!env->base || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return NULL;
	asker = sl_xcalloc(1, sizeof(*asker));
	asker->fns = (struct sl_dns_ask_fns){asker, start, cancel};
	asker->base = env->base;
	asker->now_ns = env->now_ns;
	asker->ctx = env->ctx;
	asker->opened = channels;
	return &asker->fns;
}

void
ares_asker_free(const struct sl_dns_ask_fns *fns)
{
	struct asker *asker = fns ? fns->ctx : NULL;

	if (!asker)
		return;
	for (struct channel *ch = asker->channels, *next; ch; ch = next) {
		next = ch->next;
		channel_free(ch);
	}
	free(asker);
	ares_library_cleanup();
}
