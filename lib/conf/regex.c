#include "regex.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REPEAT 1000

struct scan {
	const char *at;
	unsigned open;     // groups
	bool can_repeat;   // something stands before that *, + ? and {n} can repeat
	const char *wrong; // NULL so far
};

static void
escape(struct scan *s)
{
	const char c = s->at[1];

	if (!c)
		s->wrong = "an RE2 expression: a backslash at its end";
	else if (c >= '1' && c <= '9' && (c > '7' || s->at[2] < '0' || s->at[2] > '7'))
		s->wrong = "an RE2 expression: it has no back-references";
	else if (isalpha((unsigned char)c) && !strchr("aftnrvxCpPQEdDsSwWbBAz", c))
		s->wrong = "an RE2 expression: it has an escape that RE2 does not know";
	else if (c == 'Q' && strstr(s->at, "\\E"))
		s->at = strstr(s->at, "\\E"); // text as it is
	else if (c == 'Q')
		s->at += strlen(s->at) - 2;
	s->at += 2;
	s->can_repeat = true;
}

// a-z, of plain characters.
static bool
is_range(const char *c)
{
	return isascii((unsigned char)*c) && *c != '\\' && c[1] == '-' && c[2] &&
	       isascii((unsigned char)c[2]) && !strchr("]\\[", c[2]);
}

// [...]: the end is a bracket that is neither escaped, first, nor in [:class:].
static void
class_of(struct scan *s)
{
	const char *c = s->at + 1;

	c += *c == '^';
	c += *c == ']';
	while (*c && *c != ']') {
		const char *end = c[0] == '[' && c[1] == ':' ? strstr(c, ":]") : NULL;

		if (is_range(c) && *c > c[2])
			s->wrong = "an RE2 expression: a range in [...] ends before it begins";
		if (*c == '\\' && c[1])
			c++;
		c = end ? end + 2 : is_range(c) ? c + 3 : c + 1;
	}
	if (*c)
		s->at = c + 1;
	else
		s->wrong = "an RE2 expression: a [ is not closed";
	s->can_repeat = true;
}

static size_t
name_length(const char *text)
{
	size_t n = 0;

	while (isalnum((unsigned char)text[n]) || text[n] == '_')
		n++;
	return n;
}

static void
group(struct scan *s)
{
	const char *c = s->at + 1;
	size_t named;

	s->open++;
	s->can_repeat = false;
	s->at++;
	if (*c != '?')
		return;
	c++;
	if (strchr("=!>|(#&", *c) || (*c == '<' && (c[1] == '=' || c[1] == '!'))) {
		s->wrong = "an RE2 expression: it has no look-around, and no groups (?...) but "
			   "(?:...), (?flags) and (?P<name>...)";
		return;
	}
	if (*c == 'P' || *c == '<') {
		c += *c == 'P';
		named = *c == '<' ? 1 + name_length(c + 1) : 0;
		c += named;
		if (named < 2 || *c++ != '>')
			s->wrong = "an RE2 expression: a group's name is not (?P<name>...)";
	} else {
		c += strspn(c, "imsU-");
		if (*c == ')') { // flags for what follows
			s->open--;
			s->at = c + 1;
			return;
		}
		if (*c++ != ':')
			s->wrong = "an RE2 expression: the flags of a group are i, m, s and U";
	}
	s->at = c;
}

// {n}, {n,} or {n,m}; any other { is itself.
static void
count(struct scan *s)
{
	char *end;
	unsigned long low, high;

	if (!isdigit((unsigned char)s->at[1])) {
		s->at++;
		s->can_repeat = true;
		return;
	}
	low = high = strtoul(s->at + 1, &end, 10);
	if (end[0] == ',' && end[1] == '}')
		end++;
	else if (end[0] == ',' && isdigit((unsigned char)end[1]))
		high = strtoul(end + 1, &end, 10);
	if (*end != '}')
		end = (char *)s->at;
	else if (!s->can_repeat)
		s->wrong = "an RE2 expression: a repetition of nothing";
	else if (low > MAX_REPEAT || high > MAX_REPEAT || low > high)
		s->wrong = "an RE2 expression: a count is above 1000, or they are in wrong order";
	s->can_repeat = *end != '}';
	s->at = end + 1;
	if (!s->can_repeat && *s->at == '?')
		s->at++;
}

static void
repeat(struct scan *s)
{
	if (!s->can_repeat)
		s->wrong = "an RE2 expression: a repetition of nothing, or of a repetition";
	s->can_repeat = false;
	s->at++;
	if (*s->at == '?') // as little as there is
		s->at++;
}

static void
step(struct scan *s)
{
	switch (*s->at) {
	case '\\':
		escape(s);
		return;
	case '[':
		class_of(s);
		return;
	case '(':
		group(s);
		return;
	case '{':
		count(s);
		return;
	case '*':
	case '+':
	case '?':
		repeat(s);
		return;
	case ')':
		if (s->open-- == 0)
			s->wrong = "an RE2 expression: a ) without its (";
		break;
	default:
		break;
	}
	s->can_repeat = *s->at != '|';
	s->at++;
}

const char *
check_regex(const char *text)
{
	struct scan s = {.at = text};

	while (!s.wrong && *s.at) // what is wrong may end behind the text
		step(&s);
	if (!s.wrong && s.open)
		s.wrong = "an RE2 expression: a ( is not closed";
	return s.wrong;
}
