// The servers of a resolv.conf: whatever the text is, they are addresses, no more than asked for,
// and a list of them gives them again.

#include <netinet/in.h>

#include "address.h"
#include "fuzz.h"
#include "resolv.h"
#include "sl_buf.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_dns_address addr[4], again[4];
	char *text = malloc(size + 1); // of that very size: a read past the end is one past it
	char name[SL_IP_STRLEN];
	struct sl_buf list = {0};
	uint32_t n, skipped;

	memcpy(text, data, size);
	text[size] = '\0';
	n = resolv_parse(text, addr, SL_ARRAY_LEN(addr), &skipped);
	MUST(n <= SL_ARRAY_LEN(addr));
	for (uint32_t i = 0; i < n; i++) {
		MUST(addr[i].ip.family == AF_INET || addr[i].ip.family == AF_INET6);
		sl_buf_printf(&list, "nameserver %s\n", sl_ip_str(&addr[i].ip, name));
	}
	MUST(resolv_parse(list.data, again, SL_ARRAY_LEN(again), &skipped) == n && !skipped);
	for (uint32_t i = 0; i < n; i++)
		MUST(address_equal(&addr[i], &again[i]));
	sl_buf_fini(&list);
	free(text);
	return 0;
}
