#include "resolv.h"

#include <string.h>

#include "sl_buf.h"

#define FILE_MOST (UINT32_C(1) << 20)

// Cuts the next word off *text, at blanks. NULL: no more in this line.
static char *
word(char **text)
{
	char *begin = *text + strspn(*text, " \t\r");
	const size_t len = strcspn(begin, " \t\r");

	*text = begin[len] ? begin + len + 1 : begin + len;
	begin[len] = '\0';
	return len && *begin != '#' && *begin != ';' ? begin : NULL;
}

// True: the line names a server; -EINVAL in *rc when its address is none.
static bool
read_line(char *line, struct sl_dns_address *out, int *rc)
{
	const char *key = word(&line), *value = key ? word(&line) : NULL;

	if (!value || strcmp(key, "nameserver") != 0)
		return false;
	*out = (struct sl_dns_address){0};
	*rc = sl_ip_parse(value, &out->ip);
	return true;
}

uint32_t
resolv_parse(char *text, struct sl_dns_address *out, uint32_t max, uint32_t *skipped)
{
	uint32_t n = 0;
	char *line;

	*skipped = 0;
	while (n < max && (line = strsep(&text, "\n"))) {
		int bad = 0;

		if (!read_line(line, &out[n], &bad))
			continue;
		if (bad)
			++*skipped;
		else
			n++;
	}
	return n;
}

int
resolv_read(const char *path, struct sl_dns_address *out, uint32_t max, uint32_t *skipped)
{
	struct sl_buf text = {0};
	int rc = sl_buf_read_file(&text, path, FILE_MOST);

	*skipped = 0;
	if (rc == 0)
		rc = (int)resolv_parse(text.data, out, max, skipped);
	sl_buf_fini(&text);
	return rc;
}
