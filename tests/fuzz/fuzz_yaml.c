// The YAML reader: any bytes as objects and as sluice.yaml.
//
// What it takes as an object must survive the way that `sluicectl get -o yaml | apply` goes: its
// JSON written as YAML reads as the same JSON, without a new error. The input ends at a guard page.
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "sl_conf.h"

#define INPUT_MAX (1u << 20)

static const char *
place(const uint8_t *data, size_t size)
{
	static char *end;

	if (!end) {
		const size_t page = (size_t)sysconf(_SC_PAGESIZE);
		char *map = mmap(NULL, INPUT_MAX + page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		MUST(map != MAP_FAILED);
		end = map + INPUT_MAX;
		MUST(mprotect(end, page, PROT_NONE) == 0);
	}
	return memcpy(end - size, data, size);
}

static void
check_diags(const struct sl_diags *diags, size_t errors)
{
	MUST(diags->errors == errors);
	for (size_t i = 0; i < diags->n; i++) {
		struct sl_buf line = {0};

		sl_diag_format(&diags->v[i], &line);
		MUST(line.len && !strchr(line.data, '\n') && diags->v[i].line);
		sl_buf_fini(&line);
	}
}

static void
round_trip(const struct sl_object *obj)
{
	struct sl_objects again = {0};
	struct sl_diags diags = {0};
	struct sl_buf yaml = {0};

	MUST(sl_conf_json_to_yaml(obj->json, &yaml) == 0);
	MUST(sl_conf_objects(yaml.data, yaml.len, "again", SL_ORIGIN_FILE, &again, &diags) == 0);
	MUST(again.n == 1 && strcmp(again.v[0]->json, obj->json) == 0);
	MUST(again.v[0]->n_notes == obj->n_notes);
	sl_buf_fini(&yaml);
	sl_objects_fini(&again);
	sl_diags_fini(&diags);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};
	const char *text;
	struct sl_conf *conf;
	size_t errors;

	if (size > INPUT_MAX)
		return 0;
	text = place(data, size);
	errors = sl_conf_objects(text, size, "fuzz", SL_ORIGIN_FILE, &objects, &diags);
	check_diags(&diags, errors);
	MUST((objects.invalid != 0) == (errors != 0));
	for (size_t i = 0; i < objects.n; i++)
		round_trip(objects.v[i]);
	sl_objects_fini(&objects);
	sl_diags_fini(&diags);

	conf = sl_conf_read_text(text, size, "fuzz", &diags);
	MUST((conf == NULL) == (diags.errors != 0));
	check_diags(&diags, diags.errors);
	if (conf)
		MUST(sl_conf_restart_needed(conf, conf, &diags) == 0);
	sl_conf_free(conf);
	sl_diags_fini(&diags);
	return 0;
}
