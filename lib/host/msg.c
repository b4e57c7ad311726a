#include "sl_host_msg.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

// ---- attributes ----

struct attrs {
	const struct nlattr **v; // by type; NULL: not there
	uint16_t max;
};

static int
collect(const struct nlattr *attr, void *arg)
{
	struct attrs *a = arg;
	const uint16_t type = mnl_attr_get_type(attr);

	if (type <= a->max)
		a->v[type] = attr;
	return MNL_CB_OK;
}

// False: there, and of another size.
static bool
get_exact(const struct nlattr *attr, void *out, size_t size)
{
	if (!attr)
		return true;
	if (mnl_attr_get_payload_len(attr) != size)
		return false;
	memcpy(out, mnl_attr_get_payload(attr), size);
	return true;
}

// The fixed header behind nlmsghdr, or NULL when the message is too short for it.
static const void *
fixed_header(const struct nlmsghdr *nlh, size_t size)
{
	return mnl_nlmsg_get_payload_len(nlh) < size ? NULL : mnl_nlmsg_get_payload(nlh);
}

// ---- the kinds ----

static int
parse_link(const struct nlmsghdr *nlh, struct sl_nl_msg *out)
{
	const struct nlattr *tb[IFLA_MTU + 1] = {0};
	struct attrs a = {tb, IFLA_MTU};
	const struct ifinfomsg *ifi = fixed_header(nlh, sizeof(*ifi));

	if (!ifi)
		return -EBADMSG;
	// A bridge says RTM_DELLINK (family AF_BRIDGE) when a port leaves it: the link is still
	// there.
	if (ifi->ifi_family != AF_UNSPEC)
		return 0;
	mnl_attr_parse(nlh, sizeof(*ifi), collect, &a);
	out->link.ifindex = ifi->ifi_index;
	out->link.up = ifi->ifi_flags & IFF_UP;
	if (!get_exact(tb[IFLA_MTU], &out->link.mtu, sizeof(out->link.mtu)))
		return -EBADMSG;
	if (tb[IFLA_ADDRESS] && mnl_attr_get_payload_len(tb[IFLA_ADDRESS]) == sizeof(struct sl_mac))
		memcpy(&out->link.mac, mnl_attr_get_payload(tb[IFLA_ADDRESS]),
			sizeof(struct sl_mac));
	if (tb[IFLA_IFNAME]) {
		if (mnl_attr_validate(tb[IFLA_IFNAME], MNL_TYPE_NUL_STRING) < 0)
			return -EBADMSG;
		snprintf(out->link.name, sizeof(out->link.name), "%s",
			mnl_attr_get_str(tb[IFLA_IFNAME]));
	}
	out->kind = SL_NL_LINK;
	return 0;
}

static int
parse_addr(const struct nlmsghdr *nlh, struct sl_nl_msg *out)
{
	const struct nlattr *tb[IFA_LOCAL + 1] = {0};
	struct attrs a = {tb, IFA_LOCAL};
	const struct ifaddrmsg *ifa = fixed_header(nlh, sizeof(*ifa));

	if (!ifa)
		return -EBADMSG;
	if (ifa->ifa_family != AF_INET)
		return 0;
	mnl_attr_parse(nlh, sizeof(*ifa), collect, &a);
	// On a point-to-point link IFA_ADDRESS is the peer; IFA_LOCAL is always ours.
	if (!tb[IFA_LOCAL])
		tb[IFA_LOCAL] = tb[IFA_ADDRESS];
	if (!tb[IFA_LOCAL] || ifa->ifa_prefixlen > 32 ||
		!get_exact(tb[IFA_LOCAL], &out->addr.addr, sizeof(out->addr.addr)))
		return -EBADMSG;
	out->addr.ifindex = ifa->ifa_index;
	out->addr.len = ifa->ifa_prefixlen;
	out->kind = SL_NL_ADDR;
	return 0;
}

