// A lib/control to test: a folder with a configuration, a control socket, a clock that stands, and
// DNS servers that say what the test wants.
//
// Owner:   the caller's memory: rig_new(), rig_start(), ..., rig_free().
// Threads: one; rig_ask() runs the event loop while a client of its own thread asks.
#pragma once

#include <sys/types.h>

#include "sl_buf.h"
#include "sl_control.h"
#include "sl_test.h"

#define RIG_ASKS   64
#define RIG_RESETS 16

struct rig {
	char dir[64];
	struct event_base *base;
	struct sl_rcu *rcu;
	struct sl_host *host;
	struct sl_control *control;
	struct sl_ctl *ctl;
	struct sl_log log; // to nowhere
	int ask_fd;
	uint64_t now_ns;
	uint64_t flows; // of every slot
	bool mailbox_full;
	uint32_t reset[RIG_RESETS];
	unsigned n_resets;
	const struct sl_dns_ask_fns *dns_ask; // NULL: c-ares, which no test may reach
};

// A sluice.yaml without DNS.
#define RIG_YAML                                                                                   \
	"ports:\n"                                                                                 \
	"- name: lan\n"                                                                            \
	"  device: net_null0\n"                                                                    \
	"  addresses: [192.0.2.1/24]\n"                                                            \
	"pool: {addresses: [198.51.100.1]}\n"                                                      \
	"flows: {max: 1024, maxEndpoints: 1024}\n"                                                 \
	"control: {socket: sock}\n"                                                                \
	"resources: [objects]\n"                                                                   \
	"stateDir: state\n"

// Asserts as the tests do: TEST_SUCCESS or not.
int rig_new(struct rig *r); // with RIG_YAML
int rig_start(struct rig *r);
void rig_stop(struct rig *r);
void rig_free(struct rig *r); // and rig_stop()

void rig_write(const struct rig *r, const char *name, const char *text);
// The answer to a request as text, in a buffer that lives until the next call. args, yaml: NULL for
// none.
const char *rig_ask(struct rig *r, const char *command, const char *args, const char *yaml);
// Runs the event loop until done(ctx) says so; false: it did not within two seconds.
bool rig_wait(struct rig *r, bool (*done)(void *ctx), void *ctx);

#define EXPECT(text, part)                                                                         \
	do {                                                                                       \
		const char *sl_text = (text);                                                      \
		RTE_TEST_ASSERT_NOT_NULL(                                                          \
			strstr(sl_text, part), "no \"%s\" in: %s", part, sl_text);                 \
	} while (0)
#define EXPECT_NOT(text, part)                                                                     \
	do {                                                                                       \
		const char *sl_text = (text);                                                      \
		RTE_TEST_ASSERT_NULL(strstr(sl_text, part), "\"%s\" in: %s", part, sl_text);       \
	} while (0)
