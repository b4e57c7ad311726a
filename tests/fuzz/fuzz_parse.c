// The packet parser, and all that may be done to a frame that it let through.
//
// Input: two bytes that say how much of the frame is contiguous (big endian; more than there is:
// all), then the frame. The contiguous part lies against a guard page.

#include "fuzz.h"
#include "sl_guard.h"
#include "sl_packet.h"
#include "sl_wire_plain.h"

#define FRAME_MAX 2048
#define ROOM_MAX  (FRAME_MAX + 128)

static struct guarded guard;

static uint8_t *
place(const uint8_t *frame, uint32_t len)
{
	uint8_t *at = guarded_at(&guard, len);

	memcpy(at, frame, len);
	return at;
}

// A good L4 checksum must be good after the rewrite, a wrong one wrong.
static void
rewrite(const uint8_t *frame, uint32_t len, const struct sl_wire_info *info)
{
	const struct sl_tuple to = {
		.src = htonl(IP4(192, 0, 2, 1)),
		.dst = htonl(IP4(198, 51, 100, 2)),
		.sport = htons(1024),
		.dport = htons(65535),
		.proto = info->tuple.proto,
	};
	struct packet before, after;

	if (info->ttl <= 1)
		return;
	const char *was = packet_read(frame, len, &before);
	uint8_t *at = place(frame, len);

	sl_wire_rewrite(at, info->l4_off, &to, sl_wire_delta(&info->tuple, &to));
	const char *is = packet_read(at, len, &after);
	MUST(!was == !is);
	MUST(after.src == IP4(192, 0, 2, 1) && after.dport == 65535);
	MUST(after.ttl == before.ttl - 1);
}

static void
check_answer(const uint8_t *at, uint32_t n, uint32_t room)
{
	struct packet k;

	if (n == 0)
		return;
	MUST(n <= room);
	MUST(packet_read(at, n, &k) == NULL);
	MUST(k.ttl == 64 && k.pad_len == 0);
}

static void
answer(const uint8_t *frame, uint32_t len, const struct sl_wire_info *info)
{
	for (uint32_t more = 0; more <= 64; more += 32) {
		const uint32_t room = len + more;
		uint8_t *at = guarded_at(&guard, room);

		memcpy(at, frame, len);
		check_answer(at, sl_wire_make_rst(at, room, info), room);
		memcpy(at, frame, len);
		check_answer(at, sl_wire_make_icmp(at, len, room, info, 3, 13, 0), room);
	}
}

// What an error quotes lies in the frame, with the ports and the number that are written there.
static void
icmp_error(const uint8_t *frame, uint32_t len, const struct sl_wire_info *info)
{
	const uint8_t *quote = frame + info->l4_off + 8;
	struct sl_wire_icmp_error e;

	if (!sl_wire_parse_icmp_error(place(frame, len), len, info, &e))
		return;
	const uint8_t *l4 = quote + (quote[0] & 15) * 4;

	MUST(l4 + 8 <= frame + len && l4 + 8 <= frame + 14 + info->ip_len);
	MUST(e.tuple.proto == P_TCP || e.tuple.proto == P_UDP);
	MUST(ntohl(e.tuple.src) == get32(quote + 12) && ntohl(e.tuple.dst) == get32(quote + 16));
	MUST(ntohs(e.tuple.sport) == get16(l4) && ntohs(e.tuple.dport) == get16(l4 + 2));
	MUST(e.seq == (e.tuple.proto == P_TCP ? get32(l4 + 4) : 0));
	MUST(ones_sum(quote - 8, info->ip_len + 14u - info->l4_off, 0) == 0xffff);
}

// The short cut says the same, or that it does not know; and it knows the usual frames.
static void
plain(const uint8_t *frame, uint32_t contiguous, uint32_t len, const struct sl_wire_info *info)
{
	struct sl_wire_info short_cut;
	const bool is_plain =
		sl_wire_parse_plain(place(frame, contiguous), contiguous, len, &short_cut);
	const bool usual = info->kind == SL_WIRE_L4 && contiguous >= SL_WIRE_PLAIN_LEN;

	MUST(is_plain == usual);
	MUST(!is_plain || memcmp(&short_cut, info, sizeof(*info)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_wire_info info;

	if (!guard.map)
		guarded_new(&guard, ROOM_MAX);
	if (size < 2 || size > FRAME_MAX)
		return 0;
	const uint32_t len = (uint32_t)size - 2, want = get16(data);
	const uint32_t contiguous = want < len ? want : len;
	const uint8_t *frame = data + 2;

	const enum sl_wire_kind kind =
		sl_wire_parse(place(frame, contiguous), contiguous, len, &info);
	MUST(kind == info.kind && kind <= SL_WIRE_BAD_L4);
	if (kind == SL_WIRE_L4) {
		MUST(info.l4_off + 8u <= contiguous && info.ip_len + 14u <= len);
		if (contiguous == len)
			rewrite(frame, len, &info);
	}
	plain(frame, contiguous, len, &info);
	icmp_error(frame, contiguous, &info);
	answer(frame, contiguous, &info);
	return 0;
}
