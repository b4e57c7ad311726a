#include "safe.h"

#include <string.h>

// C1 control characters are 0xc2 0x80..0x9f in UTF-8.
static bool
is_c1(const unsigned char *s)
{
	return s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f;
}

static bool
is_control(const unsigned char *s)
{
	return *s < ' ' || *s == 0x7f || is_c1(s);
}

// Made whole and written at once: standard error has no buffer.
void
safe_put(FILE *f, const char *text, const char *keep)
{
	struct sl_buf out = {0};

	for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
		if (!is_control(s) || (*s < 0x80 && strchr(keep, *s))) {
			sl_buf_putc(&out, (char)*s);
		} else {
			sl_buf_putc(&out, '?');
			s += is_c1(s);
		}
	}
	if (out.len)
		fwrite(out.data, 1, out.len, f);
	sl_buf_fini(&out);
}

unsigned
safe_cell(struct sl_buf *out, const char *text)
{
	unsigned columns = 0;

	for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
		const bool control = is_control(s);

		sl_buf_putc(out, control ? '?' : (char)*s);
		columns += (*s & 0xc0) != 0x80;
		s += control && is_c1(s);
	}
	return columns;
}
