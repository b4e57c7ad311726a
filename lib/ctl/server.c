#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "sl_str.h"

#define READ_BYTES      (64u << 10)
#define READS_A_TURN    4
#define REQUESTS_A_TURN 16
#define STEPS_A_TURN    8
#define PIPELINE_BYTES  (64u << 10) // read ahead while a request is being answered
#define KEEP_BYTES      (1u << 20)  // larger buffers are given back when they are empty

enum timer {
	TIMER_NONE,
	TIMER_IDLE,
	TIMER_HALF, // not moved by progress: a request is there in time or not
	TIMER_STUCK,
};

// ---- end of a connection ----

static void
client_free(struct client *c)
{
	struct sl_ctl *ctl = c->ctl;

	if (c->req)
		sl_ctl_req_abort(c->req);
	event_free(c->ev_read);
	event_free(c->ev_write);
	event_free(c->ev_kick);
	event_free(c->ev_timer);
	close(c->fd);
	ctl->in_sum -= c->charged;
	if (c->prev)
		c->prev->next = c->next;
	else
		ctl->clients = c->next;
	if (c->next)
		c->next->prev = c->prev;
	ctl->n_clients--;
	sl_buf_fini(&c->in);
	sl_buf_fini(&c->out);
	free(c);
}

// A last word; the rest of what the client sends is not read.
static void
refuse(struct client *c, int exit, const char *message)
{
	sl_ctl_put_end(&c->out, exit, message);
	c->closing = true;
}

// ---- bytes out ----

static void
trim(struct sl_buf *b)
{
	if (b->cap > KEEP_BYTES)
		sl_buf_fini(b);
	else
		sl_buf_reset(b);
}

static void
flush(struct client *c)
{
	while (pending(c) > 0 && !c->dead) {
		const ssize_t n = send(c->fd, c->out.data + c->out_off, pending(c), MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			c->dead = errno != EAGAIN;
			break;
		}
		c->out_off += (size_t)n;
		c->progress = true;
	}
	if (pending(c) == 0) {
		trim(&c->out);
		c->out_off = 0;
	} else if (c->out_off >= c->out.len / 2) {
		memmove(c->out.data, c->out.data + c->out_off, pending(c));
		c->out.len -= c->out_off;
		c->out_off = 0;
	}
}

static void
pump(struct client *c)
{
	for (unsigned i = 0; i < STEPS_A_TURN; i++) {
		if (!c->req || !c->req->next || pending(c) >= SL_CTL_STREAM_ROOM)
			break;
		sl_ctl_req_step(c->req);
	}
}

// ---- bytes in ----

static void
charge(struct client *c)
{
	c->ctl->in_sum += c->in.len - c->charged;
	c->charged = c->in.len;
}

static void
check_size(struct client *c)
{
	const struct sl_ctl_limits *limits = &c->ctl->cfg.limits;
	char text[96];

	if (c->in.len > limits->request_max) {
		snprintf(text, sizeof(text), "a request is longer than %zu KiB",
			limits->request_max >> 10);
		refuse(c, 1, text);
	} else if (c->ctl->in_sum > limits->request_sum) {
		refuse(c, 1, "too many large requests at the same time, try again later");
	}
}

static void
parse_and_start(struct client *c, size_t len)
{
	struct sl_ctl_request request;
	struct sl_buf why = {0};
	const int rc = sl_ctl_request_parse(c->in.data, len, &request, &why);

	// The line goes first: a large request is not held twice while it is carried out.
	c->in.len -= len + 1;
	if (c->in.len > 0)
		memmove(c->in.data, c->in.data + len + 1, c->in.len);
	else
		trim(&c->in);
	c->scanned = 0;
	charge(c);
	c->progress = true;
	if (rc == 0) {
		sl_ctl_req_start(c, &request, len);
	} else {
		sl_ctl_request_fini(&request);
		if (rc == -EBADMSG)
			refuse(c, 2, why.data);
		else
			sl_ctl_put_end(&c->out, 2, why.data);
	}
	sl_buf_fini(&why);
}

static bool
next_line(struct client *c, size_t *len)
{
	const char *newline = NULL;

	if (c->in.len > c->scanned)
		newline = memchr(c->in.data + c->scanned, '\n', c->in.len - c->scanned);
	if (!newline) {
		c->scanned = c->in.len;
		return false;
	}
	*len = (size_t)(newline - c->in.data);
	return true;
}

