// What an http route matches.
#include <string.h>

#include "names.h"
#include "vs_check.h"

void
vs_check_string_match(const struct vs_check *c, const struct spot *m, bool may_be_empty)
{
	const struct spot prefix = spot_key(m, "prefix");
	const char *text = spot_text(&prefix);
	const int given = spot_has(m, "exact") + spot_has(m, "prefix") + spot_has(m, "regex");

	if (given > 1)
		spot_say(c->r, SL_ERROR, "V10", m, "expected one of exact, prefix and regex");
	if (text && !*text && !may_be_empty)
		spot_say(c->r, SL_ERROR, "V10", &prefix, "empty: it would match everything");
}

// Routes of a delegate and those that delegate are joined: their matches take no regex.
static void
check_no_regex(const struct vs_check *c, const struct spot *m)
{
	const struct spot regex = spot_key(m, "regex");

	if (spot_given(&regex))
		spot_say(c->r, SL_ERROR, "V7", &regex,
			"no regular expressions with delegates: expected exact or prefix");
}

static void
check_named(const struct vs_check *c, const struct spot *match, const char *key, bool delegated)
{
	const struct spot map = spot_key(match, key);
	const bool header = strcmp(key, "queryParams") != 0;

	for (uint32_t i = 0; i < spot_pairs(&map); i++) {
		const struct spot m = spot_item(&map, i);

		if (header && !*m.path.key)
			spot_say(c->r, SL_ERROR, "V11", &m, "a header without a name");
		else if (header && *m.path.key != '@' && !is_header_name(m.path.key))
			spot_say(c->r, SL_ERROR, "V11", &m, "\"%.80s\" is not a header's name",
				m.path.key);
		vs_check_string_match(c, &m, false);
		if (delegated)
			check_no_regex(c, &m);
	}
}

void
vs_check_http_match(const struct vs_check *c, const struct spot *route)
{
	static const char *const texts[] = {"uri", "scheme", "method", "authority"};
	static const char *const maps[] = {"headers", "withoutHeaders", "queryParams"};
	const struct spot list = spot_key(route, "match");
	const bool delegated = c->delegate || spot_has(route, "delegate");

	for (uint32_t i = 0; i < spot_items(&list); i++) {
		const struct spot match = spot_item(&list, i);
		const struct spot gateways = spot_key(&match, "gateways");

		for (size_t k = 0; k < SL_ARRAY_LEN(texts); k++) {
			const struct spot m = spot_key(&match, texts[k]);

			vs_check_string_match(c, &m, k == 0);
			if (delegated)
				check_no_regex(c, &m);
		}
		for (size_t k = 0; k < SL_ARRAY_LEN(maps); k++)
			check_named(c, &match, maps[k], delegated);
		vs_check_source_labels(c, &match);
		vs_check_gateways(c, &gateways);
	}
}