// One next hop out of the attributes of a route or of one of its legs.
static bool
parse_hop(const struct nlattr **tb, struct sl_nl_hop *hop)
{
	hop->foreign = tb[RTA_VIA] || tb[RTA_ENCAP] || tb[RTA_ENCAP_TYPE];
	return get_exact(tb[RTA_GATEWAY], &hop->gateway, sizeof(hop->gateway));
}

static bool
parse_multipath(const struct nlattr *attr, struct sl_nl_route *r)
{
	const uint8_t *at = mnl_attr_get_payload(attr);
	size_t left = mnl_attr_get_payload_len(attr);

	while (left >= sizeof(struct rtnexthop)) {
		const struct nlattr *tb[RTA_ENCAP + 1] = {0};
		struct attrs a = {tb, RTA_ENCAP};
		struct rtnexthop leg;

		memcpy(&leg, at, sizeof(leg));
		if (leg.rtnh_len < sizeof(leg) || leg.rtnh_len > left)
			return false;
		if (r->n_hops < SL_NL_HOPS) {
			struct sl_nl_hop *hop = &r->hop[r->n_hops++];

			mnl_attr_parse_payload(
				at + sizeof(leg), leg.rtnh_len - sizeof(leg), collect, &a);
			hop->ifindex = leg.rtnh_ifindex;
			hop->dead = leg.rtnh_flags & RTNH_F_DEAD;
			if (!parse_hop(tb, hop))
				return false;
		}
		if ((size_t)RTNH_ALIGN(leg.rtnh_len) >= left)
			return true;
		at += RTNH_ALIGN(leg.rtnh_len);
		left -= RTNH_ALIGN(leg.rtnh_len);
	}
	return left == 0;
}

static bool
route_type_followed(const struct rtmsg *rtm)
{
	switch (rtm->rtm_type) {
	case RTN_UNICAST:
	case RTN_UNREACHABLE:
	case RTN_BLACKHOLE:
	case RTN_PROHIBIT:
		return true;
	default:
		return false;
	}
}

static int
parse_route_attrs(const struct nlattr **tb, const struct rtmsg *rtm, struct sl_nl_route *r)
{
	struct sl_nl_hop single = {.dead = rtm->rtm_flags & RTNH_F_DEAD};

	if (!get_exact(tb[RTA_DST], &r->dst, sizeof(r->dst)) ||
		!get_exact(tb[RTA_PRIORITY], &r->metric, sizeof(r->metric)) ||
		!get_exact(tb[RTA_NH_ID], &r->nexthop, sizeof(r->nexthop)) ||
		!get_exact(tb[RTA_OIF], &single.ifindex, sizeof(single.ifindex)) ||
		!parse_hop(tb, &single))
		return -EBADMSG;
	r->dst &= sl_mask4(rtm->rtm_dst_len);
	r->len = rtm->rtm_dst_len;
	r->unreachable = rtm->rtm_type != RTN_UNICAST;
	if (tb[RTA_MULTIPATH])
		return parse_multipath(tb[RTA_MULTIPATH], r) ? 0 : -EBADMSG;
	if (single.ifindex)
		r->hop[r->n_hops++] = single;
	return 0;
}

static int
parse_route(const struct nlmsghdr *nlh, struct sl_nl_msg *out)
{
	const struct nlattr *tb[RTA_NH_ID + 1] = {0};
	struct attrs a = {tb, RTA_NH_ID};
	const struct rtmsg *rtm = fixed_header(nlh, sizeof(*rtm));
	uint32_t table;

	if (!rtm)
		return -EBADMSG;
	if (rtm->rtm_family != AF_INET || rtm->rtm_tos || (rtm->rtm_flags & RTM_F_CLONED) ||
		!route_type_followed(rtm))
		return 0;
	if (rtm->rtm_dst_len > 32)
		return -EBADMSG;
	mnl_attr_parse(nlh, sizeof(*rtm), collect, &a);
	// rtm_table is RT_TABLE_COMPAT for ids past 255; the attribute, when there, is the whole
	// id.
	table = rtm->rtm_table;
	if (!get_exact(tb[RTA_TABLE], &table, sizeof(table)))
		return -EBADMSG;
	if (table != RT_TABLE_MAIN)
		return 0;
	out->kind = SL_NL_ROUTE;
	return parse_route_attrs(tb, rtm, &out->route);
}

