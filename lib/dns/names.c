#include "names.h"

#include <ctype.h>
#include <string.h>

// Servers of the root have no names of this kind (RFC 7686), c-ares refuses them too.
static bool
is_onion(const char *name, size_t len)
{
	return len >= 6 && strcmp(name + len - 6, ".onion") == 0;
}

static const char *
bad_character(const char *name)
{
	for (; *name; name++) {
		if (*name == '*')
			return "a wildcard stands for names, it has no address of its own";
		if (!isgraph((unsigned char)*name) || *name == '\\' || *name == '/')
			return "a character that no name has";
	}
	return NULL;
}

static const char *
check(char *name, size_t len)
{
	uint8_t wire[255];
	struct sl_ip ip;
	const char *why;

	if (len == 0)
		return "the name is empty";
	if (sl_ip_parse(name, &ip) == 0)
		return "it is an address, not a name";
	why = bad_character(name);
	if (why)
		return why;
	if (is_onion(name, len))
		return "names in .onion are not in DNS (RFC 7686)";
	if (sl_dns_name_put(name, wire) < 0)
		return "a label is empty or longer than 63 characters";
	return NULL;
}

const char *
name_check(const char *in, char out[SL_DNS_NAME_MAX])
{
	size_t len = strlen(in);
	const char *why = "the name is longer than 253 characters";

	if (len > 0 && in[len - 1] == '.')
		len--;
	if (len <= 253) {
		for (size_t i = 0; i < len; i++)
			out[i] = (char)tolower((unsigned char)in[i]);
		out[len] = '\0';
		why = check(out, len);
	}
	if (why)
		out[0] = '\0';
	return why;
}
