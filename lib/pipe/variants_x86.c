// The express way on x86-64: by the levels of the psABI.

#include "express.h"

#include <string.h>

static bool
machine_has(const struct pipe_variant *v)
{
	if (v->express == pipe_express_v2)
		return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
	if (v->express == pipe_express_v3)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
		       __builtin_cpu_supports("fma");
	if (v->express == pipe_express_v4)
		return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
		       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2");
	return true;
}

const struct pipe_variant *
pipe_variant(const char *name)
{
	static const struct pipe_variant variants[] = {
		{"x86-64-v4", pipe_express_v4},
		{"x86-64-v3", pipe_express_v3},
		{"x86-64-v2", pipe_express_v2},
		{"scalar", pipe_express_scalar},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(variants); i++)
		if ((!name || strcmp(name, variants[i].name) == 0) && machine_has(&variants[i]))
			return &variants[i];
	return NULL;
}
