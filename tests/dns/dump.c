// Messages as hexadecimal lines from standard input; for each what was read of it, a line.
//
// "bad", or id, flags, question, its type, EDNS's size (0: none), then for each record: section,
// owner, type, TTL and what sl_dns_rr_*() say of its data ("-": nothing).

#include <stdio.h>
#include <string.h>

#include "sl_wire_dns.h"

static void
data_of(const struct sl_dns_msg *msg, const struct sl_dns_rr *rr)
{
	char text[SL_DNS_NAME_MAX];
	struct sl_ip ip;
	uint32_t ttl;

	if (sl_dns_rr_ip(msg, rr, &ip))
		printf(" %s", sl_ip_str(&ip, text));
	else if (sl_dns_rr_cname(msg, rr, text) == 0)
		printf(" %s.", text);
	else if (sl_dns_rr_soa(msg, rr, &ttl))
		printf(" %u", ttl);
	else
		printf(" -");
}

static void
dump(const uint8_t *data, uint32_t len)
{
	char owner[SL_DNS_NAME_MAX];
	struct sl_dns_msg msg;
	struct sl_dns_rr rr;
	uint32_t it = 0;
	bool printable;

	if (!sl_dns_parse(data, len, &msg, &printable)) {
		printf("bad\n");
		return;
	}
	printf("%u %u %s. %u %u", msg.id, msg.flags, msg.qname, msg.qtype, msg.udp_size);
	while (sl_dns_rr_next(&msg, &it, &rr)) {
		if (rr.type == SL_DNS_OPT)
			continue;
		if (sl_dns_name(&msg, rr.name, owner) != 0)
			owner[0] = '\0';
		printf(" %u %s. %u %u", rr.section, owner, rr.type, rr.ttl);
		data_of(&msg, &rr);
	}
	printf("\n");
}

static int
digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

int
main(void)
{
	static char line[2 * 65535 + 2];
	static uint8_t data[65535];

	while (fgets(line, sizeof(line), stdin)) {
		uint32_t n = 0;

		for (const char *p = line; p[0] > ' ' && p[1] > ' '; p += 2)
			data[n++] = (uint8_t)(digit(p[0]) << 4 | digit(p[1]));
		dump(data, n);
	}
	return 0;
}
