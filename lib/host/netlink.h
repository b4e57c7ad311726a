// Two netlink sockets: requests and dumps wait for their answer on one, events arrive on the other.
//
// Owner:   caller's memory; nl_open() / nl_close().
// Errors:  negative errno; the kernel's own words about a refused request are in `words`.
// Limits:  a dump's callback must not start a request: there is one buffer.
#pragma once

#include <linux/netlink.h>

#include "sl_types.h"

struct nl {
	int req;
	int events;
	uint32_t seq;
	char words[160]; // the kernel's own about the last refused request, or ""
	uint8_t *buf;    // NL_BUF_BYTES
	uint64_t msgs;   // events taken in
	uint64_t overruns;
};

#define NL_BUF_BYTES 65536

int nl_open(struct nl *nl, char **why);
void nl_close(struct nl *nl);
// Sends one request and waits for its ACK. Returns 0 or the kernel's negative errno (nl->words).
int nl_request(struct nl *nl, struct nlmsghdr *nlh);
typedef void (*nl_each)(void *arg, const struct nlmsghdr *nlh);
// Every message of a dump. Returns 0, 1 (the kernel says that it changed meanwhile) or -errno.
int nl_dump(struct nl *nl, uint16_t type, uint8_t family, nl_each each, void *arg);
// Every event that waits. Returns 0, -ENOBUFS (some were lost; the rest was taken in) or -errno.
int nl_drain(struct nl *nl, nl_each each, void *arg);
