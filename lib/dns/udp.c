#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"
#include "sl_str.h"

#define BATCH  64
#define ROUNDS 8 // batches of one listener before others have their turn

struct dns_udp {
	struct mmsghdr rx[BATCH];
	struct mmsghdr tx[BATCH];
	struct iovec rx_iov[BATCH];
	struct iovec tx_iov[BATCH];
	struct dns_udp_from from[BATCH];
	uint8_t in[BATCH][DNS_MAX_QUERY];
	uint8_t out[BATCH][DNS_UDP_ROOM];
};

struct dns_udp *
dns_udp_new(void)
{
	struct dns_udp *udp = sl_xcalloc(1, sizeof(*udp));

	for (unsigned i = 0; i < BATCH; i++) {
		udp->rx_iov[i] = (struct iovec){udp->in[i], DNS_MAX_QUERY};
		udp->rx[i].msg_hdr.msg_iov = &udp->rx_iov[i];
		udp->rx[i].msg_hdr.msg_iovlen = 1;
		udp->tx[i].msg_hdr.msg_iov = &udp->tx_iov[i];
		udp->tx[i].msg_hdr.msg_iovlen = 1;
	}
	return udp;
}

void
dns_udp_free(struct dns_udp *udp)
{
	free(udp);
}

static int
receive(struct dns_udp *udp, const struct dns_listener *l)
{
	for (unsigned i = 0; i < BATCH; i++) {
		struct msghdr *h = &udp->rx[i].msg_hdr;

		h->msg_name = &udp->from[i].peer;
		h->msg_namelen = sizeof(udp->from[i].peer);
		h->msg_control = l->any ? &udp->from[i].control : NULL;
		h->msg_controllen = l->any ? sizeof(udp->from[i].control) : 0;
	}
	return recvmmsg(l->udp_fd, udp->rx, BATCH, MSG_DONTWAIT, NULL);
}

// What the kernel said of the way in is made what it has to know for the way out: the address; the
// interface is for the routes to say, but for link-local addresses.
static void
turn_round(struct dns_udp_from *from, const struct msghdr *h, struct dns_listener *l)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);

	from->listener = l;
	from->control_len = c ? (uint32_t)h->msg_controllen : 0;
	if (c && c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO) {
		((struct in_pktinfo *)CMSG_DATA(c))->ipi_ifindex = 0;
	} else if (c && c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA(c);

		if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
			info->ipi6_ifindex = 0;
	}
}

static void
set_target(struct msghdr *h, const struct dns_udp_from *to)
{
	h->msg_name = (void *)&to->peer;
	h->msg_namelen =
		to->peer.sa.sa_family == AF_INET ? sizeof(to->peer.v4) : sizeof(to->peer.v6);
	h->msg_control = to->control_len ? (void *)&to->control : NULL;
	h->msg_controllen = to->control_len;
}

// Query i of the batch. Returns the length of the answer to send at once, 0: none.
static uint32_t
take(struct sl_dns_server *s, unsigned i, uint64_t now_ns, uint8_t out[DNS_UDP_ROOM])
{
	const struct dns_udp_from *from = &s->udp->from[i];
	const uint32_t len = s->udp->rx[i].msg_len;
	const uint8_t *data = s->udp->in[i];
	const struct sl_ip client = dns_ip_of(&from->peer);
	enum dns_forwarded why;
	uint32_t out_len = 0;

	if (s->udp->rx[i].msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		dns_count(s, SL_DNS_C_CLIENT_BAD);
		return 0;
	}
	switch (dns_query(s, &client, false, now_ns, data, len, out, DNS_UDP_ROOM, &out_len)) {
	case SL_DNS_V_ANSWER:
		return out_len;
	case SL_DNS_V_FORWARD:
		why = dns_forward(s, &client, from, NULL, now_ns, data, len);
		return why == DNS_F_WAITS ? 0 : dns_excuse(data, len, why, out, DNS_UDP_ROOM);
	case SL_DNS_V_DROP:
		break;
	}
	return 0;
}

// What the kernel does not take now is lost, as any datagram may be: clients ask again.
static void
send_all(struct sl_dns_server *s, int fd, unsigned n)
{
	unsigned sent = 0;

	while (sent < n) {
		const int rc = sendmmsg(fd, s->udp->tx + sent, n - sent, MSG_DONTWAIT);

		if (rc > 0) {
			sent += (unsigned)rc;
			continue;
		}
		if (rc < 0 && errno == EINTR)
			continue;
		dns_count(s, SL_DNS_C_CLIENT_UNSENT);
		sent++;
	}
}

void
dns_udp_readable(evutil_socket_t fd, short what, void *listener)
{
	struct dns_listener *l = listener;
	struct sl_dns_server *s = l->server;
	struct dns_udp *udp = s->udp;

	for (unsigned round = 0; round < ROUNDS; round++) {
		const int n = receive(udp, l);
		const uint64_t now_ns = dns_now_ns();
		unsigned n_tx = 0;

		for (int i = 0; i < n; i++) {
			uint32_t len;

			turn_round(&udp->from[i], &udp->rx[i].msg_hdr, l);
			len = take(s, (unsigned)i, now_ns, udp->out[n_tx]);
			if (len == 0)
				continue;
			udp->tx_iov[n_tx] = (struct iovec){udp->out[n_tx], len};
			set_target(&udp->tx[n_tx++].msg_hdr, &udp->from[i]);
		}
		send_all(s, fd, n_tx);
		if (n < BATCH)
			break;
	}
}

void
dns_udp_send(
	struct sl_dns_server *s, const struct dns_udp_from *to, const uint8_t *data, uint32_t len)
{
	struct iovec iov = {(void *)data, len};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};

	set_target(&h, to);
	if (sendmsg(to->listener->udp_fd, &h, MSG_DONTWAIT) < 0)
		dns_count(s, SL_DNS_C_CLIENT_UNSENT);
}
