// What a plain scalar is, and integers as numbers.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "sl_str.h"

static size_t
digits_of(const char *s)
{
	size_t n = 0;

	while (s[n] >= '0' && s[n] <= '9')
		n++;
	return n;
}

static bool
is_int(const char *s)
{
	if (strncmp(s, "0x", 2) == 0)
		return s[2] && s[2 + strspn(s + 2, "0123456789abcdefABCDEF")] == '\0';
	if (strncmp(s, "0o", 2) == 0)
		return s[2] && s[2 + strspn(s + 2, "01234567")] == '\0';
	if (*s == '-' || *s == '+')
		s++;
	return *s && s[digits_of(s)] == '\0';
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?, .inf, .nan
static bool
is_float(const char *s)
{
	static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
	size_t whole, fraction = 0;

	if (*s == '-' || *s == '+')
		s++;
	for (size_t i = 0; *s == '.' && words[i]; i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	whole = digits_of(s);
	s += whole;
	if (*s == '.') {
		fraction = digits_of(++s);
		s += fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '-' || *s == '+')
			s++;
		whole = digits_of(s);
		if (!whole)
			return false;
		s += whole;
	}
	return *s == '\0';
}

enum scalar_type
scalar_resolve(const char *s)
{
	static const struct {
		const char *word;
		enum scalar_type type;
	} words[] = {
		{"", SCALAR_NULL},
		{"~", SCALAR_NULL},
		{"null", SCALAR_NULL},
		{"Null", SCALAR_NULL},
		{"NULL", SCALAR_NULL},
		{"true", SCALAR_BOOL},
		{"True", SCALAR_BOOL},
		{"TRUE", SCALAR_BOOL},
		{"false", SCALAR_BOOL},
		{"False", SCALAR_BOOL},
		{"FALSE", SCALAR_BOOL},
	};

	if (*s >= '0' && *s <= '9')
		return is_int(s) ? SCALAR_INT : is_float(s) ? SCALAR_FLOAT : SCALAR_STR;
	// Most texts are none of what follows, and their first letter says so.
	if (*s && !strchr("~nNtTfF+-.", *s))
		return SCALAR_STR;
	for (size_t i = 0; i < SL_ARRAY_LEN(words); i++)
		if (strcmp(s, words[i].word) == 0)
			return words[i].type;
	if (is_int(s))
		return SCALAR_INT;
	return is_float(s) ? SCALAR_FLOAT : SCALAR_STR;
}

int
scalar_u64(const char *s, uint64_t *value)
{
	unsigned long long v;

	if (strncmp(s, "0x", 2) == 0 || strncmp(s, "0o", 2) == 0) {
		errno = 0;
		v = strtoull(s + 2, NULL, s[1] == 'x' ? 16 : 8);
		*value = v;
		return errno ? -ERANGE : 0;
	}
	if (*s == '+')
		s++;
	if (s[0] == '0' && s[1])
		return -EINVAL;
	return sl_str_u64(s, value);
}
