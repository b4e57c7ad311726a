// One connection of the control socket and the request that it waits for: shared by server.c (bytes
// in and out, in which order) and answer.c (what handlers say).
//
// Owner:   struct sl_ctl owns its clients, a client its request.
// Threads: the event loop's.
#pragma once

#include "sl_clock.h"
#include "sl_ctl.h"
#include "sl_ctl_request.h"
#include "socket.h"

struct client;

struct sl_ctl_req {
	struct client *client;
	struct sl_ctl_request request;
	size_t bytes; // of the request line, charged to in_sum
	uint64_t started_ns;
	size_t before;       // of earlier answers, still to be sent when it began
	struct sl_emit emit; // of the row that is open
	struct sl_buf *row;  // where it goes; NULL: none is open
	bool on_stack;       // the handler or next() runs: whoever called it frees the request
	bool ended;
	bool cut; // the answer grew too large; what follows goes to the sink
	int (*next)(void *state, struct sl_ctl_req *req);
	void (*drop)(void *arg); // free_fn of a stream, abort of a deferred one
	void *arg;
	bool deferred;
};

struct client {
	struct sl_ctl *ctl;
	struct client *prev;
	struct client *next;
	int fd;
	struct sl_ctl_peer peer;
	struct sl_buf in;
	size_t scanned; // bytes of in that hold no newline
	size_t charged; // of in, part of in_sum
	struct sl_buf out;
	size_t out_off; // sent already
	struct sl_ctl_req *req;
	struct event *ev_read;
	struct event *ev_write;
	struct event *ev_kick; // a deferred request ended: go on with the next
	struct event *ev_timer;
	int timer;     // enum timer
	bool progress; // since the timer was set
	bool eof;      // no more requests will come
	bool closing;  // the connection ends when out is written
	bool dead;
};

struct sl_ctl {
	struct event_base *base;
	struct sl_ctl_cfg cfg;
	struct sl_ctl_socket socket;
	struct event *ev_listen;
	struct event *ev_resume; // file descriptors ran out: listen again
	struct client *clients;
	unsigned n_clients;
	size_t in_sum; // bytes of all unfinished requests
	struct sl_buf sink;
	struct sl_log_limit limit;
};

static inline size_t
pending(const struct client *c)
{
	return c->out.len - c->out_off;
}

// ---- answer.c ----

// The last line of an answer.
void sl_ctl_put_end(struct sl_buf *out, int exit, const char *message);
// Calls the handler; the request may be over (and c->req NULL) afterwards.
void sl_ctl_req_start(struct client *c, struct sl_ctl_request *request, size_t bytes);
// One call of a stream's next().
void sl_ctl_req_step(struct sl_ctl_req *req);
// The client went away.
void sl_ctl_req_abort(struct sl_ctl_req *req);
