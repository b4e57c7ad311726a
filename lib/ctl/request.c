#include "sl_ctl_request.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sl_ctl.h"
#include "sl_str.h"

static const char *const members[] = {"command", "args", "input", NULL};

static int
refuse(struct sl_buf *why, const char *what, const char *word, const char *near)
{
	sl_buf_printf(why, "%s \"%.64s\"", what, word);
	if (near)
		sl_buf_printf(why, "; did you mean %s?", near);
	return -EINVAL;
}

static const char *
nearest_param(enum sl_ctl_cmd cmd, const char *word)
{
	const char *names[33] = {NULL};
	const struct sl_ctl_param *p = NULL;
	size_t n = 0;

	while (n < SL_ARRAY_LEN(names) - 1 && (p = sl_ctl_param_next(cmd, p)))
		if (!sl_ctl_type_is_local(p->type))
			names[n++] = p->name;
	return sl_str_nearest(word, names);
}

static int
read_members(const json_t *root, struct sl_buf *why)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)root, key, value)
	{
		bool known = false;

		for (size_t i = 0; members[i]; i++)
			known |= strcmp(members[i], key) == 0;
		if (!known)
			return refuse(why, "unknown member", key, sl_str_nearest(key, members));
	}
	return 0;
}

static int
read_command(struct sl_ctl_request *r, struct sl_buf *why)
{
	const char *name = json_string_value(json_object_get(r->root, "command"));

	if (!name) {
		sl_buf_puts(why, "a request needs \"command\", a string");
		return -EINVAL;
	}
	r->cmd = sl_ctl_command_find(name);
	if (r->cmd == SL_CTL_CMD_MAX)
		return refuse(why, "unknown command", name, sl_ctl_command_nearest(name));
	return 0;
}

// A value of the kinds that JSON has, as the text that a command line would have; NULL: no such.
static char *
value_text(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return sl_xstrdup(json_string_value(value));
	case JSON_INTEGER:
		return sl_xasprintf("%" PRId64, (int64_t)json_integer_value(value));
	case JSON_TRUE:
		return sl_xstrdup("true");
	case JSON_FALSE:
		return sl_xstrdup("false");
	default:
		return NULL;
	}
}

static int
add_value(struct sl_ctl_request *r, const struct sl_ctl_param *param, const json_t *value,
	struct sl_buf *why)
{
	char *text;

	// Lookups walk the list.
	if (r->n_args == SL_CTL_ARGS) {
		sl_buf_printf(why, "more than %d arguments", SL_CTL_ARGS);
		return -EINVAL;
	}
	text = value_text(value);
	if (!text) {
		sl_buf_printf(why, "%s: expected a string, a number or a boolean", param->name);
		return -EINVAL;
	}
	if (!sl_ctl_value_ok(param, text, why)) {
		free(text);
		return -EINVAL;
	}
	if (param->type == SL_CTL_KIND) {
		char *kind = sl_xstrdup(sl_ctl_kind_find(text));

		free(text);
		text = kind;
	}
	r->args = sl_xrealloc(r->args, r->n_args + 1, sizeof(*r->args));
	r->args[r->n_args++] = (struct sl_ctl_request_arg){param, text};
	return 0;
}

