// Control socket of the daemon: requests in, rows out, one JSON text a line.
//
//   request  {"command":"flows","args":{"proto":"tcp","limit":"10"}}
//            {"command":"apply","input":[{"name":"a.yaml","text":"..."}]}
//   reply    {"row":{...}}            0 or more; what the fields mean: sl_ctl_commands.def
//            {"diag":{...}}           0 or more; a diagnostic, the fields of `validate -o json`
//            {"text":"..."}           0 or more; a line for people
//            {"end":{"exit":0,"message":null}}   exactly one, the last; exit: 0, 1, 2 as sluicectl
//
// Requests on one connection are answered one after another, in order. args values are strings
// (numbers and booleans are taken as well; a list where a command says so). Unknown commands,
// arguments and values are refused with exit 2 before a handler sees them.
//
// Owner:   sl_ctl_listen() / sl_ctl_free(). A request lives from the handler's call to its end.
// Threads: the event loop's thread only, handlers too.
// Errors:  sl_ctl_listen(): NULL and *why, a sentence for the operator (the caller frees). What a
//          client does wrong is answered, or ends its connection; it is never an error of the
//          daemon.
// Limits:  SL_CTL_CLIENTS connections; a request of SL_CTL_REQUEST_MAX bytes, all unfinished
//          requests together SL_CTL_REQUEST_SUM; SL_CTL_INPUTS inputs, SL_CTL_ARGS arguments.
//          Output waits in a buffer: a stream pauses at SL_CTL_STREAM_ROOM; what a handler emits at
//          once is cut past SL_CTL_OUT_MAX and the request fails. Connections end after
//          SL_CTL_IDLE_S without a request, SL_CTL_HALF_S in the middle of one, SL_CTL_STUCK_S
//          without reading their answer.
#pragma once

#include <event2/event.h>
#include <sys/types.h>

#include "sl_ctl_table.h"
#include "sl_diag.h"
#include "sl_emit.h"
#include "sl_log.h"

#define SL_CTL_CLIENTS     64
#define SL_CTL_REQUEST_MAX (UINT64_C(512) << 20)
#define SL_CTL_REQUEST_SUM (UINT64_C(1) << 30)
#define SL_CTL_INPUTS      100000
#define SL_CTL_ARGS        4096
#define SL_CTL_STREAM_ROOM (256u << 10)
#define SL_CTL_OUT_MAX     (64u << 20)
#define SL_CTL_IDLE_S      300
#define SL_CTL_HALF_S      30
#define SL_CTL_STUCK_S     600

struct sl_ctl;
struct sl_ctl_req;

// Must end the request, or say that it does so later: sl_ctl_done(), sl_ctl_fail(),
// sl_ctl_stream() or sl_ctl_defer(), exactly one of them.
typedef void (*sl_ctl_fn)(void *ctx, struct sl_ctl_req *req);

// What the limits above can be lowered to, for tests; 0 is the limit above.
struct sl_ctl_limits {
	unsigned clients;
	size_t request_max;
	size_t request_sum;
	size_t out_max;
	uint32_t idle_ms;
	uint32_t half_ms;
	uint32_t stuck_ms;
};

struct sl_ctl_cfg {
	const char *path;  // of the socket; its folder is made (0755) when it is missing
	const char *owner; // user name or number; NULL: the process's
	const char *group; // group name or number; NULL: the process's
	uint32_t mode;     // 0660 when 0
	struct sl_log *log;
	sl_ctl_fn handlers[SL_CTL_CMD_MAX]; // NULL: refused as not known to this daemon
	void *ctx;                          // for the handlers
	struct sl_ctl_limits limits;
};

// Listens. The socket is made with its owner and mode under another name and then renamed, so it is
// never open to more. A socket left by a dead daemon is replaced; one that answers is an error.
struct sl_ctl *sl_ctl_listen(struct event_base *base, const struct sl_ctl_cfg *cfg, char **why);
// Ends all connections (streams and deferred requests: their free_fn and abort run) and removes the
// socket when it is still ours. Answers already finished get a last try to be written, without
// waiting.
void sl_ctl_free(struct sl_ctl *ctl);
unsigned sl_ctl_clients(const struct sl_ctl *ctl);

// ---- the request ----

struct sl_ctl_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

enum sl_ctl_cmd sl_ctl_cmd(const struct sl_ctl_req *req);
const struct sl_ctl_peer *sl_ctl_peer(const struct sl_ctl_req *req);

// Value of an argument (checked by its declared type; a KIND is the kind's name), or NULL: not
// given.
const char *sl_ctl_arg(const struct sl_ctl_req *req, const char *name);
// The i-th value of an argument that may be given many times; NULL past the last.
const char *sl_ctl_arg_at(const struct sl_ctl_req *req, const char *name, size_t i);
bool sl_ctl_flag(const struct sl_ctl_req *req, const char *name);
uint64_t sl_ctl_arg_u64(const struct sl_ctl_req *req, const char *name, uint64_t otherwise);

// The i-th input; false past the last. text ends with a NUL that len does not count and lives as
// long as the request.
bool sl_ctl_input(
	const struct sl_ctl_req *req, size_t i, const char **name, const char **text, size_t *len);

// ---- the answer ----

// Begins a row: the emitter stands inside its object. sl_ctl_row_end() closes it.
struct sl_emit *sl_ctl_row(struct sl_ctl_req *req);
void sl_ctl_row_end(struct sl_ctl_req *req);
// Begins a row whose value the caller emits whole, with one sl_emit_obj(e, NULL) ...
// sl_emit_end(e).
struct sl_emit *sl_ctl_row_value(struct sl_ctl_req *req);

void sl_ctl_diag(struct sl_ctl_req *req, const struct sl_diag *diag);
// The members of a diagnostic, into the object that is open.
void sl_ctl_emit_diag(struct sl_emit *e, const struct sl_diag *diag);
// All of them, and a text that says how many more there were.
void sl_ctl_diags(struct sl_ctl_req *req, const struct sl_diags *diags);
void sl_ctl_text(struct sl_ctl_req *req, const char *fmt, ...) SL_PRINTF(2, 3);

// The end; req is gone afterwards. exit 1: what was asked failed or is invalid; 2: wrong usage.
void sl_ctl_done(struct sl_ctl_req *req); // exit 0
void sl_ctl_fail(struct sl_ctl_req *req, int exit, const char *fmt, ...) SL_PRINTF(3, 4);

// The end comes later, from outside the handler. When the client goes away before, or at
// sl_ctl_free(), abort(arg) is called and req is gone: it must not be used any more.
void sl_ctl_defer(struct sl_ctl_req *req, void (*abort)(void *arg), void *arg);

// Many rows: next() is called from the event loop whenever there is room, emits a bounded number of
// rows (some KiB) and returns 1: more, 0: finished (exit 0), or -1: it called sl_ctl_fail() itself.
// free_fn(state) is called exactly once: at the end, when the client goes away, at sl_ctl_free().
// Other events run between two calls, so state must not hold on to what they may change.
void sl_ctl_stream(struct sl_ctl_req *req, int (*next)(void *state, struct sl_ctl_req *req),
	void *state, void (*free_fn)(void *state));
