// One nftables table with one base chain: netdev family, ingress hook, policy drop, no rules.

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sl_quiet.h"

#ifndef NFT_TABLE_F_OWNER
#define NFT_TABLE_F_OWNER 0x2 // uapi of 5.12
#endif

#define BUF_BYTES 2048

struct batch {
	char buf[BUF_BYTES];
	size_t len;
	uint32_t seq;
};

static struct nlmsghdr *
message(struct batch *b, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(b->buf + b->len);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++b->seq;
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
	return nlh;
}

static void
end(struct batch *b, const struct nlmsghdr *nlh)
{
	b->len += NLMSG_ALIGN(nlh->nlmsg_len);
}

static void
put_table(struct batch *b, const char *table)
{
	struct nlmsghdr *nlh = message(b, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWTABLE,
		NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, NFPROTO_NETDEV, 0);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	mnl_attr_put_u32(nlh, NFTA_TABLE_FLAGS, htonl(NFT_TABLE_F_OWNER));
	end(b, nlh);
}

static void
put_chain(struct batch *b, const char *table, const char *ifname)
{
	struct nlmsghdr *nlh = message(b, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWCHAIN,
		NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, NFPROTO_NETDEV, 0);
	struct nlattr *hook;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, "deaf");
	hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(NF_NETDEV_INGRESS));
	mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl((uint32_t)-500));
	mnl_attr_put_strz(nlh, NFTA_HOOK_DEV, ifname);
	mnl_attr_nest_end(nlh, hook);
	mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(NF_DROP));
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "filter");
	end(b, nlh);
}

static ssize_t
receive(struct mnl_socket *nl, char *buf)
{
	return mnl_socket_recvfrom(nl, buf, BUF_BYTES);
}

// Two answers are due; the first error decides.
static int
answers(struct mnl_socket *nl, unsigned due)
{
	char buf[BUF_BYTES];
	int rc = 0;

	while (due > 0) {
		ssize_t n = receive(nl, buf);
		const struct nlmsghdr *nlh = (const void *)buf;

		if (n < 0)
			return -errno;
		for (int left = (int)n; mnl_nlmsg_ok(nlh, left) && due > 0;
			nlh = mnl_nlmsg_next(nlh, &left)) {
			const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			due--;
			if (rc == 0)
				rc = err->error;
		}
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int
make(struct mnl_socket *nl, const char *ifname)
{
	const struct timeval second = {.tv_sec = 1};
	struct batch b = {0};
	char table[64];

	// The kernel answers at once; a second of patience, never a hang.
	if (setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)) < 0)
		return -errno;
	snprintf(table, sizeof(table), "sluice-%s", ifname);
	end(&b, message(&b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
	put_table(&b, table);
	put_chain(&b, table, ifname);
	end(&b, message(&b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
	if (mnl_socket_sendto(nl, b.buf, b.len) < 0)
		return -errno;
	return answers(nl, 2);
}

int
sl_quiet_on(const char *ifname)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int rc, fd;

	if (!nl)
		return -errno;
	rc = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : make(nl, ifname);
	fd = rc < 0 ? rc : fcntl(mnl_socket_get_fd(nl), F_DUPFD_CLOEXEC, 3);
	if (rc == 0 && fd < 0)
		fd = -errno;
	mnl_socket_close(nl);
	return fd;
}

void
sl_quiet_off(int fd)
{
	if (fd >= 0)
		close(fd);
}
