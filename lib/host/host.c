#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"
#include "sl_buf.h"
#include "sl_str.h"

int
host_fail(char **why, int err, const char *fmt, ...)
{
	struct sl_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	sl_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	sl_buf_printf(&text, ": %s", strerror(-err));
	*why = sl_buf_take(&text);
	return err;
}

struct ip_key
ip_key_of(const struct sl_ip *ip, uint8_t len, bool host)
{
	struct ip_key key = {.family = ip->family, .len = len, .host = host};

	if (ip->family)
		memcpy(key.b, ip->v6, ip->family == AF_INET ? sizeof(ip->v4) : sizeof(ip->v6));
	return key;
}

struct sl_ip
ip_of_key(const struct ip_key *key)
{
	struct sl_ip ip = {.family = key->family};

	memcpy(ip.v6, key->b, sizeof(ip.v6));
	return ip;
}

// One fd for control to wait on, readable when there are events or when the bell rang.
static int
open_waiting(struct sl_host *h)
{
	struct epoll_event in = {.events = EPOLLIN};

	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (h->epoll < 0)
		return -errno;
	h->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->bell < 0)
		return -errno;
	if (epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->bell, &in) < 0 ||
		epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->nl.events, &in) < 0)
		return -errno;
	return 0;
}

struct sl_host *
sl_host_new(struct sl_log *log, char **why)
{
	struct sl_host *h = sl_xcalloc(1, sizeof(*h));
	int err;

	h->log = log;
	h->epoll = h->bell = -1;
	state_init(h);
	err = nl_open(&h->nl, why);
	if (err < 0)
		goto free_host;
	err = open_waiting(h);
	if (err < 0) {
		host_fail(why, err, "epoll");
		goto free_host;
	}
	err = state_take_in(h);
	if (err < 0) {
		host_fail(why, err, "reading routes and neighbours%s%s", h->nl.words[0] ? ": " : "",
			h->nl.words);
		goto free_host;
	}
	return h;
free_host:
	sl_host_free(h);
	errno = -err;
	return NULL;
}

void
sl_host_free(struct sl_host *h)
{
	if (!h)
		return;
	for (uint32_t i = 0; i < h->n_mirrors; i++)
		mirror_fini(&h->mirror[i]);
	free(h->mirror);
	state_fini(h);
	if (h->bell >= 0)
		close(h->bell);
	if (h->epoll >= 0)
		close(h->epoll);
	nl_close(&h->nl);
	free(h);
}

int
sl_host_fd(const struct sl_host *h)
{
	return h->epoll;
}

int
sl_host_set_rcvbuf(struct sl_host *h, uint32_t bytes)
{
	const int value = (int)bytes;

	if (setsockopt(h->nl.events, SOL_SOCKET, SO_RCVBUFFORCE, &value, sizeof(value)) == 0 ||
		setsockopt(h->nl.events, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value)) == 0)
		return 0;
	return -errno;
}

// ---- neighbours asked for ----

static int
ask(struct sl_host *h, const struct mirror *m, sl_be32 addr)
{
	const struct sl_ip ip = {.family = AF_INET, .v4 = addr};
	_Alignas(struct nlmsghdr) uint8_t msg[SL_NL_MSG_BYTES];

	return nl_request(&h->nl, sl_nl_put_neigh(msg, m->ifindex, &ip, NULL));
}

static const struct neigh *
neigh_find(const struct sl_host *h, const struct mirror *m, sl_be32 addr)
{
	return table_find(&h->neighs, &(struct neigh_key){m->ifindex, addr});
}

int
sl_host_neigh_ask(struct sl_host *h, uint16_t index, sl_be32 addr)
{
	const struct mirror *m;
	int err = state_catch_up(h);

	if (err < 0)
		return err;
	m = mirror_by_index(h, index);
	if (!m || !m->ifindex)
		return -ENODEV;
	// NTF_USE would take NUD_PERMANENT off such an entry (Linux 5.16 and later).
	if (neigh_is_fixed(neigh_find(h, m, addr)))
		return 0;
	return ask(h, m, addr);
}

int
sl_host_neigh_refresh(struct sl_host *h, uint16_t index, const sl_be32 *addrs, uint32_t n)
{
	const struct mirror *m;
	int asked = 0;
	int err = state_catch_up(h);

	if (err < 0)
		return err;
	m = mirror_by_index(h, index);
	if (!m || !m->ifindex)
		return -ENODEV;
	for (uint32_t i = 0; i < n; i++) {
		if (!neigh_wants_probe(neigh_find(h, m, addrs[i])))
			continue;
		err = ask(h, m, addrs[i]);
		if (err < 0)
			return err;
		asked++;
	}
	return asked;
}
