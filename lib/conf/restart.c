// What a reload of sluice.yaml cannot change, out of the rows' reload class.
#include <string.h>

#include "rows.h"

struct compare {
	const struct sl_conf *new_conf;
	struct sl_diags *diags;
	size_t n;
};

static void
say_restart(struct compare *c, const struct path *path, const char *what)
{
	struct sl_buf where = {0};
	struct sl_loc loc;

	path_render(path, &where);
	loc = conf_place(c->new_conf, where.data);
	sl_diag_add(c->diags, SL_WARNING, &loc, "sluice.yaml", where.data, NULL,
		"%s, which takes a restart: the old value stays until then", what);
	c->n++;
	sl_buf_fini(&where);
}

// a and b: structs of schema s, old and new.
static void
compare(struct compare *c, const struct schema *s, const struct path *up, const void *a,
	const void *b)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct field *f = &s->fields[i];
		const struct path path = {.up = up, .key = f->key};
		const char *x = a, *y = b;

		if (f->type == T_OBJECT && !(f->flags & F_LIST)) {
			compare(c, field_sub(f), &path, x + f->at, y + f->at);
		} else if (!(f->flags & F_RESTART) || field_equal(f, a, b)) {
			continue;
		} else if (f->type != T_OBJECT) {
			say_restart(c, &path, "changed");
		} else if (*(const uint32_t *)(x + f->count_at) !=
			   *(const uint32_t *)(y + f->count_at)) {
			say_restart(c, &path, "more or fewer entries");
		} else {
			const uint32_t n = *(const uint32_t *)(x + f->count_at);

			for (uint32_t k = 0; k < n; k++) {
				const struct path at = {.up = &path, .index = k};
				const size_t off = (size_t)k * field_sub(f)->size;

				compare(c, field_sub(f), &at, *(char *const *)(x + f->at) + off,
					*(char *const *)(y + f->at) + off);
			}
		}
	}
}

size_t
sl_conf_restart_needed(
	const struct sl_conf *old_conf, const struct sl_conf *new_conf, struct sl_diags *diags)
{
	struct compare c = {.new_conf = new_conf, .diags = diags};

	compare(&c, conf_schema(), NULL, old_conf, new_conf);
	return c.n;
}

// ---- the values in force ----

static void
swap(void *a, void *b, size_t size)
{
	char tmp[64];

	for (size_t done = 0; done < size;) {
		const size_t n = size - done < sizeof(tmp) ? size - done : sizeof(tmp);

		memcpy(tmp, (char *)a + done, n);
		memcpy((char *)a + done, (char *)b + done, n);
		memcpy((char *)b + done, tmp, n);
		done += n;
	}
}

static void
swap_field(const struct field *f, char *a, char *b)
{
	const bool many = (f->flags & F_LIST) != 0;

	swap(a + f->at, b + f->at, many ? sizeof(void *) : field_size(f));
	if (many)
		swap(a + f->count_at, b + f->count_at, sizeof(uint32_t));
	if (f->has_at)
		swap(a + f->has_at, b + f->has_at, sizeof(bool));
}

static bool
restart_differs(const struct field *f, const char *a, const char *b)
{
	uint32_t n;

	if (!(f->flags & F_RESTART) || field_equal(f, a, b))
		return false;
	if (f->type != T_OBJECT)
		return true;
	n = *(const uint32_t *)(a + f->count_at);
	if (n != *(const uint32_t *)(b + f->count_at))
		return true;
	for (uint32_t k = 0; k < n; k++) {
		const size_t off = (size_t)k * field_sub(f)->size;

		for (uint32_t i = 0; i < field_sub(f)->n; i++)
			if (restart_differs(&field_sub(f)->fields[i],
				    *(char *const *)(a + f->at) + off,
				    *(char *const *)(b + f->at) + off))
				return true;
	}
	return false;
}

// Places inside name the file of the configuration that they belong to now.
static void
adopt(const struct field *f, char *conf, const char *file)
{
	if (f->type != T_OBJECT || !(f->flags & F_LIST))
		return;
	for (uint32_t k = 0; k < *(uint32_t *)(conf + f->count_at); k++) {
		char *entry = *(char **)(conf + f->at) + (size_t)k * field_sub(f)->size;

		if (field_sub(f)->loc_at != NO_AT)
			((struct sl_loc *)(entry + field_sub(f)->loc_at))->file = file;
		for (uint32_t i = 0; i < field_sub(f)->n; i++)
			adopt(&field_sub(f)->fields[i], entry, file);
	}
}

static void
keep(const struct schema *s, struct sl_conf *new_conf, struct sl_conf *old_conf)
{
	char *a = (char *)new_conf, *b = (char *)old_conf;

	for (uint32_t i = 0; i < s->n; i++) {
		const struct field *f = &s->fields[i];

		if (f->type == T_OBJECT && !(f->flags & F_LIST)) {
			keep(field_sub(f), new_conf,
				old_conf); // its rows count from the same struct
		} else if (restart_differs(f, b, a)) {
			swap_field(f, a, b);
			adopt(f, a, new_conf->file);
			adopt(f, b, old_conf->file);
		}
	}
}

void
sl_conf_keep(struct sl_conf *new_conf, struct sl_conf *old_conf)
{
	keep(conf_schema(), new_conf, old_conf);
}
