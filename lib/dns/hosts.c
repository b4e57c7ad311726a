#include "hosts.h"

#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "sl_buf.h"
#include "sl_str.h"

#define FILE_MOST (UINT32_C(16) << 20)
#define BLANKS    " \t\r"

static int
row_order(const void *a, const void *b)
{
	const struct hosts_row *x = a, *y = b;
	const int c = strcmp(x->name, y->name);

	return c ? c : (x->line > y->line) - (x->line < y->line);
}

static void
add(struct hosts *h, const char *name, const struct sl_ip *ip, uint32_t line)
{
	char clean[SL_DNS_NAME_MAX];

	if (name_check(name, clean)) {
		h->skipped++;
		return;
	}
	if (h->n == h->cap) {
		h->cap = h->cap ? h->cap * 2 : 16;
		h->row = sl_xrealloc(h->row, h->cap, sizeof(*h->row));
	}
	h->row[h->n++] = (struct hosts_row){sl_xstrdup(clean), *ip, line};
}

static void
read_line(struct hosts *h, char *text, uint32_t line)
{
	struct sl_ip ip;
	char *word;

	text[strcspn(text, "#")] = '\0';
	do
		word = strsep(&text, BLANKS);
	while (word && !*word);
	if (!word)
		return;
	if (sl_ip_parse(word, &ip) != 0) {
		h->skipped++;
		return;
	}
	while ((word = strsep(&text, BLANKS)))
		if (*word)
			add(h, word, &ip, line);
}

void
hosts_parse(struct hosts *h, char *text)
{
	struct hosts now = {0};
	uint32_t line = 0;
	char *next;

	while ((next = strsep(&text, "\n")))
		read_line(&now, next, ++line);
	if (now.n)
		qsort(now.row, now.n, sizeof(*now.row), row_order);
	hosts_fini(h);
	*h = now;
}

int
hosts_read(struct hosts *h, const char *path)
{
	struct sl_buf text = {0};
	const int rc = sl_buf_read_file(&text, path, FILE_MOST);

	if (rc == 0)
		hosts_parse(h, text.data);
	sl_buf_fini(&text);
	return rc;
}

void
hosts_fini(struct hosts *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		free(h->row[i].name);
	free(h->row);
	*h = (struct hosts){0};
}

static uint32_t
lower_bound(const struct hosts *h, const char *name)
{
	uint32_t low = 0, high = h->n;

	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;

		if (strcmp(h->row[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
contains(const struct sl_ip *ip, uint32_t n, const struct sl_ip *wanted)
{
	for (uint32_t i = 0; i < n; i++)
		if (sl_ip_equal(&ip[i], wanted))
			return true;
	return false;
}

bool
hosts_find(const struct hosts *h, const char *name, int family, struct sl_ip *out, uint32_t max,
	uint32_t *n)
{
	const uint32_t first = lower_bound(h, name);
	uint32_t i = first;

	*n = 0;
	for (; i < h->n && strcmp(h->row[i].name, name) == 0; i++)
		if (h->row[i].ip.family == family && *n < max && !contains(out, *n, &h->row[i].ip))
			out[(*n)++] = h->row[i].ip;
	return i > first;
}
