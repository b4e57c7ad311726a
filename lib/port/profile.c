// A profile file is one YAML mapping of scalars and lists of scalars; the table `keys` says which.

#include <errno.h>
#include <rte_ethdev.h>
#include <string.h>
#include <yaml.h>

#include "sl_profile.h"
#include "sl_str.h"

#define FILE_MAX 65536
#define LIST_MAX 16

struct word {
	const char *name;
	uint64_t bits;
};

// RSS input sets. The short ones stand for what a gateway wants; ethdev masks are per packet type.
static const struct word rss_words[] = {
	{"ip", RTE_ETH_RSS_IP},
	{"tcp", RTE_ETH_RSS_TCP},
	{"udp", RTE_ETH_RSS_UDP},
	{"sctp", RTE_ETH_RSS_SCTP},
	{NULL, 0},
};

// LRO and TSO are left out on purpose: a gateway passes frames on as they came.
static const struct word rx_offload_words[] = {
	{"ipv4-checksum", RTE_ETH_RX_OFFLOAD_IPV4_CKSUM},
	{"tcp-checksum", RTE_ETH_RX_OFFLOAD_TCP_CKSUM},
	{"udp-checksum", RTE_ETH_RX_OFFLOAD_UDP_CKSUM},
	{"rss-hash", RTE_ETH_RX_OFFLOAD_RSS_HASH},
	{NULL, 0},
};

static const struct word tx_offload_words[] = {
	{"ipv4-checksum", RTE_ETH_TX_OFFLOAD_IPV4_CKSUM},
	{"tcp-checksum", RTE_ETH_TX_OFFLOAD_TCP_CKSUM},
	{"udp-checksum", RTE_ETH_TX_OFFLOAD_UDP_CKSUM},
	{"multi-segment", RTE_ETH_TX_OFFLOAD_MULTI_SEGS},
	{NULL, 0},
};

static const struct word quirk_words[] = {
	{"no-set-mtu", SL_QUIRK_NO_SET_MTU},
	{"no-link-state", SL_QUIRK_NO_LINK_STATE},
	{"single-segment", SL_QUIRK_SINGLE_SEGMENT},
	{"equal-queues", SL_QUIRK_EQUAL_QUEUES},
	{"quiet-netdev", SL_QUIRK_QUIET_NETDEV},
	{"xdp-socket", SL_QUIRK_XDP_SOCKET},
	{"partial-checksums", SL_QUIRK_PARTIAL_CHECKSUMS},
	{"queues-spread", SL_QUIRK_QUEUES_SPREAD},
	{"whole-ports", SL_QUIRK_WHOLE_PORTS},
	{NULL, 0},
};

enum kind {
	TEXT,
	U16,
	U32,
	BOOL,
	WORDS64,
	WORDS32,
	DRIVERS,
};

struct key {
	const char *name;
	enum kind kind;
	size_t offset;
	uint64_t max; // TEXT: bytes with the NUL; numbers: the largest
	const struct word *words;
};

#define AT(field)   offsetof(struct sl_profile, field)
#define ROOM(field) sizeof(((struct sl_profile *)0)->field)

static const struct key keys[] = {
	{"name", TEXT, AT(name), ROOM(name), NULL},
	{"drivers", DRIVERS, AT(driver), ROOM(driver[0]), NULL},
	{"devargs", TEXT, AT(devargs), ROOM(devargs), NULL},
	{"queueDevarg", TEXT, AT(queue_devarg), ROOM(queue_devarg), NULL},
	{"rxDescriptors", U16, AT(rx_descriptors), 32768, NULL},
	{"txDescriptors", U16, AT(tx_descriptors), 32768, NULL},
	{"queues", U16, AT(queues), 1024, NULL},
	{"maxQueues", U16, AT(max_queues), 1024, NULL},
	{"maxMtu", U32, AT(max_mtu), 65535, NULL},
	{"rss", WORDS64, AT(rss_hf), 0, rss_words},
	{"rxOffloads", WORDS64, AT(rx_offloads), 0, rx_offload_words},
	{"txOffloads", WORDS64, AT(tx_offloads), 0, tx_offload_words},
	{"promiscuous", BOOL, AT(promiscuous), 0, NULL},
	{"quirks", WORDS32, AT(quirks), 0, quirk_words},
};

struct reader {
	yaml_parser_t yaml;
	struct sl_profile *profile;
	struct sl_diags *diags;
	const char *file;
	bool seen[SL_ARRAY_LEN(keys)];
	bool broken; // not YAML: nothing more can be read
};

static void fail(struct reader *r, yaml_mark_t at, const char *path, const char *fmt, ...)
	SL_PRINTF(4, 5);

