#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "safe.h"

#define GAP  3
#define NONE "-"

void
table_init(
	struct table *t, FILE *out, enum sl_ctl_cmd cmd, const char *kind, bool wide, bool headers)
{
	const struct sl_ctl_column *c = NULL;

	*t = (struct table){.out = out, .headers = headers};
	while (t->n_columns < TABLE_COLUMNS && (c = sl_ctl_column_next(cmd, c)))
		if ((wide || c->when == SL_CTL_TABLE) &&
			(!c->kind || (kind && strcmp(c->kind, kind) == 0)))
			t->column[t->n_columns++] = c;
}

// ---- values by path ----

// A member whose name is the first len bytes of key.
static const json_t *
member(const json_t *object, const char *key, size_t len)
{
	char name[64];

	if (len >= sizeof(name))
		return NULL;
	memcpy(name, key, len);
	name[len] = '\0';
	return json_object_get(object, name);
}

static void put_value(struct sl_buf *out, const json_t *value);

static void
put_list(struct sl_buf *out, const json_t *list)
{
	size_t i;
	json_t *value;

	json_array_foreach((json_t *)list, i, value)
	{
		if (i > 0)
			sl_buf_putc(out, ',');
		put_value(out, value);
	}
}

static void
put_value(struct sl_buf *out, const json_t *value)
{
	char *text;

	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		sl_buf_puts(out, json_string_value(value));
		break;
	case JSON_INTEGER:
		sl_buf_printf(out, "%" PRId64, (int64_t)json_integer_value(value));
		break;
	case JSON_REAL:
		sl_buf_printf(out, "%.1f", json_real_value(value));
		break;
	case JSON_TRUE:
		sl_buf_puts(out, "true");
		break;
	case JSON_FALSE:
		sl_buf_puts(out, "false");
		break;
	case JSON_NULL:
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		text = json_dumps(value, JSON_COMPACT);
		sl_buf_puts(out, text);
		free(text);
		break;
	}
}

// "list?key=other" behind a '#': how many members have the key that the line's member has as other.
static size_t
count_like(const json_t *list, const char *condition, const json_t *line)
{
	const size_t key_len = strcspn(condition, "=");
	const char *other = condition + key_len + 1;
	const json_t *wanted = member(line, other, strlen(other));
	size_t i, n = 0;
	json_t *m;

	json_array_foreach((json_t *)list, i, m) n +=
		json_equal(member(m, condition, key_len), wanted);
	return n;
}

static void
put_count(struct sl_buf *out, const char *path, const json_t *row, const json_t *line)
{
	const size_t len = strcspn(path, "?");
	const json_t *list = member(row, path, len);

	if (!json_is_array(list))
		return;
	sl_buf_printf(out, "%zu",
		path[len] == '?' && line ? count_like(list, path + len + 1, line)
					 : json_array_size(list));
}

// line: the member of the list that this line is for, NULL when no column spreads.
static void
put_path(struct sl_buf *out, const char *path, const json_t *row, const json_t *line)
{
	size_t len = strcspn(path, ".*[");

	if (path[0] == '#') {
		put_count(out, path + 1, row, line);
		return;
	}
	for (; path[len] == '.'; len = strcspn(path, ".*[")) {
		row = member(row, path, len);
		path += len + 1;
	}
	if (path[len] == '*')
		put_path(out, path + len + 2, line, NULL);
	else if (path[len] == '[')
		put_list(out, member(row, path, len));
	else
		put_value(out, member(row, path, len));
}

// The list that the lines spread over, or NULL.
static const json_t *
spread(const struct table *t, const json_t *row)
{
	for (unsigned i = 0; i < t->n_columns; i++) {
		const char *path = t->column[i]->path;
		const char *star = strchr(path, '*');

		if (star)
			return member(row, path, (size_t)(star - path));
	}
	return NULL;
}

// ---- lines ----

// The text as the terminal gets it, into t->cell; returns its columns.
static unsigned
show(struct table *t, const char *text)
{
	sl_buf_reset(&t->cell);
	return safe_cell(&t->cell, text);
}

static void
put_blanks(FILE *out, unsigned n)
{
	while (n-- > 0)
		putc(' ', out);
}

static void
write_line(struct table *t, const char *const cells[])
{
	unsigned blanks = 0;

	for (unsigned i = 0; i < t->n_columns; i++) {
		const unsigned columns = show(t, cells[i]);
		const unsigned fill = columns < t->width[i] ? t->width[i] - columns : 0;
		const bool right = t->column[i]->align == SL_CTL_RIGHT;

		// Blanks are owed, not written: no line ends with them.
		blanks += right ? fill : 0;
		if (columns > 0) {
			put_blanks(t->out, blanks);
			fwrite(t->cell.data, 1, t->cell.len, t->out);
			blanks = 0;
		}
		blanks += (right ? 0 : fill) + GAP;
	}
	putc('\n', t->out);
}

static void
measure(struct table *t, unsigned i, const char *text)
{
	const unsigned columns = show(t, text);

	if (columns > t->width[i])
		t->width[i] = columns;
}

static void
write_titles(struct table *t)
{
	const char *titles[TABLE_COLUMNS];

	for (unsigned i = 0; i < t->n_columns; i++)
		titles[i] = t->column[i]->title;
	write_line(t, titles);
}

void
table_flush(struct table *t)
{
	const char *cell = t->held.data, *cells[TABLE_COLUMNS];

	if (t->held_lines > 0 && !t->started) {
		for (unsigned i = 0; i < t->n_columns && t->headers; i++)
			measure(t, i, t->column[i]->title);
		if (t->headers)
			write_titles(t);
		t->started = true;
	}
	for (unsigned n = 0; n < t->held_lines; n++) {
		for (unsigned i = 0; i < t->n_columns; i++) {
			cells[i] = cell;
			cell += strlen(cell) + 1;
		}
		write_line(t, cells);
	}
	sl_buf_reset(&t->held);
	t->held_lines = 0;
}

static void
add_line(struct table *t, const json_t *row, const json_t *line)
{
	for (unsigned i = 0; i < t->n_columns; i++) {
		const size_t before = t->held.len;

		put_path(&t->held, t->column[i]->path, row, line);
		if (t->held.len == before)
			sl_buf_puts(&t->held, NONE);
		sl_buf_putc(&t->held, '\0');
		if (!t->started)
			measure(t, i, t->held.data + before);
	}
	t->held_lines++;
	if (t->started || t->held_lines == TABLE_SAMPLE)
		table_flush(t);
}

void
table_row(struct table *t, const json_t *row)
{
	const json_t *list = spread(t, row);
	size_t i;
	json_t *line;

	if (json_array_size(list) == 0) {
		add_line(t, row, NULL);
		return;
	}
	json_array_foreach((json_t *)list, i, line) add_line(t, row, line);
}

void
table_fini(struct table *t)
{
	table_flush(t);
	sl_buf_fini(&t->held);
	sl_buf_fini(&t->cell);
	*t = (struct table){0};
}