static int
read_arg(struct sl_ctl_request *r, const char *name, const json_t *value, struct sl_buf *why)
{
	const struct sl_ctl_param *param = sl_ctl_param_find(r->cmd, name);
	size_t i;
	json_t *member;

	if (!param || sl_ctl_type_is_local(param->type))
		return refuse(why, "unknown argument", name, nearest_param(r->cmd, name));
	if (!json_is_array(value))
		return add_value(r, param, value, why);
	if (!param->positional || param->need != SL_CTL_MANY) {
		sl_buf_printf(why, "%s: expected one value, not a list", name);
		return -EINVAL;
	}
	json_array_foreach((json_t *)value, i, member)
	{
		const int rc = add_value(r, param, member, why);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
read_args(struct sl_ctl_request *r, struct sl_buf *why)
{
	const json_t *args = json_object_get(r->root, "args");
	const struct sl_ctl_param *p = NULL;
	const char *name;
	json_t *value;

	if (args && !json_is_object(args)) {
		sl_buf_puts(why, "args: expected an object");
		return -EINVAL;
	}
	json_object_foreach((json_t *)args, name, value)
	{
		const int rc = read_arg(r, name, value, why);

		if (rc < 0)
			return rc;
	}
	while ((p = sl_ctl_param_next(r->cmd, p))) {
		if (p->positional && p->need == SL_CTL_ONE && !sl_ctl_request_arg(r, p->name, 0)) {
			sl_buf_printf(why, "%s: the argument %s is missing",
				sl_ctl_command(r->cmd)->name, p->placeholder);
			return -EINVAL;
		}
	}
	return 0;
}

static bool
takes_input(enum sl_ctl_cmd cmd)
{
	// Where -f means "offline" the files never come here.
	return sl_ctl_param_find(cmd, "filename") && !sl_ctl_command(cmd)->offline;
}

static int
read_input(struct sl_ctl_request *r, struct sl_buf *why)
{
	size_t i;
	json_t *member;

	r->input = json_object_get(r->root, "input");
	if (!r->input)
		return 0;
	if (!json_is_array(r->input) || json_array_size(r->input) > SL_CTL_INPUTS) {
		sl_buf_printf(why, "input: expected a list of at most %d members", SL_CTL_INPUTS);
		return -EINVAL;
	}
	if (json_array_size(r->input) > 0 && !takes_input(r->cmd)) {
		sl_buf_printf(why, "%s takes no input", sl_ctl_command(r->cmd)->name);
		return -EINVAL;
	}
	json_array_foreach(r->input, i, member)
	{
		if (!json_is_string(json_object_get(member, "name")) ||
			!json_is_string(json_object_get(member, "text"))) {
			sl_buf_printf(
				why, "input[%zu]: expected {\"name\":\"...\",\"text\":\"...\"}", i);
			return -EINVAL;
		}
	}
	return 0;
}

int
sl_ctl_request_parse(const char *text, size_t len, struct sl_ctl_request *r, struct sl_buf *why)
{
	json_error_t error;
	int rc;

	*r = (struct sl_ctl_request){.cmd = SL_CTL_CMD_MAX};
	r->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(r->root)) {
		sl_buf_printf(
			why, "not a request: %s", r->root ? "expected a JSON object" : error.text);
		return -EBADMSG;
	}
	rc = read_members(r->root, why);
	if (rc == 0)
		rc = read_command(r, why);
	if (rc == 0)
		rc = read_args(r, why);
	if (rc == 0)
		rc = read_input(r, why);
	return rc;
}

void
sl_ctl_request_fini(struct sl_ctl_request *r)
{
	for (size_t i = 0; i < r->n_args; i++)
		free(r->args[i].value);
	free(r->args);
	json_decref(r->root);
	*r = (struct sl_ctl_request){.cmd = SL_CTL_CMD_MAX};
}

const char *
sl_ctl_request_arg(const struct sl_ctl_request *r, const char *name, size_t i)
{
	for (size_t a = 0; a < r->n_args; a++)
		if (strcmp(r->args[a].param->name, name) == 0 && i-- == 0)
			return r->args[a].value;
	return NULL;
}

bool
sl_ctl_request_input(
	const struct sl_ctl_request *r, size_t i, const char **name, const char **text, size_t *len)
{
	const json_t *member = json_array_get(r->input, i);
	const json_t *body = json_object_get(member, "text");

	if (!member)
		return false;
	*name = json_string_value(json_object_get(member, "name"));
	*text = json_string_value(body);
	*len = json_string_length(body);
	return true;
}