static void
fail(struct reader *r, yaml_mark_t at, const char *path, const char *fmt, ...)
{
	const struct sl_loc loc = {r->file, (uint32_t)at.line + 1, (uint32_t)at.column + 1};
	struct sl_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	sl_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	sl_diag_add(r->diags, SL_ERROR, &loc, "profile", path, NULL, "%s", text.data);
	sl_buf_fini(&text);
}

// The next event, or a diagnostic and `broken`. Anchors and aliases have no place in a profile.
static bool
next(struct reader *r, yaml_event_t *ev)
{
	if (r->broken)
		return false;
	if (yaml_parser_parse(&r->yaml, ev)) {
		if (ev->type != YAML_ALIAS_EVENT)
			return true;
		fail(r, ev->start_mark, NULL, "aliases are not read here");
		yaml_event_delete(ev);
	} else {
		fail(r, r->yaml.problem_mark, NULL, "%s",
			r->yaml.problem ? r->yaml.problem : "not YAML");
	}
	r->broken = true;
	return false;
}

// Reads on until the collection that just opened is closed.
static void
skip(struct reader *r)
{
	yaml_event_t ev;

	for (int depth = 1; depth > 0 && next(r, &ev);) {
		if (ev.type == YAML_MAPPING_START_EVENT || ev.type == YAML_SEQUENCE_START_EVENT)
			depth++;
		if (ev.type == YAML_MAPPING_END_EVENT || ev.type == YAML_SEQUENCE_END_EVENT)
			depth--;
		yaml_event_delete(&ev);
	}
}

static const char *
scalar(const yaml_event_t *ev)
{
	return (const char *)ev->data.scalar.value;
}

static void
put_text(struct reader *r, const struct key *key, const yaml_event_t *ev, char *to)
{
	if (strlen(scalar(ev)) >= key->max)
		fail(r, ev->start_mark, key->name, "longer than %llu characters",
			(unsigned long long)key->max - 1);
	else
		snprintf(to, key->max, "%s", scalar(ev));
}

static void
put_number(struct reader *r, const struct key *key, const yaml_event_t *ev, void *to)
{
	uint64_t v;

	if (sl_str_u64(scalar(ev), &v) < 0 || v > key->max) {
		fail(r, ev->start_mark, key->name, "\"%s\" is not a number from 0 to %llu",
			scalar(ev), (unsigned long long)key->max);
		return;
	}
	if (key->kind == U16)
		*(uint16_t *)to = (uint16_t)v;
	else
		*(uint32_t *)to = (uint32_t)v;
}

static void
put_bool(struct reader *r, const struct key *key, const yaml_event_t *ev, bool *to)
{
	if (strcmp(scalar(ev), "true") == 0)
		*to = true;
	else if (strcmp(scalar(ev), "false") == 0)
		*to = false;
	else
		fail(r, ev->start_mark, key->name, "\"%s\" is neither true nor false", scalar(ev));
}

