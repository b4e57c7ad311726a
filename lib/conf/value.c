// One scalar to one C value, by its row: type, range, form.
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"
#include "sl_str.h"

#define SHOWN 40 // characters of a value in a diagnostic

static const char *
describe(const struct node *n, char *buf, size_t size)
{
	const char *more = n->kind == NODE_SCALAR && n->n > SHOWN ? "..." : "";

	if (n->kind != NODE_SCALAR)
		return n->kind == NODE_MAP ? "a mapping" : "a list";
	switch ((enum scalar_type)n->scalar) {
	case SCALAR_NULL:
		return "null";
	case SCALAR_BOOL:
		snprintf(buf, size, "the boolean %s", n->text);
		break;
	case SCALAR_INT:
	case SCALAR_FLOAT:
		snprintf(buf, size, "the number %.*s%s", SHOWN, n->text, more);
		break;
	case SCALAR_STR:
		snprintf(buf, size, "the string \"%.*s%s\"", SHOWN, n->text, more);
		break;
	}
	return buf;
}

// Written without quotes.
static bool
is_plain(const struct field *f)
{
	return f->type >= T_NUMBER && f->type <= T_BOOL;
}

static bool
takes(const struct field *f, enum scalar_type scalar)
{
	switch (f->type) {
	case T_NUMBER:
	case T_NUMBER64:
		return scalar == SCALAR_INT;
	case T_DECIMAL:
	case T_PERCENT:
		return scalar == SCALAR_INT || scalar == SCALAR_FLOAT;
	case T_BOOL:
		return scalar == SCALAR_BOOL;
	default:
		return scalar == SCALAR_STR;
	}
}

// What can be no value at all is an error whatever the rules: of the field's rule, where that is
// asked, else of none.
static void
always(const struct reader *r, const struct field *f, const char **rule)
{
	const char *shown;
	char buf[RULE_LEN];

	*rule = rule_applies(r->rules, f->rule, buf, &shown) ? f->rule : NULL;
}

void
value_wrong_type(struct reader *r, const struct field *f, const char *expected,
	const struct node *n, const struct path *path)
{
	const bool scalar = n->kind == NODE_SCALAR;
	const char *advice = "", *rule;
	char buf[80];

	if (scalar && n->scalar != SCALAR_STR && n->scalar != SCALAR_NULL && f->type <= T_PATH)
		advice = ": put it in quotes";
	if (scalar && n->scalar == SCALAR_STR && is_plain(f) && takes(f, scalar_resolve(n->text)))
		advice = ": leave the quotes out";
	always(r, f, &rule);
	reader_error(r, path, n->line, n->col, rule, "expected %s, got %s%s", expected,
		describe(n, buf, sizeof(buf)), advice);
}

// False: nobody asks.
static bool
wrong_value(struct reader *r, const struct field *f, const struct node *n, const struct path *path,
	const char *expected)
{
	return reader_error(r, path, n->line, n->col, f->rule, "\"%.*s%s\" is not %s", SHOWN,
		n->text, n->n > SHOWN ? "..." : "", expected);
}

// False: nobody asks.
static bool
out_of_range(struct reader *r, const struct field *f, const struct node *n, const struct path *path,
	const char *rule)
{
	char low[32], high[32];

	if (f->type == T_DURATION || f->type == T_MICROS) {
		sl_str_duration_fmt(f->min, low);
		sl_str_duration_fmt(f->max, high);
	} else {
		const char *unit = f->type == T_MEBIBYTES ? "Mi" : "";

		snprintf(low, sizeof(low), "%" PRIu64 "%s", f->min, unit);
		snprintf(high, sizeof(high), "%" PRIu64 "%s", f->max, unit);
	}
	return reader_error(r, path, n->line, n->col, rule,
		"%.*s%s is out of range, expected %s..%s", SHOWN, n->text,
		n->n > SHOWN ? "..." : "", low, high);
}

static bool
read_number(struct reader *r, const struct field *f, const struct node *n, const struct path *path,
	void *out)
{
	const char *rule;
	uint64_t v = 0;
	int rc;

	rc = scalar_u64(n->text, &v);
	if (rc == -EINVAL && n->text[0] != '-') {
		always(r, f, &rule);
		reader_error(r, path, n->line, n->col, rule,
			"%.*s is ambiguous: write the number without leading zeros", SHOWN,
			n->text);
		return false;
	}
	rule = rc == 0 && v == 0 && f->zero_rule ? f->zero_rule : f->rule;
	if (rc < 0)
		always(r, f, &rule);
	if ((rc < 0 || v < f->min || v > f->max) && out_of_range(r, f, n, path, rule))
		return false;
	if (f->type == T_NUMBER64)
		*(uint64_t *)out = v;
	else
		*(uint32_t *)out = (uint32_t)v;
	return true;
}

