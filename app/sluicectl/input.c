#include "input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "sl_conf.h"
#include "sl_str.h"

// JSON carries Unicode and no NUL; what is not, is no YAML either.
static bool
is_text(const char *text, size_t len)
{
	json_t *string = json_stringn(text, len);
	const bool good = string && memchr(text, '\0', len) == NULL;

	json_decref(string);
	return good;
}

static void
take(void *ctx, const char *file, const char *text, size_t len)
{
	struct inputs *in = ctx;

	if (!is_text(text, len)) {
		fprintf(in->err, "sluicectl: %s: is not UTF-8 text\n", file);
		in->errors++;
		return;
	}
	if (in->n == in->cap) {
		in->cap = in->cap ? in->cap * 2 : 16;
		in->v = sl_xrealloc(in->v, in->cap, sizeof(*in->v));
	}
	in->v[in->n++] = (struct conn_input){sl_xstrdup(file), sl_xstrdup(text), len};
}

int
inputs_read(struct inputs *in, const struct args *args, FILE *err)
{
	struct sl_diags diags = {0};

	*in = (struct inputs){.err = err};
	for (size_t i = 0; i < args->n_paths; i++)
		in->errors += sl_conf_texts_path(args->paths[i], take, in, &diags);
	for (size_t i = 0; i < diags.n; i++)
		output_diag_line(err, &diags.v[i]);
	sl_diags_fini(&diags);
	if (in->errors == 0 && args->n_paths > 0 && in->n == 0) {
		fputs("sluicectl: there are no files to send (*.yaml, *.yml, *.json)\n", err);
		in->errors++;
	}
	return in->errors > 0 ? -EINVAL : 0;
}

void
inputs_fini(struct inputs *in)
{
	for (size_t i = 0; i < in->n; i++) {
		free(in->v[i].name);
		free(in->v[i].text);
	}
	free(in->v);
	*in = (struct inputs){0};
}
