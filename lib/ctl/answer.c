#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "client.h"
#include "sl_str.h"

// ---- the request ----

enum sl_ctl_cmd
sl_ctl_cmd(const struct sl_ctl_req *req)
{
	return req->request.cmd;
}

const struct sl_ctl_peer *
sl_ctl_peer(const struct sl_ctl_req *req)
{
	return &req->client->peer;
}

const char *
sl_ctl_arg(const struct sl_ctl_req *req, const char *name)
{
	return sl_ctl_arg_at(req, name, 0);
}

const char *
sl_ctl_arg_at(const struct sl_ctl_req *req, const char *name, size_t i)
{
	return sl_ctl_request_arg(&req->request, name, i);
}

bool
sl_ctl_flag(const struct sl_ctl_req *req, const char *name)
{
	const char *value = sl_ctl_arg(req, name);

	return value && value[0] == 't';
}

uint64_t
sl_ctl_arg_u64(const struct sl_ctl_req *req, const char *name, uint64_t otherwise)
{
	const char *value = sl_ctl_arg(req, name);
	uint64_t number;

	return value && sl_str_u64(value, &number) == 0 ? number : otherwise;
}

bool
sl_ctl_input(
	const struct sl_ctl_req *req, size_t i, const char **name, const char **text, size_t *len)
{
	return sl_ctl_request_input(&req->request, i, name, text, len);
}

// ---- the answer ----

// Where the next line goes: what a handler says at once is bounded, a stream bounds itself.
static struct sl_buf *
line_out(struct sl_ctl_req *req)
{
	struct client *c = req->client;

	assert(!req->row && !req->ended);
	if (!req->next && pending(c) > req->before + c->ctl->cfg.limits.out_max)
		req->cut = true;
	if (!req->cut)
		return &c->out;
	sl_buf_reset(&c->ctl->sink);
	return &c->ctl->sink;
}

struct sl_emit *
sl_ctl_row_value(struct sl_ctl_req *req)
{
	struct sl_buf *out = line_out(req);

	req->row = out;
	sl_buf_puts(out, "{\"row\":");
	sl_emit_init(&req->emit, out);
	return &req->emit;
}

struct sl_emit *
sl_ctl_row(struct sl_ctl_req *req)
{
	struct sl_emit *e = sl_ctl_row_value(req);

	sl_emit_obj(e, NULL);
	return e;
}

void
sl_ctl_row_end(struct sl_ctl_req *req)
{
	assert(req->row && req->emit.depth <= 1);
	if (req->emit.depth == 1)
		sl_emit_end(&req->emit);
	sl_buf_puts(req->row, "}\n");
	req->row = NULL;
}

void
sl_ctl_diag(struct sl_ctl_req *req, const struct sl_diag *diag)
{
	struct sl_buf *out = line_out(req);
	struct sl_emit e;

	sl_emit_init(&e, out);
	sl_emit_obj(&e, NULL);
	sl_emit_obj(&e, "diag");
	sl_ctl_emit_diag(&e, diag);
	sl_emit_end(&e);
	sl_emit_end(&e);
	sl_buf_putc(out, '\n');
}

void
sl_ctl_diags(struct sl_ctl_req *req, const struct sl_diags *diags)
{
	for (size_t i = 0; i < diags->n; i++)
		sl_ctl_diag(req, &diags->v[i]);
	if (diags->errors + diags->warnings > diags->n)
		sl_ctl_text(req, "%zu more findings are not shown",
			diags->errors + diags->warnings - diags->n);
}

void
sl_ctl_emit_diag(struct sl_emit *e, const struct sl_diag *diag)
{
	sl_emit_str(e, "severity", diag->severity == SL_ERROR ? "error" : "warning");
	sl_emit_str(e, "file", diag->file);
	sl_emit_u64(e, "line", diag->line);
	sl_emit_u64(e, "col", diag->col);
	sl_emit_str(e, "object", diag->object);
	sl_emit_str(e, "path", diag->path);
	sl_emit_str(e, "rule", diag->rule);
	sl_emit_str(e, "message", diag->message);
}

void
sl_ctl_text(struct sl_ctl_req *req, const char *fmt, ...)
{
	struct sl_buf *out = line_out(req), text = {0};
	struct sl_emit e;
	va_list ap;

	va_start(ap, fmt);
	sl_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	sl_emit_init(&e, out);
	sl_emit_obj(&e, NULL);
	sl_emit_str(&e, "text", text.data ? text.data : "");
	sl_emit_end(&e);
	sl_buf_putc(out, '\n');
	sl_buf_fini(&text);
}

void
sl_ctl_put_end(struct sl_buf *out, int exit, const char *message)
{
	struct sl_emit e;

	sl_emit_init(&e, out);
	sl_emit_obj(&e, NULL);
	sl_emit_obj(&e, "end");
	sl_emit_i64(&e, "exit", exit);
	sl_emit_str(&e, "message", message);
	sl_emit_end(&e);
	sl_emit_end(&e);
	sl_buf_putc(out, '\n');
}