static bool
read_decimal(struct reader *r, const struct field *f, const struct node *n, const struct path *path,
	void *out)
{
	const double v = strtod(n->text, NULL); // 0 for what YAML calls .inf and .nan

	if (strchr("iInN", n->text[strspn(n->text, "+-.")])) {
		wrong_value(r, f, n, path, field_expects(f));
		return false;
	}
	if (v < (double)f->min || v > (double)f->max) {
		out_of_range(r, f, n, path, f->rule);
		return false;
	}
	if (f->type == T_PERCENT)
		*(uint32_t *)out = (uint32_t)(v + 0.5);
	else
		*(double *)out = v;
	return true;
}

static void
wrong_word(struct reader *r, const struct field *f, const struct node *n, const struct path *path)
{
	const char *nearest = sl_str_nearest(n->text, f->names), *rule;
	struct sl_buf words = {0};

	for (size_t i = 0; f->names[i]; i++)
		sl_buf_printf(&words, "%s%s", i ? ", " : "", f->names[i]);
	always(r, f, &rule);
	reader_error(r, path, n->line, n->col, rule,
		"\"%.*s\" is not known, expected one of %s%s%s%s", SHOWN, n->text, words.data,
		nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
	sl_buf_fini(&words);
}

static bool
read_word(struct reader *r, const struct field *f, const struct node *n, const struct path *path,
	void *out)
{
	for (uint32_t i = 0; f->names[i]; i++) {
		if (strcmp(f->names[i], n->text) != 0)
			continue;
		if (f->type == T_FLAG)
			*(bool *)out = i != 0;
		else if (f->type == T_FAMILIES)
			*(uint8_t *)out = (uint8_t)(i + 1);
		else
			*(uint32_t *)out = i;
		return true;
	}
	wrong_word(r, f, n, path);
	return false;
}

static bool
read_duration(struct reader *r, const struct field *f, const struct node *n,
	const struct path *path, void *out)
{
	uint64_t ns;
	const int rc = sl_str_duration(n->text, &ns);

	if (rc == -EINVAL) {
		wrong_value(r, f, n, path, field_expects(f));
		return false;
	}
	if (rc < 0 || ns < f->min || ns > f->max) {
		out_of_range(r, f, n, path, f->rule);
		return false;
	}
	if ((f->flags & F_MILLIS) && ns % 1000000) {
		wrong_value(r, f, n, path, "a duration of whole milliseconds");
		return false;
	}
	if ((f->flags & F_SECONDS) && ns % SL_NSEC_PER_SEC) {
		wrong_value(r, f, n, path, "a duration of whole seconds");
		return false;
	}
	if (f->type == T_MICROS)
		*(uint32_t *)out = (uint32_t)(ns / 1000);
	else
		*(uint64_t *)out = ns;
	return true;
}

static bool
read_mebibytes(struct reader *r, const struct field *f, const struct node *n,
	const struct path *path, uint32_t *out)
{
	const size_t digits = strspn(n->text, "0123456789");
	const char *unit = n->text + digits;
	char number[24];
	uint64_t v;

	if (!digits || digits >= sizeof(number) ||
		(strcmp(unit, "Mi") != 0 && strcmp(unit, "Gi") != 0)) {
		wrong_value(r, f, n, path, field_expects(f));
		return false;
	}
	memcpy(number, n->text, digits);
	number[digits] = '\0';
	if (sl_str_u64(number, &v) < 0 ||
		__builtin_mul_overflow(v, *unit == 'G' ? 1024u : 1u, &v) || v < f->min ||
		v > f->max) {
		out_of_range(r, f, n, path, f->rule);
		return false;
	}
	*out = (uint32_t)v;
	return true;
}

static bool
read_mode(struct reader *r, const struct field *f, const struct node *n, const struct path *path,
	uint32_t *out)
{
	if (n->n < 3 || n->n > 4 || n->text[strspn(n->text, "01234567")] ||
		(n->n == 4 && n->text[0] != '0')) {
		wrong_value(r, f, n, path, field_expects(f));
		return false;
	}
	*out = (uint32_t)strtoul(n->text, NULL, 8);
	return true;
}

static void
as_name(char *text)
{
	const size_t len = strlen(text);

	for (char *c = text; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (len && text[len - 1] == '.')
		text[len - 1] = '\0';
}

static bool
read_string(struct reader *r, const struct field *f, const struct node *n, const struct path *path,
	char **out)
{
	const char *expected = NULL;

	if ((f->flags & F_BLANK) && !n->n)
		return false;
	if (f->max && n->n > f->max &&
		reader_error(r, path, n->line, n->col, f->rule,
			"%u characters, expected at most %" PRIu64, n->n, f->max))
		return false;
	if (n->n < f->min && reader_error(r, path, n->line, n->col, f->rule, "empty, expected %s",
				     field_expects(f)))
		return false;
	if (f->check)
		expected = f->check(n->text);
	if (expected && wrong_value(r, f, n, path, expected))
		return false;
	if (f->type == T_PATH && n->text[0] != '/' && r->folder)
		*out = sl_xasprintf("%s/%s", r->folder, n->text);
	else
		*out = sl_xstrdup(n->text);
	for (char *c = *out; (f->flags & F_UPPER) && *c; c++)
		*c = (char)toupper((unsigned char)*c);
	if (f->flags & F_NAME)
		as_name(*out);
	return true;
}

static bool
read_vip(const struct reader *r, const struct node *n, struct sl_se_address *out)
{
	if (sl_prefix_parse(n->text, &out->prefix) < 0)
		return false;
	sl_prefix_mask(&out->prefix);
	out->text = sl_xstrdup(n->text);
	out->loc = (struct sl_loc){r->file, n->line, n->col};
	return true;
}

static void
not_parsed(struct reader *r, const struct field *f, const struct node *n, const struct path *path)
{
	struct field as = *f;

	always(r, f, &as.rule);
	wrong_value(r, &as, n, path, field_expects(f));
}

static bool
read_subnet(const struct node *n, struct sl_vs_subnet *out)
{
	if (sl_prefix_parse(n->text, &out->prefix) < 0)
		return false;
	sl_prefix_mask(&out->prefix);
	out->text = sl_xstrdup(n->text);
	return true;
}

// IP, IPv4:PORT, [IPv6] or [IPv6]:PORT.
static bool
read_server(const struct reader *r, const struct node *n, struct sl_conf_dns_address *out)
{
	const bool brackets = n->text[0] == '[';
	const char *colon = strrchr(n->text, ':'), *end = n->text + n->n;
	char ip[SL_IP_STRLEN + 2];
	uint64_t port = 53;

	if (colon && (brackets ? colon[-1] == ']' : strchr(n->text, ':') == colon)) {
		if (sl_str_u64(colon + 1, &port) < 0 || port < 1 || port > 65535)
			return false;
		end = colon;
	}
	if (brackets && (end - n->text < 2 || end[-1] != ']'))
		return false;
	snprintf(ip, sizeof(ip), "%.*s", (int)(end - n->text) - 2 * brackets, n->text + brackets);
	if (end - n->text >= (ptrdiff_t)sizeof(ip) || sl_ip_parse(ip, &out->ip) < 0 ||
		(brackets && out->ip.family != AF_INET6)) {
		out->ip.family = 0;
		return false;
	}
	out->port = (uint16_t)port;
	out->loc = (struct sl_loc){r->file, n->line, n->col};
	return true;
}

// Types that are written as a word and stand or fall with their parser.
static bool
read_parsed(struct reader *r, const struct field *f, const struct node *n, const struct path *path,
	void *out)
{
	bool ok = false;

	if (f->type == T_IP)
		ok = sl_ip_parse(n->text, out) == 0;
	else if (f->type == T_PREFIX)
		ok = sl_prefix_parse(n->text, out) == 0;
	else if (f->type == T_SERVER)
		ok = read_server(r, n, out);
	else if (f->type == T_MAC)
		ok = sl_mac_parse(n->text, out) == 0;
	else if (f->type == T_VIP)
		ok = read_vip(r, n, out);
	else if (f->type == T_SUBNET)
		ok = read_subnet(n, out);
	if (!ok && f->type == T_PREFIX)
		((struct sl_prefix *)out)->addr.family = 0; // checks step over it
	if (!ok)
		not_parsed(r, f, n, path);
	return ok;
}

static const char *
wanted(const struct field *f, const struct node *n)
{
	const bool number = f->type == T_NUMBER || f->type == T_NUMBER64;

	return number && n->kind == NODE_SCALAR && n->scalar == SCALAR_FLOAT ? "a whole number"
									     : field_expects(f);
}

bool
value_read(struct reader *r, const struct field *f, const struct node *n, const struct path *path,
	void *out)
{
	if (n->kind != NODE_SCALAR || !takes(f, n->scalar)) {
		value_wrong_type(r, f, wanted(f, n), n, path);
		return false;
	}
	switch (f->type) {
	case T_NUMBER:
	case T_NUMBER64:
		return read_number(r, f, n, path, out);
	case T_DECIMAL:
	case T_PERCENT:
		return read_decimal(r, f, n, path, out);
	case T_BOOL:
		*(bool *)out = strchr("tT", n->text[0]) != NULL;
		return true;
	case T_ENUM:
	case T_FLAG:
	case T_FAMILIES:
		return read_word(r, f, n, path, out);
	case T_DURATION:
	case T_MICROS:
		return read_duration(r, f, n, path, out);
	case T_MEBIBYTES:
		return read_mebibytes(r, f, n, path, out);
	case T_MODE:
		return read_mode(r, f, n, path, out);
	case T_STRING:
	case T_PATH:
		return read_string(r, f, n, path, out);
	default:
		return read_parsed(r, f, n, path, out);
	}
}
