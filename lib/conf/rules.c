// Whose rule is asked: Istio's webhook and the CRD disagree in places (istio-semantics 2).
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "schema.h"

int
sl_rules_parse(const char *text, enum sl_rules *rules)
{
	static const char *const names[] = {
		[SL_RULES_UNION] = "union", [SL_RULES_WEBHOOK] = "webhook", [SL_RULES_CRD] = "crd"};

	for (size_t i = 0; i < SL_ARRAY_LEN(names); i++) {
		if (strcmp(names[i], text) == 0) {
			*rules = (enum sl_rules)i;
			return 0;
		}
	}
	return -EINVAL;
}

bool
rule_applies(enum sl_rules mode, const char *rule, char buf[RULE_LEN], const char **shown)
{
	const char *crd = rule ? strchr(rule, '+') : NULL;

	*shown = rule;
	if (!rule || rule[0] == 'N')
		return true;
	if (!crd) {
		const bool is_crd = rule[0] == 'C';

		return mode == SL_RULES_UNION || is_crd == (mode == SL_RULES_CRD);
	}
	if (mode == SL_RULES_CRD)
		snprintf(buf, RULE_LEN, "%s", crd + 1);
	else
		snprintf(buf, RULE_LEN, "%.*s", (int)(crd - rule), rule);
	*shown = buf;
	return true;
}