// ---- the end ----

// Arguments as the log shows them: printable, and not longer than a log line bears.
static void
put_args(struct sl_buf *out, const struct sl_ctl_request *request)
{
	for (size_t i = 0; i < request->n_args && out->len < 512; i++) {
		const struct sl_ctl_request_arg *a = &request->args[i];

		sl_buf_printf(out, "%s%s=", i ? " " : "", a->param->name);
		for (const char *c = a->value; *c && c - a->value < 64; c++)
			sl_buf_putc(out, (unsigned char)*c < ' ' || *c == '"' ? '?' : *c);
	}
}

// Who changed what, and what came of it.
static void
log_change(const struct sl_ctl_req *req, const char *result, bool good)
{
	const struct client *c = req->client;
	struct sl_buf args = {0};

	if (sl_ctl_command(req->request.cmd)->access != SL_CTL_CHANGE)
		return;
	put_args(&args, &req->request);
	sl_log(c->ctl->cfg.log, good ? SL_LOG_NOTICE : SL_LOG_WARN, "ctl",
		"%s: %s uid=%u gid=%u pid=%d args=\"%s\" inputs=%zu bytes=%zu took_ms=%" PRIu64,
		sl_ctl_command(req->request.cmd)->name, result, (unsigned)c->peer.uid,
		(unsigned)c->peer.gid, (int)c->peer.pid, args.data ? args.data : "",
		json_array_size(req->request.input), req->bytes,
		(sl_clock_ns(NULL) - req->started_ns) / SL_NSEC_PER_MSEC);
	sl_buf_fini(&args);
}

static void
req_free(struct sl_ctl_req *req)
{
	struct client *c = req->client;

	if (req->drop)
		req->drop(req->arg);
	c->ctl->in_sum -= req->bytes;
	c->req = NULL;
	c->progress = true;
	sl_ctl_request_fini(&req->request);
	free(req);
}

static void
end(struct sl_ctl_req *req, int exit, const char *message)
{
	struct client *c = req->client;

	assert(!req->row && !req->ended);
	if (req->cut && exit == 0) {
		exit = 1;
		message = "the answer is too large to be given at once; ask for less of it";
	}
	sl_ctl_put_end(&c->out, exit, message);
	log_change(req, exit == 0 ? "done" : message, exit == 0);
	req->ended = true;
	// A deferred request that ends by its handler's word is not aborted.
	if (req->deferred)
		req->drop = NULL;
	if (req->on_stack)
		return;
	req_free(req);
	event_active(c->ev_kick, EV_TIMEOUT, 0);
}

void
sl_ctl_done(struct sl_ctl_req *req)
{
	end(req, 0, NULL);
}

void
sl_ctl_fail(struct sl_ctl_req *req, int exit, const char *fmt, ...)
{
	struct sl_buf message = {0};
	va_list ap;

	va_start(ap, fmt);
	sl_buf_vprintf(&message, fmt, ap);
	va_end(ap);
	end(req, exit, message.data ? message.data : "");
	sl_buf_fini(&message);
}

void
sl_ctl_defer(struct sl_ctl_req *req, void (*abort)(void *arg), void *arg)
{
	assert(!req->ended && !req->next && !req->deferred);
	req->deferred = true;
	req->drop = abort;
	req->arg = arg;
}

void
sl_ctl_stream(struct sl_ctl_req *req, int (*next)(void *state, struct sl_ctl_req *req), void *state,
	void (*free_fn)(void *state))
{
	assert(!req->ended && !req->next && !req->deferred);
	req->next = next;
	req->drop = free_fn;
	req->arg = state;
}

// ---- for the server ----

void
sl_ctl_req_start(struct client *c, struct sl_ctl_request *request, size_t bytes)
{
	const sl_ctl_fn handler = c->ctl->cfg.handlers[request->cmd];
	struct sl_ctl_req *req = sl_xcalloc(1, sizeof(*req));

	req->client = c;
	req->request = *request;
	req->bytes = bytes;
	req->before = pending(c);
	req->started_ns = sl_clock_ns(NULL);
	c->ctl->in_sum += bytes;
	c->req = req;
	req->on_stack = true;
	if (handler)
		handler(c->ctl->cfg.ctx, req);
	else
		sl_ctl_fail(req, 2, "this daemon does not know the command %s",
			sl_ctl_command(request->cmd)->name);
	assert(req->ended || req->next || req->deferred);
	req->on_stack = false;
	if (req->ended)
		req_free(req);
}

void
sl_ctl_req_step(struct sl_ctl_req *req)
{
	int rc;

	req->on_stack = true;
	rc = req->next(req->arg, req);
	if (rc == 0)
		end(req, 0, NULL);
	assert((rc > 0) == !req->ended);
	req->on_stack = false;
	if (req->ended)
		req_free(req);
}

void
sl_ctl_req_abort(struct sl_ctl_req *req)
{
	log_change(req, "the client left before the end", false);
	req_free(req);
}
