#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"
#include "sl_str.h"

// Room for bursts: a full BGP table of changes at once, or some thousand VIPs. Past it the kernel
// drops events and says so once (ENOBUFS).
#define EVENT_RCVBUF_BYTES (8 << 20)
#define ANSWER_TIMEOUT_S   5

static const int groups[] = {
	RTNLGRP_LINK,
	RTNLGRP_NEIGH,
	RTNLGRP_IPV4_IFADDR,
	RTNLGRP_IPV4_ROUTE,
};

static int
open_socket(int flags)
{
	const struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0) {
		const int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int
set_on(int fd, int option)
{
	const int on = 1;

	return setsockopt(fd, SOL_NETLINK, option, &on, sizeof(on)) < 0 ? -errno : 0;
}

static int
open_requests(void)
{
	const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	const int fd = open_socket(0);

	if (fd < 0)
		return fd;
	// Each only makes answers shorter or clearer; a kernel without it is fine.
	set_on(fd, NETLINK_EXT_ACK);
	set_on(fd, NETLINK_CAP_ACK);
	set_on(fd, NETLINK_GET_STRICT_CHK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return fd;
}

static int
join(int fd, int group)
{
	return setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0
		       ? -errno
		       : 0;
}

static int
open_events(void)
{
	const int bytes = EVENT_RCVBUF_BYTES;
	const int fd = open_socket(SOCK_NONBLOCK);

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	for (size_t i = 0; i < SL_ARRAY_LEN(groups); i++) {
		const int err = join(fd, groups[i]);

		if (err < 0) {
			close(fd);
			return err;
		}
	}
	join(fd, RTNLGRP_NEXTHOP); // not before Linux 5.3, where routes have no next-hop objects
	return fd;
}

int
nl_open(struct nl *nl, char **why)
{
	*nl = (struct nl){.req = open_requests(), .events = -1};
	if (nl->req < 0)
		return host_fail(why, nl->req, "netlink socket");
	nl->events = open_events();
	if (nl->events < 0) {
		const int err = nl->events;

		close(nl->req);
		nl->req = -1;
		return host_fail(why, err, "netlink socket for events");
	}
	nl->buf = sl_xcalloc(1, NL_BUF_BYTES);
	return 0;
}

void
nl_close(struct nl *nl)
{
	if (nl->req >= 0)
		close(nl->req);
	if (nl->events >= 0)
		close(nl->events);
	free(nl->buf);
}

// One datagram of the kernel's into nl->buf. Returns its length, or -errno; -ENOBUFS also for one
// that was cut. What other processes send is thrown away.
static ssize_t
receive(struct nl *nl, int fd)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		struct iovec iov = {.iov_base = nl->buf, .iov_len = NL_BUF_BYTES};
		struct msghdr msg = {.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1};
		const ssize_t len = recvmsg(fd, &msg, 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		if (from.nl_pid != 0)
			continue;
		return (msg.msg_flags & MSG_TRUNC) ? -ENOBUFS : len;
	}
}

static int
send_request(struct nl *nl, struct nlmsghdr *nlh)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	nlh->nlmsg_seq = ++nl->seq;
	nl->words[0] = '\0';
	while (sendto(nl->req, nlh, nlh->nlmsg_len, 0, (const struct sockaddr *)&kernel,
		       sizeof(kernel)) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int
nl_request(struct nl *nl, struct nlmsghdr *nlh)
{
	int err;

	nlh->nlmsg_flags |= NLM_F_ACK;
	err = send_request(nl, nlh);
	if (err < 0)
		return err;
	for (;;) {
		const ssize_t got = receive(nl, nl->req);
		const struct nlmsghdr *at = (const struct nlmsghdr *)nl->buf;
		int left = (int)got;

		if (got < 0)
			return got == -EAGAIN ? -ETIMEDOUT : (int)got;
		for (; mnl_nlmsg_ok(at, left); at = mnl_nlmsg_next(at, &left)) {
			int rc;

			if (at->nlmsg_seq != nl->seq || at->nlmsg_type != NLMSG_ERROR)
				continue; // a late answer to a request that timed out
			rc = sl_nl_parse_ack(at, &err, nl->words, sizeof(nl->words));
			return rc < 0 ? rc : err;
		}
	}
}

// NLMSG_DONE carries the status of the whole dump.
static int
dump_status(const struct nlmsghdr *done, bool changed)
{
	int err = 0;

	if (mnl_nlmsg_get_payload_len(done) >= sizeof(err))
		memcpy(&err, mnl_nlmsg_get_payload(done), sizeof(err));
	return err < 0 ? err : changed;
}

int
nl_dump(struct nl *nl, uint16_t type, uint8_t family, nl_each each, void *arg)
{
	_Alignas(struct nlmsghdr) uint8_t msg[SL_NL_MSG_BYTES];
	bool changed = false;
	int err = send_request(nl, sl_nl_put_dump(msg, type, family));

	if (err < 0)
		return err;
	for (;;) {
		const ssize_t got = receive(nl, nl->req);
		const struct nlmsghdr *at = (const struct nlmsghdr *)nl->buf;
		int left = (int)got;

		if (got < 0)
			return got == -EAGAIN ? -ETIMEDOUT : (int)got;
		for (; mnl_nlmsg_ok(at, left); at = mnl_nlmsg_next(at, &left)) {
			if (at->nlmsg_seq != nl->seq)
				continue;
			changed |= (at->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
			if (at->nlmsg_type == NLMSG_DONE)
				return dump_status(at, changed);
			if (at->nlmsg_type == NLMSG_ERROR) {
				const int rc =
					sl_nl_parse_ack(at, &err, nl->words, sizeof(nl->words));

				return rc < 0 ? rc : err;
			}
			each(arg, at);
		}
	}
}

int
nl_drain(struct nl *nl, nl_each each, void *arg)
{
	bool lost = false;

	for (;;) {
		const ssize_t got = receive(nl, nl->events);
		const struct nlmsghdr *at = (const struct nlmsghdr *)nl->buf;
		int left = (int)got;

		if (got == -EAGAIN)
			break;
		if (got == -ENOBUFS) {
			nl->overruns++;
			lost = true;
			continue;
		}
		if (got < 0)
			return (int)got;
		for (; mnl_nlmsg_ok(at, left); at = mnl_nlmsg_next(at, &left)) {
			nl->msgs++;
			each(arg, at);
		}
	}
	return lost ? -ENOBUFS : 0;
}
