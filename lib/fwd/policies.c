#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sl_fwd.h"

#define POLICIES_MAX 65536

struct sl_fwd_policies {
	uint32_t refs; // control only
	uint32_t n;
	struct sl_flow_policy v[];
};

struct sl_fwd_policies *
sl_fwd_policies_new(const struct sl_flow_policy *v, uint32_t n)
{
	struct sl_fwd_policies *p;

	if (n == 0 || n > POLICIES_MAX) {
		errno = EINVAL;
		return NULL;
	}
	p = malloc(sizeof(*p) + n * sizeof(*v));
	if (!p)
		return NULL;
	p->refs = 1;
	p->n = n;
	memcpy(p->v, v, n * sizeof(*v));
	return p;
}

struct sl_fwd_policies *
sl_fwd_policies_get(struct sl_fwd_policies *p)
{
	p->refs++;
	return p;
}

void
sl_fwd_policies_put(struct sl_fwd_policies *p)
{
	if (p && --p->refs == 0)
		free(p);
}

const struct sl_flow_policy *
sl_fwd_policies_all(const struct sl_fwd_policies *p, uint32_t *n)
{
	*n = p->n;
	return p->v;
}