// Requests that are complete, one after the other. A client that does not read its answers gets no
// new ones.
static void
serve(struct client *c)
{
	size_t len;

	for (unsigned i = 0; i < REQUESTS_A_TURN; i++) {
		if (c->req || c->closing || c->dead || pending(c) >= SL_CTL_STREAM_ROOM)
			return;
		if (!next_line(c, &len))
			return;
		if (len > c->ctl->cfg.limits.request_max)
			check_size(c);
		else
			parse_and_start(c, len);
	}
	event_active(c->ev_kick, EV_TIMEOUT, 0);
}

static void
end_of_input(struct client *c)
{
	struct pollfd p = {.fd = c->fd, .events = 0};

	c->eof = true;
	// Gone altogether, or only done with asking?
	if (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)))
		c->dead = true;
	else if (c->in.len > 0 && c->in.data[c->in.len - 1] != '\n')
		sl_buf_putc(&c->in, '\n'); // the last request may lack it
	charge(c);
}

static bool
may_read(const struct client *c)
{
	return !c->eof && !c->closing && !c->dead &&
	       (c->in.len < PIPELINE_BYTES || (!c->req && pending(c) < SL_CTL_STREAM_ROOM));
}

static void
take_in(struct client *c)
{
	char bytes[READ_BYTES];

	for (unsigned i = 0; i < READS_A_TURN && may_read(c); i++) {
		const ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);

		if (n > 0) {
			sl_buf_put(&c->in, bytes, (size_t)n);
			charge(c);
			check_size(c);
		} else if (n == 0) {
			end_of_input(c);
		} else if (errno != EINTR) {
			c->dead = errno != EAGAIN;
			return;
		}
	}
}

// ---- events ----

static void
arm(struct event *ev, bool wanted)
{
	if (wanted)
		event_add(ev, NULL);
	else
		event_del(ev);
}

static enum timer
timer_for(const struct client *c)
{
	if (c->closing)
		return TIMER_HALF;
	// A stream may have nothing pending and yet wait for room in the kernel.
	if (pending(c) > 0 || (c->req && c->req->next))
		return TIMER_STUCK;
	if (c->req)
		return TIMER_NONE;
	return c->in.len > 0 ? TIMER_HALF : TIMER_IDLE;
}

static uint32_t
timer_ms(const struct client *c, enum timer timer)
{
	const struct sl_ctl_limits *limits = &c->ctl->cfg.limits;

	switch (timer) {
	case TIMER_IDLE:
		return limits->idle_ms;
	case TIMER_HALF:
		return limits->half_ms;
	case TIMER_STUCK:
		return limits->stuck_ms;
	case TIMER_NONE:
		break;
	}
	return 0;
}

static void
arm_timer(struct client *c)
{
	const enum timer timer = timer_for(c);
	const uint32_t ms = timer_ms(c, timer);
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};

	if (timer == (enum timer)c->timer && !(c->progress && timer != TIMER_HALF))
		return;
	c->timer = timer;
	if (timer == TIMER_NONE)
		event_del(c->ev_timer);
	else
		event_add(c->ev_timer, &tv);
}

// The end of every callback: what the client waits for now, if it still is one.
static void
settle(struct client *c)
{
	const bool idle = pending(c) == 0 && !c->req;

	if (c->dead || (idle && c->closing) || (idle && c->eof && c->in.len == 0)) {
		client_free(c);
		return;
	}
	arm(c->ev_read, may_read(c));
	arm(c->ev_write, pending(c) > 0 || (c->req && c->req->next));
	arm_timer(c);
	c->progress = false;
}

static void
work(struct client *c)
{
	serve(c);
	flush(c);
	settle(c);
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	take_in(arg);
	work(arg);
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	flush(c);
	if (!c->dead)
		pump(c);
	work(c);
}

static void
on_kick(evutil_socket_t fd, short what, void *arg)
{
	work(arg);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	if (c->timer == TIMER_HALF && !c->closing) {
		refuse(c, 1, "the request did not come to its end in time");
		flush(c);
	} else {
		c->dead = true;
	}
	settle(c);
}

// ---- new connections ----

