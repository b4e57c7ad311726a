// The lab of the control socket's tests: a daemon with small handlers and clients that never block,
// in one thread.
#pragma once

#include "sl_ctl.h"
#include "sl_test.h"

struct lab {
	struct event_base *base;
	struct sl_ctl *ctl;
	char dir[64];
	char path[96];
	struct sl_log log;
	int log_fd;
	// what the handlers saw and left
	struct sl_ctl_req *deferred;
	unsigned aborted;
	unsigned freed;
	uint64_t rows_made;
	uint64_t rows_wanted;
};

#define END0    "{\"end\":{\"exit\":0,\"message\":null}}\n"
#define VERSION "{\"command\":\"version\"}\n"
#define DAEMON  "{\"row\":{\"component\":\"daemon\"}}\n" END0

struct sl_ctl_cfg lab_cfg(struct lab *lab);
void lab_up(struct lab *lab, const struct sl_ctl_limits *limits);
// The folders must be empty then: a socket that is left behind ends the test.
void lab_down(struct lab *lab);
void turn(struct lab *lab); // everything that is due
int dial(const char *path);
// Sends all of it, letting the daemon run meanwhile; stops when the daemon hangs up.
void say(struct lab *lab, int fd, const char *text, size_t len);
// Everything that is there now; true when the daemon hung up.
bool hear(struct lab *lab, int fd, struct sl_buf *out);
