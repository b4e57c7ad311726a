#include "sl_ctl_table.h"

#include <string.h>

#include "sl_ip.h"
#include "sl_str.h"

static const struct sl_ctl_command commands[] = {
#define SL_COMMAND(id, name, access, offline, summary, help)                                       \
	[SL_CTL_##id] = {name, SL_CTL_##access, offline, summary, help},
#include "sl_ctl_commands.def"
};

static const struct sl_ctl_param params[] = {
#define SL_ARG(id, name, type, need, placeholder, help)                                            \
	{SL_CTL_##id, true, 0, name, SL_CTL_##type, SL_CTL_##need, placeholder, help},
#include "sl_ctl_commands.def"
#define SL_FLAG(id, short_, name, type, placeholder, help)                                         \
	{SL_CTL_##id, false, short_, name, SL_CTL_##type, SL_CTL_MAYBE, placeholder, help},
#include "sl_ctl_commands.def"
#define SL_GLOBAL(short_, name, type, placeholder, help)                                           \
	{SL_CTL_CMD_MAX, false, short_, name, SL_CTL_##type, SL_CTL_MAYBE, placeholder, help},
#include "sl_ctl_commands.def"
};

static const struct sl_ctl_column columns[] = {
#define SL_COLUMN(id, path, title, align, when)                                                    \
	{SL_CTL_##id, path, title, SL_CTL_##align, SL_CTL_##when, NULL},
#define SL_KIND_COLUMN(kind, path, title, align, when)                                             \
	{SL_CTL_GET, path, title, SL_CTL_##align, SL_CTL_##when, kind},
#include "sl_ctl_commands.def"
};

static const struct sl_ctl_field fields[] = {
#define SL_FIELD(id, path, type, help) {SL_CTL_##id, path, type, help},
#include "sl_ctl_commands.def"
};

static const struct sl_ctl_kind kinds[] = {
#define SL_OBJECT_KIND(kind, plural, abbreviation, group) {kind, plural, abbreviation, group},
#include "sl_ctl_commands.def"
};

const struct sl_ctl_command *
sl_ctl_command(enum sl_ctl_cmd cmd)
{
	return &commands[cmd];
}

enum sl_ctl_cmd
sl_ctl_command_find(const char *name)
{
	for (unsigned i = 0; i < SL_CTL_CMD_MAX; i++)
		if (strcmp(commands[i].name, name) == 0)
			return i;
	return SL_CTL_CMD_MAX;
}

const char *
sl_ctl_command_nearest(const char *name)
{
	const char *names[SL_CTL_CMD_MAX + 1] = {NULL};

	for (unsigned i = 0; i < SL_CTL_CMD_MAX; i++)
		names[i] = commands[i].name;
	return sl_str_nearest(name, names);
}

// The next row of `table` whose cmd fits, after prev.
#define NEXT_OF(table, wanted, prev)                                                               \
	do {                                                                                       \
		for (size_t i = (prev) ? (size_t)((prev) - (table)) + 1 : 0;                       \
			i < SL_ARRAY_LEN(table); i++)                                              \
			if ((table)[i].cmd == (wanted))                                            \
				return &(table)[i];                                                \
		return NULL;                                                                       \
	} while (0)

const struct sl_ctl_param *
sl_ctl_param_next(enum sl_ctl_cmd cmd, const struct sl_ctl_param *prev)
{
	NEXT_OF(params, cmd, prev);
}

const struct sl_ctl_column *
sl_ctl_column_next(enum sl_ctl_cmd cmd, const struct sl_ctl_column *prev)
{
	NEXT_OF(columns, cmd, prev);
}

const struct sl_ctl_field *
sl_ctl_field_next(enum sl_ctl_cmd cmd, const struct sl_ctl_field *prev)
{
	NEXT_OF(fields, cmd, prev);
}

const struct sl_ctl_param *
sl_ctl_param_find(enum sl_ctl_cmd cmd, const char *name)
{
	const struct sl_ctl_param *p = NULL;

	while ((p = sl_ctl_param_next(cmd, p)))
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

const struct sl_ctl_kind *
sl_ctl_kind_at(size_t i)
{
	return i < SL_ARRAY_LEN(kinds) ? &kinds[i] : NULL;
}

const char *
sl_ctl_kind_find(const char *text)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(kinds); i++) {
		const struct sl_ctl_kind *k = &kinds[i];

		if (sl_str_is_called(text, k->kind, k->group) ||
			sl_str_is_called(text, k->plural, k->group) ||
			sl_str_is_called(text, k->abbreviation, k->group))
			return k->kind;
	}
	return NULL;
}

bool
sl_ctl_type_is_local(enum sl_ctl_type type)
{
	return type >= SL_CTL_LOCAL_BOOL;
}

bool
sl_ctl_type_has_value(enum sl_ctl_type type)
{
	return type != SL_CTL_BOOL && type != SL_CTL_LOCAL_BOOL;
}

bool
sl_ctl_choice_at(const struct sl_ctl_param *param, unsigned i, char *out, size_t size)
{
	const char *p = param->placeholder;

	while (i-- > 0) {
		p = strchr(p, '|');
		if (!p)
			return false;
		p++;
	}
	const size_t len = strcspn(p, "|");
	if (len >= size)
		return false;
	memcpy(out, p, len);
	out[len] = '\0';
	return true;
}

static bool
choice_ok(const struct sl_ctl_param *param, const char *value)
{
	char choice[32];

	for (unsigned i = 0; sl_ctl_choice_at(param, i, choice, sizeof(choice)); i++)
		if (strcmp(choice, value) == 0)
			return true;
	return false;
}

static bool
port_ok(const char *text)
{
	uint64_t port;

	return sl_str_u64(text, &port) == 0 && port >= 1 && port <= UINT16_MAX;
}

static bool
ipport_ok(const char *value)
{
	const bool bracket = value[0] == '[';
	const char *addr = value + bracket;
	const char *end = strchr(addr, bracket ? ']' : ':');
	char buf[SL_IP_STRLEN];
	struct sl_ip ip;

	if (sl_ip_parse(value, &ip) == 0)
		return true;
	if (!end || (size_t)(end - addr) >= sizeof(buf))
		return false;
	memcpy(buf, addr, (size_t)(end - addr));
	buf[end - addr] = '\0';
	if (sl_ip_parse(buf, &ip) < 0 || (ip.family == AF_INET6) != bracket)
		return false;
	end += bracket;
	return bracket && *end == '\0' ? true : *end == ':' && port_ok(end + 1);
}

static bool
fits(const struct sl_ctl_param *param, const char *value)
{
	struct sl_prefix prefix;
	struct sl_ip ip;
	uint64_t number;

	switch (param->type) {
	case SL_CTL_BOOL:
	case SL_CTL_LOCAL_BOOL:
		return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
	case SL_CTL_STRING:
	case SL_CTL_LOCAL_STRING:
	case SL_CTL_LOCAL_PATHS:
	case SL_CTL_LOCAL_MAYBE_PATHS:
		return value[0] != '\0';
	case SL_CTL_U64:
		return sl_str_u64(value, &number) == 0;
	case SL_CTL_LOCAL_WATCH:
		return sl_str_u64(value, &number) == 0 && number >= 1 && number <= 86400;
	case SL_CTL_IP:
		return sl_ip_parse(value, &ip) == 0;
	case SL_CTL_PREFIX:
		return sl_prefix_parse(value, &prefix) == 0;
	case SL_CTL_IPPORT:
		return ipport_ok(value);
	case SL_CTL_CHOICE:
	case SL_CTL_LOCAL_CHOICE:
		return choice_ok(param, value);
	case SL_CTL_KIND:
		return sl_ctl_kind_find(value) != NULL;
	}
	return false;
}

static const char *
expectation(enum sl_ctl_type type)
{
	switch (type) {
	case SL_CTL_U64:
		return "a number";
	case SL_CTL_LOCAL_WATCH:
		return "a number of seconds, 1 to 86400";
	case SL_CTL_IP:
		return "an IP address";
	case SL_CTL_PREFIX:
		return "an IP address or prefix";
	case SL_CTL_IPPORT:
		return "an IP address, with :PORT or without";
	case SL_CTL_BOOL:
	case SL_CTL_LOCAL_BOOL:
		return "true or false";
	default:
		return "something that is not empty";
	}
}

static const char *
nearest_choice(const struct sl_ctl_param *param, const char *value)
{
	char choice[32][32];
	const char *v[33] = {NULL};

	for (unsigned i = 0; i < 32 && sl_ctl_choice_at(param, i, choice[i], sizeof(choice[i]));
		i++)
		v[i] = choice[i];
	const char *near = sl_str_nearest(value, v);
	// Only the placeholder outlives this call: point into it.
	return near ? strstr(param->placeholder, near) : NULL;
}

static void
expected_choice(const struct sl_ctl_param *param, const char *value, struct sl_buf *why)
{
	const char *near = nearest_choice(param, value);

	sl_buf_puts(why, "expected one of ");
	for (const char *c = param->placeholder; *c; c++)
		sl_buf_puts(why, *c == '|' ? ", " : (char[]){*c, '\0'});
	if (near)
		sl_buf_printf(why, "; did you mean %.*s?", (int)strcspn(near, "|"), near);
}

static void
expected_kind(const char *value, struct sl_buf *why)
{
	const char *names[3 * SL_ARRAY_LEN(kinds) + 1] = {NULL};
	size_t n = 0;

	sl_buf_puts(why, "expected one of ");
	for (size_t i = 0; i < SL_ARRAY_LEN(kinds); i++) {
		names[n++] = kinds[i].kind;
		names[n++] = kinds[i].plural;
		sl_buf_printf(why, "%s%s", i ? ", " : "", kinds[i].plural);
		if (*kinds[i].abbreviation)
			sl_buf_printf(why, " (%s)", kinds[i].abbreviation);
	}
	const char *near = sl_str_nearest(value, names);
	if (near)
		sl_buf_printf(why, "; did you mean %s?", near);
}

bool
sl_ctl_value_ok(const struct sl_ctl_param *param, const char *value, struct sl_buf *why)
{
	if (fits(param, value))
		return true;
	sl_buf_printf(why, "%s%s: ", param->positional ? "" : "--",
		param->positional && param->type != SL_CTL_CHOICE ? param->placeholder
								  : param->name);
	if (value[0] == '\0')
		sl_buf_puts(why, "the value is empty, ");
	else
		sl_buf_printf(why, "\"%.64s\" does not fit, ", value);
	if (param->type == SL_CTL_CHOICE || param->type == SL_CTL_LOCAL_CHOICE)
		expected_choice(param, value, why);
	else if (param->type == SL_CTL_KIND)
		expected_kind(value, why);
	else
		sl_buf_printf(why, "expected %s", expectation(param->type));
	return false;
}