static void
client_new(struct sl_ctl *ctl, int fd)
{
	struct client *c = sl_xcalloc(1, sizeof(*c));
	struct ucred cred = {.pid = -1, .uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t len = sizeof(cred);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	c->ctl = ctl;
	c->fd = fd;
	c->peer = (struct sl_ctl_peer){cred.pid, cred.uid, cred.gid};
	c->ev_read = event_new(ctl->base, fd, EV_READ | EV_PERSIST, on_read, c);
	c->ev_write = event_new(ctl->base, fd, EV_WRITE | EV_PERSIST, on_write, c);
	c->ev_kick = event_new(ctl->base, -1, 0, on_kick, c);
	c->ev_timer = event_new(ctl->base, -1, 0, on_timer, c);
	c->next = ctl->clients;
	if (c->next)
		c->next->prev = c;
	ctl->clients = c;
	ctl->n_clients++;
	settle(c);
}

static void
turn_away(struct sl_ctl *ctl, int fd)
{
	struct sl_buf out = {0};

	sl_ctl_put_end(&out, 1, "the daemon serves as many clients as it can, try again later");
	// A fresh socket has room for this line; if not, the closed connection says it too.
	if (send(fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		errno = 0;
	close(fd);
	sl_buf_fini(&out);
	sl_log_limited(ctl->cfg.log, &ctl->limit, SL_LOG_WARN, "ctl",
		"client turned away: too many connections max=%u", ctl->cfg.limits.clients);
}

static void
on_listen(evutil_socket_t listen_fd, short what, void *arg)
{
	const struct timeval pause = {.tv_sec = 1};
	struct sl_ctl *ctl = arg;

	for (unsigned i = 0; i < 16; i++) {
		const int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0 && ctl->n_clients < ctl->cfg.limits.clients) {
			client_new(ctl, fd);
		} else if (fd >= 0) {
			turn_away(ctl, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			// Out of descriptors or memory: without a pause this would spin.
			sl_log_limited(ctl->cfg.log, &ctl->limit, SL_LOG_ERR, "ctl",
				"can't take a connection: %s", strerror(errno));
			event_del(ctl->ev_listen);
			event_add(ctl->ev_resume, &pause);
			return;
		}
	}
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct sl_ctl *ctl = arg;

	event_add(ctl->ev_listen, NULL);
}

// ---- the socket's life ----

static void
default_limits(struct sl_ctl_limits *l)
{
	l->clients = l->clients ? l->clients : SL_CTL_CLIENTS;
	l->request_max = l->request_max ? l->request_max : SL_CTL_REQUEST_MAX;
	l->request_sum = l->request_sum ? l->request_sum : SL_CTL_REQUEST_SUM;
	l->out_max = l->out_max ? l->out_max : SL_CTL_OUT_MAX;
	l->idle_ms = l->idle_ms ? l->idle_ms : SL_CTL_IDLE_S * 1000;
	l->half_ms = l->half_ms ? l->half_ms : SL_CTL_HALF_S * 1000;
	l->stuck_ms = l->stuck_ms ? l->stuck_ms : SL_CTL_STUCK_S * 1000;
}

struct sl_ctl *
sl_ctl_listen(struct event_base *base, const struct sl_ctl_cfg *cfg, char **why)
{
	struct sl_ctl *ctl = sl_xcalloc(1, sizeof(*ctl));
	int rc;

	ctl->base = base;
	ctl->cfg = *cfg;
	ctl->limit = (struct sl_log_limit){.burst = 5, .interval_ms = 10000};
	default_limits(&ctl->cfg.limits);
	rc = sl_ctl_socket_open(&ctl->socket, cfg, why);
	if (rc < 0) {
		free(ctl);
		errno = -rc;
		return NULL;
	}
	// Only the socket's own copy of the names lives on.
	ctl->cfg.path = ctl->socket.path;
	ctl->cfg.owner = ctl->cfg.group = NULL;
	ctl->ev_listen = event_new(base, ctl->socket.fd, EV_READ | EV_PERSIST, on_listen, ctl);
	ctl->ev_resume = event_new(base, -1, 0, on_resume, ctl);
	event_add(ctl->ev_listen, NULL);
	return ctl;
}

void
sl_ctl_free(struct sl_ctl *ctl)
{
	if (!ctl)
		return;
	while (ctl->clients) {
		flush(ctl->clients);
		client_free(ctl->clients);
	}
	event_free(ctl->ev_listen);
	event_free(ctl->ev_resume);
	sl_ctl_socket_close(&ctl->socket);
	sl_buf_fini(&ctl->sink);
	free(ctl);
}

unsigned
sl_ctl_clients(const struct sl_ctl *ctl)
{
	return ctl->n_clients;
}
