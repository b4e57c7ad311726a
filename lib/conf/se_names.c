// What a ServiceEntry says of names and virtual IPs outside of its spec: annotations of ours, a
// label and a status of Istio's.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "name_rows.h"
#include "rows.h"
#include "se_check.h"
#include "sl_str.h"

#define AT(member) offsetof(struct sl_se_names, member)

#define OURS      "sluice.io/"
#define ON_REMOVE OURS "dns-on-remove"
#define MAX_STALE OURS "dns-max-stale"
#define AUTO_VIP  "networking.istio.io/enable-autoallocate-ip"

#define RULE "N1"

static bool
parse_on_remove(const char *text, struct sl_se_names *out)
{
	static const uint64_t least = 100 * SL_NSEC_PER_MSEC, most = 24 * 3600 * SL_NSEC_PER_SEC;

	out->drain_ns = 0;
	if (strcmp(text, "keep") == 0)
		out->on_remove = SL_ON_REMOVE_KEEP;
	else if (strcmp(text, "reset") == 0)
		out->on_remove = SL_ON_REMOVE_RESET;
	else if (strncmp(text, "drain:", 6) == 0)
		out->on_remove = SL_ON_REMOVE_DRAIN;
	else
		return false;
	return out->on_remove != SL_ON_REMOVE_DRAIN ||
	       (sl_str_duration(text + 6, &out->drain_ns) == 0 && out->drain_ns >= least &&
		       out->drain_ns <= most);
}

static const char *
check_on_remove(const char *text)
{
	struct sl_se_names scratch;

	return parse_on_remove(text, &scratch)
		       ? NULL
		       : "keep, reset, or drain: with a duration in 100ms..24h (drain:30s)";
}

static const char *const flag_names[] = {"false", "true", NULL};
static const struct field rows[] = {
	{.key = OURS "dns-family",
		NAME_FAMILIES,
		.at = AT(policy.families),
		.rule = RULE,
		.def_text = "`dns.families` of sluice.yaml",
		.help = "Addresses that the names of this entry are asked for."},
	{.key = OURS "dns-strict",
		.type = T_FLAG,
		.names = flag_names,
		.at = AT(policy.strict),
		.rule = RULE,
		.def_text = "`dns.strict` of sluice.yaml",
		.help = "`\"true\"`: as Envoy, an empty answer counts at once, and the last good "
			"one has no end."},
	{.key = OURS "dns-refresh-min",
		NAME_REFRESH,
		.at = AT(policy.refresh_min_ns),
		.rule = RULE,
		.def_text = "`dns.refresh.min` of sluice.yaml",
		.help = "The names are not asked for more often. Where entries share a name the "
			"least counts."},
	{.key = OURS "dns-refresh-max",
		NAME_REFRESH,
		.at = AT(policy.refresh_max_ns),
		.rule = RULE,
		.def_text = "`dns.refresh.max` of sluice.yaml",
		.help = "The names are asked for again after that time at the latest. Where "
			"entries share a name the least counts."},
	{.key = MAX_STALE,
		NAME_STALE,
		.at = AT(policy.max_stale_ns),
		.rule = RULE,
		.def_text = "`dns.maxStale` of sluice.yaml",
		.help = "How long past its TTL the last good answer is used while servers fail."},
	{.key = ON_REMOVE,
		.type = T_STRING,
		.at = NO_AT,
		.check = check_on_remove,
		.rule = RULE,
		.def = "keep",
		.help = "Established flows of an endpoint that is not there any more: `keep` lets "
			"them end by themselves, `reset` ends them at once, `drain:DURATION` when "
			"that time has passed and it has not come back. Names that change their "
			"addresses are the usual case; it is obeyed with every resolution but "
			"NONE."},
};
static const struct schema annotations = {
	"annotations", FIELDS(rows), .size = sizeof(struct sl_se_names), .loc_at = NO_AT};

const struct schema *
se_annotations_schema(void)
{
	return &annotations;
}

// Of the rows, in their order; 0: it is not one of the policy.
static const unsigned given[SL_ARRAY_LEN(rows)] = {SL_SE_NAMES_FAMILIES, SL_SE_NAMES_STRICT,
	SL_SE_NAMES_MIN, SL_SE_NAMES_MAX, SL_SE_NAMES_STALE};

static bool
is_ours(const char *key)
{
	return strncmp(key, OURS, strlen(OURS)) == 0;
}

static const char *
nearest(const char *key)
{
	const char *names[SL_ARRAY_LEN(rows) + 1] = {NULL};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++)
		names[i] = rows[i].key;
	return sl_str_nearest(key, names);
}

// ---- reading annotations ----