static int
parse_neigh(const struct nlmsghdr *nlh, struct sl_nl_msg *out)
{
	const struct nlattr *tb[NDA_LLADDR + 1] = {0};
	struct attrs a = {tb, NDA_LLADDR};
	const struct ndmsg *ndm = fixed_header(nlh, sizeof(*ndm));

	if (!ndm)
		return -EBADMSG;
	if (ndm->ndm_family != AF_INET || (ndm->ndm_flags & NTF_PROXY))
		return 0;
	mnl_attr_parse(nlh, sizeof(*ndm), collect, &a);
	if (!tb[NDA_DST] || !get_exact(tb[NDA_DST], &out->neigh.addr, sizeof(out->neigh.addr)))
		return -EBADMSG;
	out->neigh.has_mac =
		tb[NDA_LLADDR] && mnl_attr_get_payload_len(tb[NDA_LLADDR]) == sizeof(struct sl_mac);
	if (out->neigh.has_mac)
		memcpy(&out->neigh.mac, mnl_attr_get_payload(tb[NDA_LLADDR]),
			sizeof(struct sl_mac));
	out->neigh.ifindex = ndm->ndm_ifindex;
	out->neigh.state = ndm->ndm_state;
	out->kind = SL_NL_NEIGH;
	return 0;
}

static bool
parse_group(const struct nlattr *attr, struct sl_nl_nexthop *nh)
{
	const size_t len = mnl_attr_get_payload_len(attr);
	const uint8_t *at = mnl_attr_get_payload(attr);

	if (len % sizeof(struct nexthop_grp))
		return false;
	for (size_t i = 0; i < len / sizeof(struct nexthop_grp) && i < SL_NL_HOPS; i++) {
		struct nexthop_grp member;

		memcpy(&member, at + i * sizeof(member), sizeof(member));
		nh->group[nh->n_group++] = member.id;
	}
	return true;
}

static int
parse_nexthop(const struct nlmsghdr *nlh, struct sl_nl_msg *out)
{
	const struct nlattr *tb[NHA_ENCAP + 1] = {0};
	struct attrs a = {tb, NHA_ENCAP};
	const struct nhmsg *nhm = fixed_header(nlh, sizeof(*nhm));
	struct sl_nl_nexthop *nh = &out->nexthop;

	if (!nhm)
		return -EBADMSG;
	mnl_attr_parse(nlh, sizeof(*nhm), collect, &a);
	if (!tb[NHA_ID] || !get_exact(tb[NHA_ID], &nh->id, sizeof(nh->id)) ||
		!get_exact(tb[NHA_OIF], &nh->hop.ifindex, sizeof(nh->hop.ifindex)))
		return -EBADMSG;
	// A hop of another family has no gateway that workers could use.
	nh->hop.foreign = tb[NHA_ENCAP] || tb[NHA_ENCAP_TYPE] ||
			  (tb[NHA_GATEWAY] && nhm->nh_family != AF_INET);
	nh->hop.dead = nhm->nh_flags & RTNH_F_DEAD;
	if (!nh->hop.foreign &&
		!get_exact(tb[NHA_GATEWAY], &nh->hop.gateway, sizeof(nh->hop.gateway)))
		return -EBADMSG;
	nh->blackhole = tb[NHA_BLACKHOLE] != NULL;
	if (tb[NHA_GROUP] && !parse_group(tb[NHA_GROUP], nh))
		return -EBADMSG;
	out->kind = SL_NL_NEXTHOP;
	return 0;
}

