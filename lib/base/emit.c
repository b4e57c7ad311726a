#include "sl_emit.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void
sl_emit_init(struct sl_emit *e, struct sl_buf *out)
{
	*e = (struct sl_emit){.out = out};
}

// Length of the valid UTF-8 sequence at s (1..4), or 0. RFC 3629: no overlong forms, no surrogates.
static unsigned
utf8_len(const unsigned char *s)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return (s[1] & 0xc0) == 0x80 ? 2 : 0;
	if ((s[0] & 0xf0) == 0xe0) {
		const unsigned char lo = s[0] == 0xe0 ? 0xa0 : 0x80,
				    hi = s[0] == 0xed ? 0x9f : 0xbf;

		return s[1] >= lo && s[1] <= hi && (s[2] & 0xc0) == 0x80 ? 3 : 0;
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		const unsigned char lo = s[0] == 0xf0 ? 0x90 : 0x80,
				    hi = s[0] == 0xf4 ? 0x8f : 0xbf;

		return s[1] >= lo && s[1] <= hi && (s[2] & 0xc0) == 0x80 && (s[3] & 0xc0) == 0x80
			       ? 4
			       : 0;
	}
	return 0;
}

static void
put_char(struct sl_buf *out, unsigned char c)
{
	switch (c) {
	case '"':
		sl_buf_puts(out, "\\\"");
		break;
	case '\\':
		sl_buf_puts(out, "\\\\");
		break;
	case '\n':
		sl_buf_puts(out, "\\n");
		break;
	case '\t':
		sl_buf_puts(out, "\\t");
		break;
	case '\r':
		sl_buf_puts(out, "\\r");
		break;
	default:
		if (c < 0x20 || c == 0x7f)
			sl_buf_printf(out, "\\u%04x", c);
		else
			sl_buf_putc(out, (char)c);
	}
}

// How many of the first bytes stand in a JSON string as they are.
static size_t
plain_len(const unsigned char *s)
{
	size_t n = 0;

	while (s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

static void
put_string(struct sl_buf *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	sl_buf_putc(out, '"');
	while (*s) {
		const size_t plain = plain_len(s);
		const unsigned n = plain ? 0 : utf8_len(s);

		if (plain)
			sl_buf_put(out, s, plain);
		else if (n == 1)
			put_char(out, *s);
		else if (n > 1)
			sl_buf_put(out, s, n);
		else
			sl_buf_puts(out, "\xef\xbf\xbd"); // U+FFFD
		s += plain ? plain : n ? n : 1;
	}
	sl_buf_putc(out, '"');
}

static void
begin_value(struct sl_emit *e, const char *key)
{
	const uint32_t bit = 1u << e->depth;

	if (e->has_items & bit)
		sl_buf_putc(e->out, ',');
	e->has_items |= bit;
	assert(e->depth == 0 || !!(e->is_object & bit) == (key != NULL));
	if (key) {
		put_string(e->out, key);
		sl_buf_putc(e->out, ':');
	}
}

static void
open_level(struct sl_emit *e, const char *key, char bracket, bool object)
{
	begin_value(e, key);
	sl_buf_putc(e->out, bracket);
	e->depth++;
	assert(e->depth < 32);
	e->has_items &= ~(1u << e->depth);
	if (object)
		e->is_object |= 1u << e->depth;
	else
		e->is_object &= ~(1u << e->depth);
}

void
sl_emit_obj(struct sl_emit *e, const char *key)
{
	open_level(e, key, '{', true);
}

void
sl_emit_arr(struct sl_emit *e, const char *key)
{
	open_level(e, key, '[', false);
}

void
sl_emit_end(struct sl_emit *e)
{
	assert(e->depth > 0);
	sl_buf_putc(e->out, e->is_object & (1u << e->depth) ? '}' : ']');
	e->depth--;
	// What follows at the top is a new document, not an item of a list.
	if (e->depth == 0)
		e->has_items = 0;
}

void
sl_emit_str(struct sl_emit *e, const char *key, const char *value)
{
	if (!value) {
		sl_emit_null(e, key);
		return;
	}
	begin_value(e, key);
	put_string(e->out, value);
}

void
sl_emit_strf(struct sl_emit *e, const char *key, const char *fmt, ...)
{
	struct sl_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	sl_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	sl_emit_str(e, key, text.data ? text.data : "");
	sl_buf_fini(&text);
}

void
sl_emit_u64(struct sl_emit *e, const char *key, uint64_t value)
{
	begin_value(e, key);
	sl_buf_printf(e->out, "%" PRIu64, value);
}

void
sl_emit_i64(struct sl_emit *e, const char *key, int64_t value)
{
	begin_value(e, key);
	sl_buf_printf(e->out, "%" PRId64, value);
}

void
sl_emit_dbl(struct sl_emit *e, const char *key, double value)
{
	if (!isfinite(value)) {
		sl_emit_null(e, key);
		return;
	}
	begin_value(e, key);
	sl_buf_printf(e->out, "%.12g", value);
}

void
sl_emit_bool(struct sl_emit *e, const char *key, bool value)
{
	sl_emit_raw(e, key, value ? "true" : "false");
}

void
sl_emit_null(struct sl_emit *e, const char *key)
{
	sl_emit_raw(e, key, "null");
}

void
sl_emit_raw(struct sl_emit *e, const char *key, const char *json)
{
	begin_value(e, key);
	sl_buf_puts(e->out, json);
}
