// What a plain scalar is, and integers as numbers.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "sl_str.h"

static bool
is_int(const char *s)
{
	const char *digits = "0123456789";

	if (strncmp(s, "0x", 2) == 0) {
		s += 2;
		digits = "0123456789abcdefABCDEF";
	} else if (strncmp(s, "0o", 2) == 0) {
		s += 2;
		digits = "01234567";
	} else if (*s == '-' || *s == '+') {
		s++;
	}
	return *s && s[strspn(s, digits)] == '\0';
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?, .inf, .nan
static bool
is_float(const char *s)
{
	static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
	size_t whole, fraction = 0;

	if (*s == '-' || *s == '+')
		s++;
	for (size_t i = 0; words[i]; i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	whole = strspn(s, "0123456789");
	s += whole;
	if (*s == '.') {
		fraction = strspn(++s, "0123456789");
		s += fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '-' || *s == '+')
			s++;
		whole = strspn(s, "0123456789");
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