int
sl_nl_parse(const struct nlmsghdr *nlh, struct sl_nl_msg *out)
{
	*out = (struct sl_nl_msg){.kind = SL_NL_OTHER, .flags = nlh->nlmsg_flags};
	switch (nlh->nlmsg_type) {
	case RTM_DELLINK:
		out->del = true; // fall through
	case RTM_NEWLINK:
		return parse_link(nlh, out);
	case RTM_DELADDR:
		out->del = true; // fall through
	case RTM_NEWADDR:
		return parse_addr(nlh, out);
	case RTM_DELROUTE:
		out->del = true; // fall through
	case RTM_NEWROUTE:
		return parse_route(nlh, out);
	case RTM_DELNEIGH:
		out->del = true; // fall through
	case RTM_NEWNEIGH:
		return parse_neigh(nlh, out);
	case RTM_DELNEXTHOP:
		out->del = true; // fall through
	case RTM_NEWNEXTHOP:
		return parse_nexthop(nlh, out);
	default:
		return 0;
	}
}

int
sl_nl_parse_ack(const struct nlmsghdr *nlh, int *err, char *text, size_t text_size)
{
	const struct nlattr *tb[NLMSGERR_ATTR_MSG + 1] = {0};
	struct attrs a = {tb, NLMSGERR_ATTR_MSG};
	const struct nlmsgerr *e = fixed_header(nlh, sizeof(*e));
	size_t skip = sizeof(*e);

	if (text_size)
		text[0] = '\0';
	if (!e || e->error > 0)
		return -EBADMSG;
	*err = e->error;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || !text_size)
		return 0;
	// Without NLM_F_CAPPED the request is echoed in full before the attributes.
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) {
		if (e->msg.nlmsg_len < sizeof(e->msg) || e->msg.nlmsg_len > nlh->nlmsg_len)
			return -EBADMSG;
		skip += MNL_ALIGN(e->msg.nlmsg_len - sizeof(e->msg));
	}
	if (skip > mnl_nlmsg_get_payload_len(nlh))
		return -EBADMSG;
	mnl_attr_parse(nlh, skip, collect, &a);
	if (tb[NLMSGERR_ATTR_MSG] &&
		mnl_attr_validate(tb[NLMSGERR_ATTR_MSG], MNL_TYPE_NUL_STRING) == 0)
		snprintf(text, text_size, "%s", mnl_attr_get_str(tb[NLMSGERR_ATTR_MSG]));
	return 0;
}

// ---- requests ----

static size_t
ip_bytes(const struct sl_ip *ip)
{
	return ip->family == AF_INET ? sizeof(ip->v4) : sizeof(ip->v6);
}

static void
put_ip(struct nlmsghdr *nlh, uint16_t type, const struct sl_ip *ip)
{
	mnl_attr_put(nlh, type, ip_bytes(ip), ip->v6); // the union starts with either form
}

static struct nlmsghdr *
start(void *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	return nlh;
}

struct nlmsghdr *
sl_nl_put_addr(void *buf, bool add, uint32_t ifindex, const struct sl_prefix *addr, bool host)
{
	struct nlmsghdr *nlh =
		start(buf, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	ifa->ifa_family = addr->addr.family;
	ifa->ifa_prefixlen = addr->len;
	ifa->ifa_index = ifindex;
	ifa->ifa_scope = host && add ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
	put_ip(nlh, IFA_LOCAL, &addr->addr);
	put_ip(nlh, IFA_ADDRESS, &addr->addr);
	if (host && add)
		mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NOPREFIXROUTE | IFA_F_NODAD);
	return nlh;
}

struct nlmsghdr *
sl_nl_put_route(void *buf, bool add, const struct sl_nl_route_req *req)
{
	struct nlmsghdr *nlh = start(buf, add ? RTM_NEWROUTE : RTM_DELROUTE, req->flags);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = req->to->addr.family;
	rtm->rtm_dst_len = req->to->len;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_type = RTN_UNICAST;
	rtm->rtm_scope = req->via->family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	if (!add)
		rtm->rtm_scope = RT_SCOPE_NOWHERE; // any
	if (req->onlink)
		rtm->rtm_flags = RTNH_F_ONLINK;
	put_ip(nlh, RTA_DST, &req->to->addr);
	mnl_attr_put_u32(nlh, RTA_OIF, req->ifindex);
	mnl_attr_put_u32(nlh, RTA_PRIORITY, req->metric);
	if (req->via->family)
		put_ip(nlh, RTA_GATEWAY, req->via);
	return nlh;
}

