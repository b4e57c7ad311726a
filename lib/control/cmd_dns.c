// Commands about names: dns, dns refresh, dns servers.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "control_priv.h"
#include "names.h"
#include "sl_emit.h"
#include "sl_mesh_names.h"

#define NAMES_A_STEP 64

char *
control_plain_name(const char *name)
{
	char *plain = sl_xstrdup(name);
	const size_t len = plain ? strlen(plain) : 0;

	for (size_t i = 0; i < len; i++)
		plain[i] = (char)tolower((unsigned char)plain[i]);
	if (len > 1 && plain[len - 1] == '.')
		plain[len - 1] = '\0';
	return plain;
}

static void
emit_users(struct sl_control *c, struct sl_emit *e, const char *name)
{
	size_t n;
	const struct sl_mesh_service **svc = sl_mesh_name_users(c->mesh, name, &n);

	sl_emit_arr(e, "services");
	for (size_t i = 0; i < n; i++)
		sl_emit_strf(e, NULL, "%s/%s", svc[i]->namespace_, svc[i]->host);
	sl_emit_end(e);
	free(svc);
}

// ---- dns ----

struct dns_walk {
	struct sl_control *c;
	char *name;        // NULL: any
	const char *state; // of the request; NULL: any
	size_t it;
	size_t found;
};

static bool
is_wanted(const struct dns_walk *w, const char *name, int family)
{
	if (w->name && strcmp(w->name, name) != 0)
		return false;
	return !w->state || strcmp(w->state, sl_dns_state_name(sl_dns_entry_state(
						     names_dns(w->c->names), name, family))) == 0;
}

static int
next_names(void *state, struct sl_ctl_req *req)
{
	struct dns_walk *w = state;
	struct sl_dns *dns = names_dns(w->c->names);
	const char *name;
	int family;

	for (int i = 0; i < NAMES_A_STEP; i++) {
		struct sl_emit *e;

		if (!sl_dns_next(dns, &w->it, &name, &family)) {
			if (!w->name || w->found || w->state)
				return 0;
			sl_ctl_fail(req, 1, "no service uses the name %s", w->name);
			return -1;
		}
		if (!is_wanted(w, name, family))
			continue;
		e = sl_ctl_row(req);
		sl_dns_entry_emit(dns, name, family, e);
		emit_users(w->c, e, name);
		sl_ctl_row_end(req);
		w->found++;
	}
	return 1;
}

static void
dns_walk_free(void *state)
{
	struct dns_walk *w = state;

	free(w->name);
	free(w);
}

void
control_cmd_dns(struct sl_control *c, struct sl_ctl_req *req)
{
	struct dns_walk *w = sl_xcalloc(1, sizeof(*w));

	w->c = c;
	w->name = control_plain_name(sl_ctl_arg(req, "name"));
	w->state = sl_ctl_arg(req, "state");
	sl_ctl_stream(req, next_names, w, dns_walk_free);
}

// ---- dns refresh, dns servers ----

void
control_cmd_dns_refresh(struct sl_control *c, struct sl_ctl_req *req)
{
	char *name = control_plain_name(sl_ctl_arg(req, "name"));
	const uint32_t n = sl_dns_refresh(names_dns(c->names), name);
	struct sl_emit *e;

	if (n == 0) {
		sl_ctl_fail(req, 1, "no service uses the name %s", name);
	} else {
		e = sl_ctl_row(req);
		sl_emit_str(e, "name", name);
		sl_emit_u64(e, "questions", n);
		sl_ctl_row_end(req);
		sl_ctl_done(req);
	}
	free(name);
}

// Which of them is the last one is known only when there is no other.
static bool
server_text(struct sl_dns *dns, size_t i, struct sl_buf *out)
{
	struct sl_emit e;
	bool any;

	sl_buf_reset(out);
	sl_emit_init(&e, out);
	sl_emit_obj(&e, NULL);
	any = sl_dns_server_emit(dns, i, &e);
	sl_emit_end(&e);
	return any;
}

void
control_cmd_dns_servers(struct sl_control *c, struct sl_ctl_req *req)
{
	struct sl_buf text = {0};

	for (size_t i = 0; server_text(names_dns(c->names), i, &text); i++) {
		sl_emit_raw(sl_ctl_row_value(req), NULL, text.data);
		sl_ctl_row_end(req);
	}
	sl_buf_fini(&text);
	sl_ctl_done(req);
}
