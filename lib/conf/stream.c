// A stream cut into its documents.
#include <string.h>

#include "node.h"

static bool
is_mark(const char *line, size_t len, const char *mark)
{
	return len >= 3 && memcmp(line, mark, 3) == 0 &&
	       (len == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r' ||
		       line[3] == '\n');
}

// Blank, a comment, a directive, or a bare document mark.
static bool
is_empty_line(const char *line, size_t len)
{
	size_t i = 0;

	if (is_mark(line, len, "---") || is_mark(line, len, "..."))
		i = 3;
	else if (len && line[0] == '%')
		return true;
	while (i < len && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r' || line[i] == '\n'))
		i++;
	return i == len || line[i] == '#';
}

static size_t
line_len(const char *text, size_t len)
{
	const char *nl = memchr(text, '\n', len);

	return nl ? (size_t)(nl - text) + 1 : len;
}

bool
stream_next(const char *text, size_t len, size_t *pos, uint32_t *line, const char **doc_text,
	size_t *doc_len, uint32_t *doc_line)
{
	while (*pos < len) {
		const size_t start = *pos;
		bool empty = true;

		*doc_line = *line;
		for (bool first = true; *pos < len; first = false) {
			const char *l = text + *pos;
			const size_t n = line_len(l, len - *pos);
			const bool ends = is_mark(l, n, "...");

			if (!first && is_mark(l, n, "---"))
				break;
			empty = empty && is_empty_line(l, n);
			*pos += n;
			(*line)++;
			if (ends)
				break;
		}
		*doc_text = text + start;
		*doc_len = *pos - start;
		if (!empty)
			return true;
	}
	return false;
}