static struct nlmsghdr *
start_neigh(void *buf, uint16_t type, uint16_t flags, uint32_t ifindex, const struct sl_ip *addr)
{
	struct nlmsghdr *nlh = start(buf, type, flags);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	ndm->ndm_family = addr->family;
	ndm->ndm_ifindex = ifindex;
	put_ip(nlh, NDA_DST, addr);
	return nlh;
}

struct nlmsghdr *
sl_nl_put_neigh(void *buf, uint32_t ifindex, const struct sl_ip *addr, const struct sl_mac *mac)
{
	// Without NLM_F_REPLACE an entry that has a MAC keeps it: asking never destroys an answer.
	struct nlmsghdr *nlh = start_neigh(buf, RTM_NEWNEIGH,
		mac ? NLM_F_CREATE | NLM_F_REPLACE : NLM_F_CREATE, ifindex, addr);
	struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);

	if (mac) {
		ndm->ndm_state = NUD_PERMANENT;
		mnl_attr_put(nlh, NDA_LLADDR, sizeof(*mac), mac);
	} else {
		ndm->ndm_flags = NTF_USE;
	}
	return nlh;
}

struct nlmsghdr *
sl_nl_put_neigh_del(void *buf, uint32_t ifindex, const struct sl_ip *addr)
{
	return start_neigh(buf, RTM_DELNEIGH, 0, ifindex, addr);
}

static struct nlmsghdr *
start_link(void *buf, uint32_t ifindex, struct ifinfomsg **ifi)
{
	struct nlmsghdr *nlh = start(buf, RTM_NEWLINK, 0);

	*ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(**ifi));
	(*ifi)->ifi_family = AF_UNSPEC;
	(*ifi)->ifi_index = ifindex;
	return nlh;
}

struct nlmsghdr *
sl_nl_put_link(void *buf, uint32_t ifindex, const struct sl_mac *mac, uint32_t mtu, uint32_t txqlen)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = start_link(buf, ifindex, &ifi);

	mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(*mac), mac);
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	mnl_attr_put_u32(nlh, IFLA_TXQLEN, txqlen);
	return nlh;
}

struct nlmsghdr *
sl_nl_put_link_up(void *buf, uint32_t ifindex)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = start_link(buf, ifindex, &ifi);

	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	return nlh;
}

// The header is the type's own: NETLINK_GET_STRICT_CHK refuses the old one-byte form.
struct nlmsghdr *
sl_nl_put_dump(void *buf, uint16_t type, uint8_t family)
{
	static const struct {
		uint16_t type;
		uint16_t header_bytes;
	} headers[] = {
		{RTM_GETLINK, sizeof(struct ifinfomsg)},
		{RTM_GETADDR, sizeof(struct ifaddrmsg)},
		{RTM_GETROUTE, sizeof(struct rtmsg)},
		{RTM_GETNEIGH, sizeof(struct ndmsg)},
		{RTM_GETNEXTHOP, sizeof(struct nhmsg)},
	};
	struct nlmsghdr *nlh = start(buf, type, NLM_F_DUMP);

	for (size_t i = 0; i < SL_ARRAY_LEN(headers); i++) {
		// Every one of these headers begins with the family.
		if (headers[i].type == type)
			*(uint8_t *)mnl_nlmsg_put_extra_header(nlh, headers[i].header_bytes) =
				family;
	}
	if (type == RTM_GETROUTE)
		mnl_attr_put_u32(nlh, RTA_TABLE, RT_TABLE_MAIN);
	return nlh;
}
