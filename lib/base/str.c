#include "sl_str.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void
out_of_memory(void)
{
	static const char msg[] = "out of memory\n";

	fputs(msg, stderr);
	abort();
}

void *
sl_xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *
sl_xrealloc(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n ? n : 1, size ? size : 1);
	if (!p)
		out_of_memory();
	return p;
}

char *
sl_xstrdup(const char *s)
{
	char *copy;

	if (!s)
		return NULL;
	copy = strdup(s);
	if (!copy)
		out_of_memory();
	return copy;
}

char *
sl_xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory();
	return text;
}

// Levenshtein distance without regard to case; words past 64 characters are never "near".
static unsigned
distance(const char *a, const char *b)
{
	const size_t n = strlen(a), m = strlen(b);
	unsigned row[65];

	if (n > 64 || m > 64)
		return UINT32_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			const unsigned up = row[j];
			unsigned best = diagonal + (tolower((unsigned char)a[i - 1]) !=
							   tolower((unsigned char)b[j - 1]));

			best = up + 1 < best ? up + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			row[j] = best;
			diagonal = up;
		}
	}
	return row[m];
}

const char *
sl_str_nearest(const char *word, const char *const *candidates)
{
	const size_t third = strlen(word) / 3;
	const char *nearest = NULL;
	unsigned best = third > 1 ? (unsigned)third + 1 : 2;

	for (; *candidates; candidates++) {
		const unsigned d = distance(word, *candidates);

		if (d < best) {
			best = d;
			nearest = *candidates;
		}
	}
	return nearest;
}

bool
sl_str_is_called(const char *text, const char *word, const char *group)
{
	const size_t len = strlen(word);

	if (len == 0 || strncasecmp(text, word, len) != 0)
		return false;
	return text[len] == '\0' ||
	       (text[len] == '.' && *group && strcasecmp(text + len + 1, group) == 0);
}

int
sl_str_u64(const char *text, uint64_t *value)
{
	uint64_t v = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(v, 10u, &v) ||
			__builtin_add_overflow(v, (uint64_t)(*text - '0'), &v))
			return -ERANGE;
	}
	*value = v;
	return 0;
}

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{"h", 3600 * SL_NSEC_PER_SEC},
	{"ms", SL_NSEC_PER_MSEC},
	{"m", 60 * SL_NSEC_PER_SEC},
	{"s", SL_NSEC_PER_SEC},
	{"us", 1000},
	{"ns", 1},
};

static const char *
read_unit(const char *text, uint64_t *ns)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(units); i++) {
		const size_t len = strlen(units[i].name);

		if (strncmp(text, units[i].name, len) == 0) {
			*ns = units[i].ns;
			return text + len;
		}
	}
	return NULL;
}

int
sl_str_duration(const char *text, uint64_t *ns)
{
	uint64_t total = 0;

	if (strcmp(text, "0") == 0) {
		*ns = 0;
		return 0;
	}
	do {
		uint64_t unit, part;
		double number;
		char *end;

		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		number = strtod(text, &end);
		// strtod also reads exponents and hexadecimal; durations have neither.
		for (const char *c = text; c < end; c++)
			if (!isdigit((unsigned char)*c) && *c != '.')
				return -EINVAL;
		text = read_unit(end, &unit);
		if (!text)
			return -EINVAL;
		if (number * (double)unit > 9e18)
			return -ERANGE;
		part = (uint64_t)(number * (double)unit + 0.5);
		if (__builtin_add_overflow(total, part, &total))
			return -ERANGE;
	} while (*text);
	*ns = total;
	return 0;
}

const char *
sl_str_duration_fmt(uint64_t ns, char buf[32])
{
	static const struct {
		const char *name;
		uint64_t ns;
	} down[] = {{"h", 3600 * SL_NSEC_PER_SEC}, {"m", 60 * SL_NSEC_PER_SEC},
		{"s", SL_NSEC_PER_SEC}, {"ms", SL_NSEC_PER_MSEC}, {"us", 1000}, {"ns", 1}};
	size_t len = 0;

	if (ns == 0)
		return strcpy(buf, "0s");
	for (size_t i = 0; i < SL_ARRAY_LEN(down) && len < 24; i++) {
		const uint64_t n = ns / down[i].ns;

		if (n == 0)
			continue;
		len += (size_t)snprintf(buf + len, 32 - len, "%" PRIu64 "%s", n, down[i].name);
		ns %= down[i].ns;
	}
	return buf;
}

uint64_t
sl_str_hash(const void *data, size_t len, uint64_t seed)
{
	const uint8_t *p = data;
	uint64_t h = seed ? seed : UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

uint64_t
sl_text_hash(const void *data, size_t len)
{
	uint64_t h = len * UINT64_C(0x9e3779b97f4a7c15), word;
	const char *text = data;

	for (; len >= sizeof(word); text += sizeof(word), len -= sizeof(word)) {
		unsigned __int128 product;

		memcpy(&word, text, sizeof(word));
		product = (unsigned __int128)(h ^ word) * UINT64_C(0xa0761d6478bd642f);
		h = (uint64_t)product ^ (uint64_t)(product >> 64) ^ word << 1;
	}
	return sl_mix64(sl_str_hash(text, len, h | 1));
}
