// What the resolver reads: answers to "www.example", hosts files, resolv.confs, names.
//
// Input: a byte that chooses, then the message (against a guard page) or the text.

#include <sys/socket.h>

#include "fuzz.h"
#include "hosts.h"
#include "names.h"
#include "outcome.h"
#include "sl_guard.h"

#define MSG_MAX 65535

static struct guarded in;

static void
answer(const uint8_t *data, uint32_t size, uint8_t how)
{
	const struct reading_cfg cfg = {.name = "www.example",
		.type = how & 8 ? SL_DNS_AAAA : SL_DNS_A,
		.tcp = how & 16,
		.refuse_private = how & 32};
	struct reading out;

	outcome_read(data, size, &cfg, &out);
	MUST(out.kind > OUTCOME_NONE && out.kind < OUTCOME_MAX);
	MUST(!out.truncated || !cfg.tcp);
	MUST((out.kind == OUTCOME_GOOD) == (out.n > 0));
	MUST(out.kind != OUTCOME_REJECTED || out.n_refused > 0);
	MUST(out.n + out.n_refused <= 64 && out.n + out.n_refused <= out.n_all);
	for (uint32_t i = 0; i < out.n; i++)
		MUST(out.ip[i].family == (how & 8 ? AF_INET6 : AF_INET));
}

static void
hosts(char *text)
{
	struct hosts h = {0};
	struct sl_ip ip[4];
	uint32_t n;

	hosts_parse(&h, text);
	for (uint32_t i = 0; i < h.n; i++)
		MUST(hosts_find(&h, h.row[i].name, h.row[i].ip.family, ip, 4, &n) && n > 0);
	hosts_find(&h, "www.example", AF_INET, ip, 4, &n);
	hosts_fini(&h);
}

static void
name(const char *text)
{
	char out[SL_DNS_NAME_MAX], again[SL_DNS_NAME_MAX];

	if (name_check(text, out)) {
		MUST(!*out);
		return;
	}
	MUST(*out && strlen(out) <= 253);
	MUST(!name_check(out, again) && strcmp(out, again) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0 || size > MSG_MAX)
		return 0;
	if (data[0] % 4 == 0) {
		uint8_t *at;

		if (!in.map)
			guarded_new(&in, MSG_MAX + 1);
		at = guarded_at(&in, size - 1);
		memcpy(at, data + 1, size - 1);
		answer(at, (uint32_t)size - 1, data[0]);
		return 0;
	}
	// Not strndup(): a strict AddressSanitizer has it look for an end that is not there.
	text = calloc(1, size);
	MUST(text);
	memcpy(text, data + 1, size - 1);
	if (data[0] % 4 == 1)
		hosts(text);
	else
		name(text);
	free(text);
	return 0;
}
