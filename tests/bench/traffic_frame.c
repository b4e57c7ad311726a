#include "traffic_frame.h"

#include <string.h>

#define CLIENT_MAC                                                                                 \
	{                                                                                          \
		0x02, 0, 0, 0, 0x01, 0x0a                                                          \
	}
#define PORT_MAC                                                                                   \
	{                                                                                          \
		0x02, 0, 0, 0, 0x01, 0x01                                                          \
	}
#define CLIENTS  RTE_IPV4(192u, 0, 2, 10)
#define VIP      RTE_IPV4(198u, 18, 0, 10)
#define VIP_PORT 9
#define TTL      64
#define MAGIC    0x5155

static uint32_t
client_of(uint32_t flow)
{
	return CLIENTS + flow % TRAFFIC_CLIENTS;
}

static uint16_t
sport_of(uint32_t flow)
{
	return (uint16_t)(TRAFFIC_FIRST + flow / TRAFFIC_CLIENTS);
}

void
traffic_init(struct traffic_frame *t)
{
	*t = (struct traffic_frame){
		.eth = {.dst_addr = {PORT_MAC},
			.src_addr = {CLIENT_MAC},
			.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4)},
		.ip = {.version_ihl = RTE_IPV4_VHL_DEF,
			.total_length = rte_cpu_to_be_16(sizeof(*t) - sizeof(t->eth)),
			.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
			.time_to_live = TTL,
			.next_proto_id = IPPROTO_UDP,
			.dst_addr = rte_cpu_to_be_32(VIP)},
		.udp = {.dst_port = RTE_BE16(VIP_PORT),
			.dgram_len = rte_cpu_to_be_16(sizeof(t->udp) + sizeof(t->stamp))},
		.stamp = {.magic = MAGIC},
	};
	// What is the same in all frames, summed up once; make() adds the rest.
	t->ip.hdr_checksum = rte_raw_cksum(&t->ip, sizeof(t->ip));
	t->udp.dgram_cksum = (uint16_t)~rte_ipv4_udptcp_cksum(&t->ip, &t->udp);
}

static uint16_t
folded(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void
traffic_make(struct traffic_frame *f, const struct traffic_frame *template, uint32_t flow,
	uint32_t seq, uint64_t tsc)
{
	const rte_be32_t src = rte_cpu_to_be_32(client_of(flow));
	const rte_be16_t sport = rte_cpu_to_be_16(sport_of(flow));

	memcpy(f, template, sizeof(*f));
	f->ip.src_addr = src;
	f->ip.hdr_checksum = folded((uint64_t) template->ip.hdr_checksum + src);
	f->udp.src_port = sport;
	f->stamp.tsc = tsc;
	f->stamp.flow = flow;
	f->stamp.seq = seq;
	// UDP has no checksum 0 but "none".
	f->udp.dgram_cksum = folded((uint64_t) template->udp.dgram_cksum + src + sport +
				    (tsc & 0xffffffff) + (tsc >> 32) + flow + seq);
	if (f->udp.dgram_cksum == 0)
		f->udp.dgram_cksum = 0xffff;
}

bool
traffic_is_ours(const void *data, uint32_t len)
{
	const struct traffic_frame *f = data;

	return len >= sizeof(*f) && f->eth.ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4) &&
	       f->ip.version_ihl == RTE_IPV4_VHL_DEF && f->ip.next_proto_id == IPPROTO_UDP &&
	       f->stamp.magic == MAGIC && f->stamp.flow < TRAFFIC_MAX_FLOWS;
}

void
traffic_answer(struct traffic_frame *f)
{
	const struct rte_ether_addr mac = f->eth.dst_addr;
	const rte_be32_t addr = f->ip.dst_addr;
	const rte_be16_t port = f->udp.dst_port;

	f->eth.dst_addr = f->eth.src_addr;
	f->eth.src_addr = mac;
	f->ip.dst_addr = f->ip.src_addr;
	f->ip.src_addr = addr;
	f->udp.dst_port = f->udp.src_port;
	f->udp.src_port = port;
}

static const char *
judge_sums(const struct traffic_frame *f)
{
	if (rte_raw_cksum(&f->ip, sizeof(f->ip)) != 0xffff)
		return "IPv4 checksum is wrong";
	if (f->udp.dgram_cksum == 0)
		return "its UDP checksum went";
	const uint32_t sum = (uint32_t)rte_ipv4_phdr_cksum(&f->ip, 0) +
			     rte_raw_cksum(&f->udp, sizeof(f->udp) + sizeof(f->stamp));

	return (sum & 0xffff) + (sum >> 16) == 0xffff ? NULL : "UDP checksum is wrong";
}

static const char *
judge_way(const struct traffic_frame *f, struct traffic_way *way)
{
	const struct traffic_way now = {f->ip.src_addr, f->ip.dst_addr, f->udp.src_port};

	if (way->src == 0)
		*way = now;
	else if (way->src != now.src || way->dst != now.dst || way->sport != now.sport)
		return "another way than the frames of its flow before";
	return NULL;
}

const char *
traffic_judge_request(const struct traffic_frame *f, const struct traffic_wanted *want,
	struct traffic_way *way, bool whole)
{
	const char *bad = whole ? judge_sums(f) : NULL;

	if (bad || !want->translated)
		return bad;
	if (rte_be_to_cpu_32(f->ip.dst_addr) - want->first_endpoint >= want->n_endpoints ||
		f->udp.dst_port != rte_cpu_to_be_16(want->target_port))
		return "not to an endpoint of the service";
	if (rte_be_to_cpu_32(f->ip.src_addr) - want->first_pool >= want->n_pool ||
		rte_be_to_cpu_16(f->udp.src_port) < TRAFFIC_FIRST)
		return "its source is not of the pool";
	if (f->ip.time_to_live != TTL - want->ttl_less)
		return "TTL is not that of one hop";
	return way ? judge_way(f, way) : NULL;
}

const char *
traffic_judge_answer(const struct traffic_frame *f, const struct traffic_wanted *want, bool whole)
{
	static const struct rte_ether_addr client = {CLIENT_MAC}, port = {PORT_MAC};
	const uint32_t flow = f->stamp.flow;

	if (f->ip.src_addr != rte_cpu_to_be_32(VIP) || f->udp.src_port != RTE_BE16(VIP_PORT) ||
		f->ip.dst_addr != rte_cpu_to_be_32(client_of(flow)) ||
		f->udp.dst_port != rte_cpu_to_be_16(sport_of(flow)))
		return "an answer to another flow than that of its request";
	if (f->ip.time_to_live != TTL - 2 * want->ttl_less)
		return "TTL is not that of two hops";
	if (!whole)
		return NULL;
	if (!rte_is_same_ether_addr(&f->eth.dst_addr, &client) ||
		!rte_is_same_ether_addr(&f->eth.src_addr, &port))
		return "MAC addresses are not those of client and port";
	return judge_sums(f);
}
