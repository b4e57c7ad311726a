// Names of DNS messages: labels, compression pointers, text.

#include "dns.h"

// More than one pointer a label has no use; without a limit every record of a message could be made
// to cost all of it.
#define HOPS_MAX 127

struct walk {
	uint32_t at;
	uint32_t begin; // of the run of labels that `at` is in: pointers go to before it
	uint32_t hops;
};

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool
jump(const struct sl_dns_msg *msg, struct walk *w)
{
	if (w->at + 2 > msg->len)
		return false;
	const uint32_t to = dns_get16(msg->data + w->at) & 0x3fff;

	if (to < SL_DNS_HLEN || to >= w->begin || ++w->hops > HOPS_MAX)
		return false;
	w->at = w->begin = to;
	return true;
}

// The length of the label at w->at, which is moved behind it (0: the root, the end), or -EINVAL.
static int
step(const struct sl_dns_msg *msg, struct walk *w, const uint8_t **label)
{
	while (w->at < msg->len && msg->data[w->at] >= DNS_POINTER)
		if (!jump(msg, w))
			return -EINVAL;
	if (w->at >= msg->len)
		return -EINVAL;
	const uint8_t n = msg->data[w->at];

	if (n > DNS_LABEL_MAX || w->at + 1 + n > msg->len)
		return -EINVAL;
	*label = msg->data + w->at + 1;
	w->at += 1u + n;
	return n;
}

uint32_t
dns_name_skip(const struct sl_dns_msg *msg, uint32_t at)
{
	const uint32_t begin = at;

	while (at < msg->len) {
		const uint8_t n = msg->data[at];

		if (n >= DNS_POINTER)
			return at + 2 <= msg->len ? at + 2 : 0;
		if (n > DNS_LABEL_MAX || at + 1 + n - begin > DNS_WIRE_MAX)
			return 0;
		at += 1u + n;
		if (n == 0)
			return at;
	}
	return 0;
}

int
dns_name_wire(const struct sl_dns_msg *msg, uint32_t at, uint8_t out[DNS_WIRE_MAX])
{
	struct walk w = {.at = at, .begin = at};
	const uint8_t *label;
	int len = 0;

	for (;;) {
		const int n = step(msg, &w, &label);

		// The root's byte has to follow the last label.
		if (n < 0 || len + 1 + n > DNS_WIRE_MAX - (n > 0))
			return -EINVAL;
		out[len++] = (uint8_t)n;
		if (n == 0)
			return len;
		for (int i = 0; i < n; i++)
			out[len++] = lower(label[i]);
	}
}

bool
dns_name_is(const struct sl_dns_msg *msg, uint32_t at, const uint8_t *wire)
{
	struct walk w = {.at = at, .begin = at};
	const uint8_t *label;

	for (;;) {
		const int n = step(msg, &w, &label);

		if (n != *wire++)
			return false;
		if (n == 0)
			return true;
		for (int i = 0; i < n; i++)
			if (lower(label[i]) != *wire++)
				return false;
	}
}

static bool
has_text(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != '.';
}

int
sl_dns_name(const struct sl_dns_msg *msg, uint32_t offset, char out[SL_DNS_NAME_MAX])
{
	uint8_t wire[DNS_WIRE_MAX];
	const int len = dns_name_wire(msg, offset, wire);
	uint32_t n = 0;

	out[0] = '\0';
	if (len < 0)
		return len;
	for (const uint8_t *label = wire; *label; label += 1 + *label) {
		if (n > 0)
			out[n++] = '.';
		for (uint32_t i = 1; i <= *label; i++) {
			if (!has_text(label[i])) {
				out[0] = '\0';
				return -EILSEQ;
			}
			out[n++] = (char)label[i];
		}
	}
	out[n] = '\0';
	return 0;
}

int
sl_dns_name_put(const char *name, uint8_t out[255])
{
	size_t len = 0;

	while (*name) {
		const size_t n = strcspn(name, ".");

		if (n == 0 || n > DNS_LABEL_MAX || len + 1 + n >= DNS_WIRE_MAX)
			return -EINVAL;
		out[len++] = (uint8_t)n;
		memcpy(out + len, name, n);
		len += n;
		name += n;
		if (*name == '.' && *++name == '\0')
			return -EINVAL;
	}
	out[len++] = 0;
	return (int)len;
}
