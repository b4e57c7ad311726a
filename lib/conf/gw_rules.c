// The servers of a Gateway: ports, names and what they bind to. What can be said of one field alone
// stands in its row.
#include "gw_check.h"

#include <string.h>

#include "names.h"
#include "sl_ip.h"
#include "text_set.h"

// A host of a server, perhaps behind a namespace and a slash. NULL, or what was expected.
static const char *
check_host(const char *text)
{
	static const char expected[] =
		"a host with a dot in it, `*`, or an IP address, perhaps behind a namespace and a "
		"slash";
	const char *slash = strchr(text, '/'), *host = slash ? slash + 1 : text;
	char ns[64];
	struct sl_ip ip;

	if (slash) {
		if (slash - text > 63)
			return expected;
		memcpy(ns, text, (size_t)(slash - text));
		ns[slash - text] = '\0';
		if (strcmp(ns, "*") != 0 && strcmp(ns, ".") != 0 && !is_dns_label(ns))
			return expected;
	}
	if (strcmp(host, "*") == 0 || sl_ip_parse(host, &ip) == 0)
		return NULL;
	if (!strchr(host, '.') || is_partial_wildcard(host) || check_wildcard_host(host))
		return expected;
	return NULL;
}

static void
check_hosts(struct reader *r, const struct spot *server)
{
	const struct spot list = spot_key(server, "hosts");

	for (uint32_t i = 0; i < spot_items(&list); i++) {
		const struct spot s = spot_item(&list, i);
		const char *text = spot_text(&s), *expected = text ? check_host(text) : NULL;

		if (expected)
			spot_say(r, SL_ERROR, "G3", &s, "\"%.80s\" is not %s", text, expected);
	}
}

static void
check_bind(struct reader *r, const struct spot *server)
{
	const struct spot bind = spot_key(server, "bind"), port = spot_key(server, "port");
	const struct spot number = spot_key(&port, "number");
	const char *text = spot_text(&bind);
	const bool is_unix = text && strncmp(text, "unix://", 7) == 0;
	struct sl_ip ip;
	uint64_t n;

	if (is_unix && check_unix_path(text + 7))
		spot_say(r, SL_ERROR, "G6", &bind, "the path behind unix:// is not %s",
			check_unix_path(text + 7));
	else if (text && *text && !is_unix && sl_ip_parse(text, &ip) < 0)
		spot_say(r, SL_ERROR, "G6", &bind,
			"\"%.80s\" is not an IP address, or unix:// and a path", text);
	if (!spot_number(&number, &n))
		return;
	if (is_unix && n)
		spot_say(r, SL_ERROR, "G6", &number, "a Unix socket goes with port number 0");
	else if (!is_unix && !n)
		spot_say(r, SL_ERROR, "G4", &number, "0 is out of range, expected 1..65535");
}

static void
check_server(struct reader *r, const struct spot *server, const struct sl_gw_server *s, uint32_t i,
	struct text_set *names)
{
	const struct spot port = spot_key(server, "port"), name = spot_key(&port, "name");
	const struct spot target = spot_key(&port, "targetPort");
	uint32_t before;

	if (spot_given(&target))
		spot_say(r, SL_ERROR, "G4", &target, "not in a Gateway: it forwards by routes");
	if (spot_text(&name) && text_set_add(names, spot_text(&name), i, &before))
		spot_say(r, SL_ERROR, "G5", &name,
			"\"%.63s\" is also the name of the port of servers[%u]", spot_text(&name),
			before);
	check_hosts(r, server);
	check_bind(r, server);
	if (s->protocol)
		gw_check_tls(r, server, s->protocol);
}

void
gw_rules(struct reader *r, const struct node *root, const struct sl_object *obj)
{
	const struct spot top = spot_root(root);
	const struct spot meta = spot_key(&top, "metadata"), name = spot_key(&meta, "name");
	const struct spot spec = spot_key(&top, "spec"), servers = spot_key(&spec, "servers");
	struct text_set names = {0};

	if (obj->meta.name && !is_dns_label(obj->meta.name))
		spot_say(r, SL_ERROR, "G1", &name, "\"%.80s\" is not %s", obj->meta.name,
			check_dns_label(obj->meta.name));
	for (uint32_t i = 0; i < obj->gw.n_servers; i++) {
		const struct spot server = spot_item(&servers, i);

		check_server(r, &server, &obj->gw.servers[i], i, &names);
	}
	text_set_fini(&names);
}

void
gw_remarks(struct reader *r, const struct node *root, struct sl_object *obj)
{
	static const char text[] = "no Gateway listens yet: kept and checked, no effect";
	const struct spot top = spot_root(root);
	const struct spot spec = spot_key(&top, "spec"), servers = spot_key(&spec, "servers");
	const struct sl_loc loc = {r->file, servers.line, servers.col};

	sl_object_note(obj, "spec.servers", &loc, false, "%s", text);
	spot_say(r, SL_WARNING, NULL, &servers, "%s", text);
}
