// A request line of the control socket: whatever it is, it is refused with a sentence, or what a
// handler will see of it is what the command table promises.

#include <errno.h>

#include "fuzz.h"
#include "sl_ctl.h"
#include "sl_ctl_request.h"

static void
check_args(const struct sl_ctl_request *r)
{
	const struct sl_ctl_param *p = NULL;

	MUST(r->n_args <= SL_CTL_ARGS);
	for (size_t i = 0; i < r->n_args; i++) {
		const struct sl_ctl_request_arg *a = &r->args[i];
		struct sl_buf why = {0};

		MUST(a->param->cmd == r->cmd && !sl_ctl_type_is_local(a->param->type));
		MUST(sl_ctl_value_ok(a->param, a->value, &why));
		if (a->param->type == SL_CTL_KIND)
			MUST(strcmp(sl_ctl_kind_find(a->value), a->value) == 0);
	}
	while ((p = sl_ctl_param_next(r->cmd, p))) {
		if (p->positional && p->need == SL_CTL_ONE)
			MUST(sl_ctl_request_arg(r, p->name, 0));
		if (p->need != SL_CTL_MANY)
			MUST(!sl_ctl_request_arg(r, p->name, 1));
	}
}

static void
check_inputs(const struct sl_ctl_request *r)
{
	const char *name, *text;
	size_t i, len;

	for (i = 0; sl_ctl_request_input(r, i, &name, &text, &len); i++)
		MUST(name && text && strlen(text) == len);
	MUST(i == 0 || sl_ctl_param_find(r->cmd, "filename"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// Its own memory of that very size: a read past the end is one past the block.
	char *text = malloc(size ? size : 1);
	struct sl_ctl_request request;
	struct sl_buf why = {0};
	int rc;

	memcpy(text, data, size);
	rc = sl_ctl_request_parse(text, size, &request, &why);
	MUST(rc == 0 || rc == -EINVAL || rc == -EBADMSG);
	if (rc == 0) {
		MUST(request.cmd < SL_CTL_CMD_MAX && why.len == 0);
		check_args(&request);
		check_inputs(&request);
	} else {
		MUST(why.len > 0);
	}
	sl_ctl_request_fini(&request);
	sl_buf_fini(&why);
	free(text);
	return 0;
}
