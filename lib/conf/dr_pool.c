// Rules of connectionPool and outlierDetection.
#include <stdio.h>
#include <string.h>

#include "dr_check.h"

static void
check_pool(struct se_check *c, const struct dr_block *b)
{
	const struct node *pool = dr_find(b, "connectionPool");

	if (pool && pool->kind == NODE_MAP && !dr_find(b, "connectionPool.tcp") &&
		!dr_find(b, "connectionPool.http"))
		se_say(c, SL_ERROR, "D8", P(c, "%s.connectionPool", b->path),
			"neither tcp nor http, expected at least one");
	if (strcmp(dr_text(b, "connectionPool.http.h2UpgradePolicy"), "UPGRADE") == 0 &&
		dr_is_true(b, "connectionPool.http.useClientProtocol"))
		se_say(c, SL_ERROR, "D10",
			P(c, "%s.connectionPool.http.useClientProtocol", b->path),
			"not together with h2UpgradePolicy UPGRADE");
}

static bool
is_count(const struct node *n)
{
	return n && n->kind == NODE_SCALAR && n->scalar == SCALAR_INT && n->text[0] != '-' &&
	       strcmp(n->text, "0") != 0;
}

static void
check_outlier(struct se_check *c, const struct dr_block *b)
{
	if (is_count(dr_find(b, "outlierDetection.consecutiveErrors")))
		se_say(c, SL_WARNING, "D6", P(c, "%s.outlierDetection.consecutiveErrors", b->path),
			"deprecated: write consecutiveGatewayErrors or consecutive5xxErrors");
	if (is_count(dr_find(b, "outlierDetection.consecutiveLocalOriginFailures")) &&
		!dr_is_true(b, "outlierDetection.splitExternalLocalOriginErrors"))
		se_say(c, SL_ERROR, "D7",
			P(c, "%s.outlierDetection.consecutiveLocalOriginFailures", b->path),
			"needs splitExternalLocalOriginErrors: true beside it");
}

void
dr_check_pool(struct se_check *c, const struct dr_block *b)
{
	check_pool(c, b);
	check_outlier(c, b);
}