static void
unknown(struct reader *r, const struct pair *p, const struct path *path)
{
	const char *near = nearest(p->key);

	reader_error(r, path, p->line, p->col, RULE, "unknown annotation%s%s%s",
		near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static void
read_annotation(
	struct reader *r, const struct pair *p, const struct path *up, struct sl_se_names *out)
{
	const struct path path = {.up = up, .key = p->key};
	const struct field *row = schema_find(&annotations, p->key);
	struct node value = *p->value;
	char *text = NULL;

	if (!row) {
		unknown(r, p, &path);
		return;
	}
	if (node_is_null(p->value)) // kubectl reads an empty value as ""
		value = (struct node){
			.kind = NODE_SCALAR, .line = value.line, .col = value.col, .text = ""};
	if (value.kind != NODE_SCALAR || value.scalar != SCALAR_STR)
		return; // reported where labels are read
	if (row->at != NO_AT) {
		if (value_read(r, row, &value, &path, (char *)out + row->at))
			out->given |= given[row - rows];
	} else if (value_read(r, row, &value, &path, &text)) {
		parse_on_remove(text, out);
		free(text);
	}
}

// What the annotations say; each that can't be is an error.
static void
read_annotations(struct reader *r, const struct node *root, struct sl_se_names *out)
{
	static const struct path meta = {.key = "metadata"};
	static const struct path at = {.up = &meta, .key = "annotations"};
	const struct node *map = node_get(node_get(root, "metadata"), "annotations");
	const unsigned both = SL_SE_NAMES_MIN | SL_SE_NAMES_MAX;
	char low[32], high[32];

	*out = (struct sl_se_names){0};
	for (uint32_t i = 0; map && map->kind == NODE_MAP && i < map->n; i++)
		if (is_ours(map->pairs[i].key))
			read_annotation(r, &map->pairs[i], &at, out);
	if ((out->given & both) == both && out->policy.refresh_min_ns > out->policy.refresh_max_ns)
		reader_error(r, &at, map->line, map->col, RULE,
			"dns-refresh-max, %s, is below dns-refresh-min, %s",
			sl_str_duration_fmt(out->policy.refresh_max_ns, high),
			sl_str_duration_fmt(out->policy.refresh_min_ns, low));
}

void
se_check_names(struct se_check *c)
{
	struct sl_se_names scratch;

	read_annotations(c->r, c->root, &scratch);
}

void
obj_check_ours(struct se_check *c)
{
	const struct sl_meta *meta = &c->obj->meta;
	const bool se = c->obj->kind == SL_KIND_SERVICE_ENTRY;

	for (uint32_t i = 0; i < meta->n_annotations && !se; i++) {
		if (!is_ours(meta->annotations[i].key))
			continue;
		P(c, "metadata.annotations");
		se_path_key(c, meta->annotations[i].key);
		se_say(c, SL_WARNING, NULL, c->path,
			"no effect on a %s: annotations of " OURS " are read on a ServiceEntry",
			sl_kind_name(c->obj->kind));
	}
	for (uint32_t i = 0; i < meta->n_labels && se; i++) {
		if (!is_ours(meta->labels[i].key))
			continue;
		P(c, "metadata.labels");
		se_path_key(c, meta->labels[i].key);
		se_say(c, SL_WARNING, NULL, c->path, "no effect: %s",
			schema_find(&annotations, meta->labels[i].key)
				? "it is read as an annotation"
				: "no label of " OURS " is known");
	}
}

// ---- status.addresses ----

static const struct field status_rows[] = {
	{.key = "addresses",
		.type = T_ANY,
		.at = NO_AT,
		.help = "Virtual IPs that a server gave to hosts: a list of `value`, an IP "
			"address, and `host`.",
		.here = "They are the virtual IPs of their hosts, in place of those that this "
			"gateway would give. What can't be one is left out with a warning."},
};
static const struct schema status = {
	"status", FIELDS(status_rows), .loc_at = NO_AT, .title = "status"};

const struct schema *
se_status_schema(void)
{
	return &status;
}

static const char *
text_of(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n && n->kind == NODE_SCALAR && !node_is_null(n) ? n->text : NULL;
}

// The host as the entry writes it, or NULL. Without one it is that of the only host.
static const char *
find_host(const struct sl_service_entry *se, const char *host)
{
	if (!host || !*host)
		return se->n_hosts == 1 ? se->hosts[0] : NULL;
	for (uint32_t i = 0; i < se->n_hosts; i++)
		if (strcasecmp(se->hosts[i], host) == 0)
			return se->hosts[i];
	return NULL;
}

static bool
has_ip(const struct sl_service_entry *se, const struct sl_ip *ip)
{
	for (uint32_t i = 0; i < se->n_status_addresses; i++)
		if (sl_ip_equal(&se->status_address[i].ip, ip))
			return true;
	return false;
}

static const char *
not_a_vip(const struct sl_ip *ip)
{
	const struct sl_se_address addr = {.prefix = {*ip, 32}};

	return ip->family == AF_INET ? sl_se_address_not_served(&addr) : NULL;
}

static void
read_status_address(struct se_check *c, struct sl_service_entry *se, const struct node *entry)
{
	const char *value = text_of(entry, "value"), *host = text_of(entry, "host"), *why;
	const char *found = find_host(se, host);
	struct sl_ip ip;

	if (!value || sl_ip_parse(value, &ip) < 0)
		se_remark(c, NULL, c->path, "left out: \"%.60s\" is not an IP address",
			value ? value : "");
	else if (!found && !host)
		se_remark(c, NULL, c->path, "left out: it is of no host, and there are %u",
			se->n_hosts);
	else if (!found)
		se_remark(c, NULL, c->path, "left out: \"%.80s\" is no host of this entry", host);
	else if (has_ip(se, &ip))
		se_remark(c, NULL, c->path, "left out: %.60s is there already", value);
	else if ((why = not_a_vip(&ip)) != NULL)
		se_remark(c, NULL, c->path, "left out: %.60s: %s", value, why);
	else
		se->status_address[se->n_status_addresses++] =
			(struct sl_se_status_address){host && *host ? sl_xstrdup(found) : NULL, ip};
}

static const char *
no_virtual_ip(const struct sl_service_entry *se)
{
	if (se->n_addresses)
		return "spec.addresses say where the service is";
	if (se->resolution == SL_RESOLUTION_NONE)
		return "resolution NONE has no virtual IP";
	return se->no_auto_vip ? "the label " AUTO_VIP " says that it has no virtual IP" : NULL;
}

static void
read_status(struct se_check *c, struct sl_service_entry *se)
{
	const struct node *list = node_get(node_get(c->root, "status"), "addresses");
	const char *why;

	if (!list || node_is_null(list))
		return;
	if (list->kind != NODE_SEQ) {
		se_remark(c, NULL, "status.addresses", "left out: expected a list");
		return;
	}
	se->status_address = sl_xcalloc(list->n, sizeof(*se->status_address));
	for (uint32_t i = 0; i < list->n; i++) {
		P(c, "status.addresses[%u]", i);
		read_status_address(c, se, list->items[i]);
	}
	if (se->n_status_addresses && (why = no_virtual_ip(se)) != NULL)
		se_remark(c, NULL, "status.addresses", "no effect: %s", why);
}

// ---- what has no effect ----

static bool
resolves(const struct sl_service_entry *se)
{
	return se->resolution == SL_RESOLUTION_DNS ||
	       se->resolution == SL_RESOLUTION_DNS_ROUND_ROBIN;
}

static void
remark_annotation(struct se_check *c, const char *key)
{
	const struct sl_service_entry *se = c->se;
	const bool on_remove = strcmp(key, ON_REMOVE) == 0;

	P(c, "metadata.annotations[\"%s\"]", key);
	if (on_remove && se->resolution == SL_RESOLUTION_NONE)
		se_remark(c, NULL, c->path, "no effect: resolution NONE has no endpoints");
	else if (!on_remove && se->resolution == SL_RESOLUTION_DYNAMIC_DNS)
		se_remark(c, NULL, c->path, "no effect yet: DYNAMIC_DNS is not served");
	else if (!on_remove && !resolves(se))
		se_remark(c, NULL, c->path, "no effect: resolution %s resolves no names",
			sl_resolution_name(se->resolution));
	else if (strcmp(key, MAX_STALE) == 0 && se->names.policy.strict)
		se_remark(c, NULL, c->path,
			"no effect: with dns-strict the last good answer has no end");
}

static void
read_opt_out(struct se_check *c, struct sl_service_entry *se)
{
	const struct sl_meta *meta = &c->obj->meta;

	for (uint32_t i = 0; i < meta->n_labels; i++) {
		const char *value = meta->labels[i].value;

		if (strcmp(meta->labels[i].key, AUTO_VIP) != 0)
			continue;
		se->no_auto_vip = strcasecmp(value, "false") == 0;
		if (!se->no_auto_vip && strcasecmp(value, "true") != 0)
			se_remark(c, NULL, "metadata.labels[\"" AUTO_VIP "\"]",
				"no effect: \"%.63s\" is not \"false\", which alone means "
				"something",
				value);
	}
	if (se_has_label(meta->annotations, meta->n_annotations, AUTO_VIP))
		se_remark(c, NULL, "metadata.annotations[\"" AUTO_VIP "\"]",
			"no effect: it is read as a label");
}

void
se_accept_names(struct se_check *c, struct sl_service_entry *se)
{
	const struct sl_meta *meta = &c->obj->meta;

	read_annotations(c->r, c->root, &se->names);
	for (uint32_t i = 0; i < meta->n_annotations; i++)
		if (is_ours(meta->annotations[i].key))
			remark_annotation(c, meta->annotations[i].key);
	read_opt_out(c, se);
	read_status(c, se);
}
