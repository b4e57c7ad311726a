#include "resolv.h"

#include <string.h>

#include "sl_buf.h"

#define FILE_MOST (UINT32_C(1) << 20)

// As libc reads it: "nameserver" at the start of a line, blanks, and an address up to the next
// blank or remark. True: the line names a server; -EINVAL in *rc when its address is none.
static bool
read_line(char *line, struct sl_dns_address *out, int *rc)
{
	static const char key[] = "nameserver";
	const size_t n = sizeof(key) - 1;
	const size_t blanks = strncmp(line, key, n) == 0 ? strspn(line + n, " \t") : 0;
	char *value = line + n + blanks;

	if (!blanks)
		return false;
	value[strcspn(value, " \t\r#;")] = '\0';
	*out = (struct sl_dns_address){0};
	*rc = sl_ip_parse(value, &out->ip);
	return *value;
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
