// How priorities share new flows, after Envoy: see struct sl_fwd_eps_spec.
#pragma once

#include "sl_types.h"

#define OVERPROVISION 140 // percent

struct priority {
	uint32_t total; // endpoints
	uint32_t healthy;
	uint32_t load; // out: percent of new flows; all together 100, or 0 when all are down
	bool panic;    // out: all endpoints are used
};

void priority_loads(struct priority *p, uint32_t n, uint32_t min_health_percent);