static void
put_word(struct reader *r, const struct key *key, const yaml_event_t *ev, void *to)
{
	const char *names[SL_ARRAY_LEN(quirk_words) + 1] = {NULL};
	const char *near;

	for (const struct word *w = key->words; w->name; w++) {
		names[w - key->words] = w->name;
		if (strcmp(w->name, scalar(ev)) != 0)
			continue;
		if (key->kind == WORDS64)
			*(uint64_t *)to |= w->bits;
		else
			*(uint32_t *)to |= (uint32_t)w->bits;
		return;
	}
	near = sl_str_nearest(scalar(ev), names);
	fail(r, ev->start_mark, key->name, "unknown word \"%s\"%s%s%s", scalar(ev),
		near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static void
put_driver(struct reader *r, const struct key *key, const yaml_event_t *ev)
{
	struct sl_profile *p = r->profile;

	if (p->n_drivers == SL_PROFILE_MAX_DRIVERS)
		fail(r, ev->start_mark, key->name, "more than %d drivers", SL_PROFILE_MAX_DRIVERS);
	else
		put_text(r, key, ev, p->driver[p->n_drivers++]);
}

static bool
is_list(const struct key *key)
{
	return key->kind == WORDS64 || key->kind == WORDS32 || key->kind == DRIVERS;
}

static void
put(struct reader *r, const struct key *key, const yaml_event_t *ev)
{
	void *to = (char *)r->profile + key->offset;

	switch (key->kind) {
	case TEXT:
		put_text(r, key, ev, to);
		break;
	case U16:
	case U32:
		put_number(r, key, ev, to);
		break;
	case BOOL:
		put_bool(r, key, ev, to);
		break;
	case WORDS64:
	case WORDS32:
		put_word(r, key, ev, to);
		break;
	case DRIVERS:
		put_driver(r, key, ev);
		break;
	}
}

static void
read_list(struct reader *r, const struct key *key)
{
	yaml_event_t ev;

	for (int n = 0; next(r, &ev); n++) {
		const yaml_event_type_t type = ev.type;

		if (type == YAML_SCALAR_EVENT && n < LIST_MAX)
			put(r, key, &ev);
		else if (type != YAML_SEQUENCE_END_EVENT)
			fail(r, ev.start_mark, key->name,
				n < LIST_MAX ? "expected a list of words" : "too many words");
		yaml_event_delete(&ev);
		if (type == YAML_SEQUENCE_END_EVENT)
			return;
		if (type != YAML_SCALAR_EVENT)
			skip(r);
	}
}

static void
read_value(struct reader *r, const struct key *key)
{
	yaml_event_t ev;
	yaml_event_type_t type;

	if (!next(r, &ev))
		return;
	type = ev.type;
	if (key && type != (is_list(key) ? YAML_SEQUENCE_START_EVENT : YAML_SCALAR_EVENT))
		fail(r, ev.start_mark, key->name, "expected %s",
			is_list(key) ? "a list: [a, b]" : "a single value");
	else if (key && !is_list(key))
		put(r, key, &ev);
	yaml_event_delete(&ev);
	if (key && is_list(key) && type == YAML_SEQUENCE_START_EVENT)
		read_list(r, key);
	else if (type != YAML_SCALAR_EVENT)
		skip(r);
}

static const struct key *
find_key(struct reader *r, const yaml_event_t *ev)
{
	const char *names[SL_ARRAY_LEN(keys) + 1] = {NULL};
	const char *near;

	if (ev->type != YAML_SCALAR_EVENT) {
		fail(r, ev->start_mark, NULL, "expected a key");
		return NULL;
	}
	for (size_t i = 0; i < SL_ARRAY_LEN(keys); i++) {
		names[i] = keys[i].name;
		if (strcmp(keys[i].name, scalar(ev)) != 0)
			continue;
		if (r->seen[i])
			fail(r, ev->start_mark, keys[i].name, "given twice");
		r->seen[i] = true;
		return &keys[i];
	}
	near = sl_str_nearest(scalar(ev), names);
	fail(r, ev->start_mark, NULL, "unknown key \"%s\"%s%s%s", scalar(ev),
		near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return NULL;
}

static void
read_mapping(struct reader *r)
{
	yaml_event_t ev;

	while (next(r, &ev)) {
		const yaml_event_type_t type = ev.type;
		const struct key *key = NULL;

		if (type != YAML_MAPPING_END_EVENT)
			key = find_key(r, &ev);
		yaml_event_delete(&ev);
		if (type == YAML_MAPPING_END_EVENT)
			return;
		if (type != YAML_SCALAR_EVENT)
			skip(r);
		if (!r->broken)
			read_value(r, key);
	}
}

static void
read_stream(struct reader *r)
{
	const yaml_mark_t start = {0};
	yaml_event_t ev;
	bool found = false;
	bool end = false;

	while (!end && !r->broken && next(r, &ev)) {
		end = ev.type == YAML_STREAM_END_EVENT;
		if (ev.type == YAML_MAPPING_START_EVENT && !found) {
			found = true;
			read_mapping(r);
		} else if (ev.type == YAML_SCALAR_EVENT || ev.type == YAML_SEQUENCE_START_EVENT ||
			   ev.type == YAML_MAPPING_START_EVENT) {
			fail(r, ev.start_mark, NULL, "expected one mapping of keys and values");
			r->broken = true;
		}
		yaml_event_delete(&ev);
	}
	if (!r->broken && !r->seen[0])
		fail(r, start, "name", "missing");
}

int
sl_profile_parse(struct sl_profile *profile, const char *text, size_t len, const char *file,
	struct sl_diags *diags)
{
	struct reader r = {.profile = profile, .diags = diags, .file = file};
	const size_t errors = diags->errors;

	memset(profile, 0, sizeof(*profile));
	if (!yaml_parser_initialize(&r.yaml))
		return -ENOMEM;
	yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text, len);
	read_stream(&r);
	yaml_parser_delete(&r.yaml);
	return diags->errors == errors ? 0 : -EINVAL;
}

int
sl_profile_read(struct sl_profile *profile, const char *path, struct sl_diags *diags)
{
	struct sl_buf text = {0};
	int rc = sl_buf_read_file(&text, path, FILE_MAX);

	if (rc == 0)
		rc = sl_profile_parse(profile, text.data ? text.data : "", text.len, path, diags);
	sl_buf_fini(&text);
	return rc;
}
