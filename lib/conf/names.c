#include "names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "sl_types.h"

static bool
is_label(const char *s, size_t len)
{
	if (len < 1 || len > 63 || !isalnum((unsigned char)s[0]) ||
		!isalnum((unsigned char)s[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-')
			return false;
	return true;
}

bool
is_dns_label(const char *text)
{
	return is_label(text, strlen(text));
}

const char *
check_dns_label(const char *text)
{
	return is_dns_label(text)
		       ? NULL
		       : "a DNS label: letters, digits and hyphens, 1 to 63 of them, no hyphen at "
			 "either end";
}

static bool
all_digits(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isdigit((unsigned char)s[i]))
			return false;
	return true;
}

static const char host_text[] =
	"a host name: DNS labels joined by dots, the last one not a number, at most 255 characters";

// H2 of what stands behind the first `skip` characters.
static const char *
check_domain(const char *text, size_t skip)
{
	const char *s = text + skip;

	if (!*s || strlen(text) > 255)
		return host_text;
	for (;;) {
		const char *dot = strchr(s, '.');
		const size_t len = dot ? (size_t)(dot - s) : strlen(s);

		if (!is_label(s, len))
			return host_text;
		if (!dot || !dot[1]) // the last one, perhaps with its dot
			return all_digits(s, len) ? host_text : NULL;
		s = dot + 1;
	}
}

const char *
check_fqdn(const char *text)
{
	return check_domain(text, 0);
}

const char *
check_wildcard_host(const char *text)
{
	static const char expected[] =
		"a host name, or a wildcard in its first label (\"*.foo.com\")";
	size_t skip;

	if (*text != '*')
		return strchr(text, '*') ? expected : check_fqdn(text);
	if (!text[1])
		return NULL; // alone: the caller's rule
	// `*` may stand before a label, with or without a hyphen between.
	skip = text[1] == '.' ? 2 : text[1] == '-' ? 2 : 1;
	if (strchr(text + 1, '*'))
		return expected;
	return check_domain(text, skip);
}

bool
is_partial_wildcard(const char *text)
{
	return strchr(text, '*') && strcmp(text, "*") != 0 && strncmp(text, "*.", 2) != 0;
}

const char *
check_unix_path(const char *path)
{
	const size_t len = strlen(path);

	if (len > 1 && path[0] == '@')
		return NULL;
	if (len > 1 && path[0] == '/' && path[len - 1] != '/')
		return NULL;
	return "an absolute path that does not end in /, or @ and an abstract name";
}

static bool
is_qualified(const char *s, size_t len)
{
	if (len < 1 || len > 63 || !isalnum((unsigned char)s[0]) ||
		!isalnum((unsigned char)s[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-_.", s[i]))
			return false;
	return true;
}

const char *
check_label_key(const char *text)
{
	const char *slash = strchr(text, '/');
	const char *name = slash ? slash + 1 : text;
	char prefix[254];

	if (!is_qualified(name, strlen(name)))
		return "a label key: at most 63 letters, digits, -, _ and ., a letter or digit at "
		       "both ends, perhaps behind a DNS name and a slash";
	if (!slash)
		return NULL;
	if ((size_t)(slash - text) >= sizeof(prefix))
		return "a prefix of at most 253 characters";
	memcpy(prefix, text, (size_t)(slash - text));
	prefix[slash - text] = '\0';
	return check_object_name(prefix) ? "a DNS name in lower case before the slash" : NULL;
}

const char *
check_label_value(const char *text)
{
	if (!*text || is_qualified(text, strlen(text)))
		return NULL;
	return "a label value: at most 63 letters, digits, -, _ and ., a letter or digit at both "
	       "ends";
}

const char *
check_protocol(const char *text)
{
	static const char *const known[] = {"TCP", "UDP", "HTTP", "HTTPS", "HTTP2", "HTTP_PROXY",
		"GRPC", "GRPC-Web", "TLS", "MONGO", "REDIS", "MYSQL"};

	if (!*text)
		return NULL;
	for (size_t i = 0; i < SL_ARRAY_LEN(known); i++)
		if (strcasecmp(text, known[i]) == 0)
			return NULL;
	return "one of TCP, UDP, HTTP, HTTPS, HTTP2, HTTP_PROXY, GRPC, GRPC-Web, TLS, MONGO, "
	       "REDIS, "
	       "MYSQL";
}

static bool
is_lower(const char *text)
{
	for (; *text; text++)
		if (isupper((unsigned char)*text))
			return false;
	return true;
}

const char *
check_object_name(const char *text)
{
	static const char expected[] =
		"a Kubernetes name: lower-case DNS labels joined by dots, at most 253 characters";

	if (strlen(text) > 253 || !is_lower(text))
		return expected;
	for (const char *s = text;;) {
		const char *dot = strchr(s, '.');

		if (!is_label(s, dot ? (size_t)(dot - s) : strlen(s)))
			return expected;
		if (!dot)
			return NULL;
		s = dot + 1;
	}
}

const char *
check_namespace(const char *text)
{
	return is_dns_label(text) && is_lower(text) ? NULL : "a DNS label in lower case";
}

const char *
check_node_locality(const char *text)
{
	const size_t len = strlen(text);
	size_t parts = 1;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '*')
			goto wrong;
		parts += text[i] == '/';
	}
	if (len && parts <= 3 && text[0] != '/' && text[len - 1] != '/' && !strstr(text, "//"))
		return NULL;
wrong:
	return "region, region/zone or region/zone/subzone without a wildcard";
}

const char *
check_export_entry(const char *text)
{
	if (strcmp(text, "*") == 0 || strcmp(text, ".") == 0 || strcmp(text, "~") == 0)
		return NULL;
	return check_namespace(text) ? "`*`, `.`, `~` or a namespace" : NULL;
}

const char *
check_netdev(const char *text)
{
	if (!isalnum((unsigned char)*text) || strlen(text) > 15 || strcmp(text, "lo") == 0 ||
		strcmp(text, "all") == 0 || strcmp(text, "default") == 0)
		goto wrong;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("-_.", *text))
			goto wrong;
	return NULL;
wrong:
	return "a netdev name: at most 15 letters, digits, -, _ and ., a letter or digit first, "
	       "and "
	       "not lo, all or default";
}

// Seconds since the epoch, or -1.
static int64_t
timestamp_parse(const char *text)
{
	struct tm tm = {0};
	int hours, minutes, end = 0;
	char sign;
	int64_t t;

	for (const char *p = "0000-00-00T00:00:00", *c = text; *p; p++, c++) // sscanf skips blanks
		if (*p == '0' ? !isdigit((unsigned char)*c) : *c != *p)
			return -1;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		    &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 ||
		end != 19)
		return -1;
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
		tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60 || tm.tm_year < 1970)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	t = timegm(&tm);
	text += end;
	if (*text == '.') {
		text++;
		if (!isdigit((unsigned char)*text))
			return -1;
		text += strspn(text, "0123456789");
	}
	if (strcmp(text, "Z") == 0)
		return t;
	end = 0;
	if (sscanf(text, "%c%2d:%2d%n", &sign, &hours, &minutes, &end) != 3 || end != 6 ||
		text[6] || (sign != '+' && sign != '-') || hours > 23 || minutes > 59)
		return -1;
	t -= (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
	return t < 0 ? -1 : t;
}

const char *
check_timestamp(const char *text)
{
	return timestamp_parse(text) < 0 ? "a time as 2026-01-02T03:04:05Z (RFC 3339)" : NULL;
}

void
timestamp_utc(const char *text, char out[24])
{
	const time_t t = timestamp_parse(text);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

bool
is_header_name(const char *text)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	const char *at = text;

	while (isalnum((unsigned char)*at) || (*at && strchr(others, *at)))
		at++;
	return *text && !*at;
}
