#include "warm.h"

#include <math.h>

double
warm_factor(const struct sl_fwd_eps *eps, uint32_t i, uint64_t now_ns)
{
	const struct sl_fwd_eps_spec *spec = &eps->rest->spec;
	const uint64_t since = eps->rest->since[i];
	const uint64_t age = now_ns > since ? now_ns - since : 0;
	double factor;

	if (age >= spec->warmup_ns)
		return 1;
	factor = pow((double)age / spec->warmup_ns, 1 / spec->warmup_aggression);
	return fmax(factor, spec->warmup_min_percent / 100.0);
}
