#include "priority.h"

static uint32_t
min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t
health(const struct priority *p)
{
	return p->total == 0 ? 0 : min(100, OVERPROVISION * p->healthy / p->total);
}

static uint32_t
total_health(const struct priority *p, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += health(&p[i]);
	return min(100, sum);
}

// What rounding left over goes to the first priority that has any health.
static void
by_health(struct priority *p, uint32_t n, uint32_t total)
{
	uint32_t left = 100;

	for (uint32_t i = 0; i < n; i++) {
		p[i].load = min(left, health(&p[i]) * 100 / total);
		left -= p[i].load;
	}
	for (uint32_t i = 0; i < n && left > 0; i++) {
		if (health(&p[i]) == 0)
			continue;
		p[i].load += left;
		left = 0;
	}
}

// All are in panic: by their number of endpoints.
static void
by_size(struct priority *p, uint32_t n)
{
	uint32_t left = 100;
	uint64_t total = 0;

	for (uint32_t i = 0; i < n; i++)
		total += p[i].total;
	for (uint32_t i = 0; i < n && total > 0; i++) {
		p[i].load = 100ull * p[i].total / total;
		left -= p[i].load;
	}
	for (uint32_t i = 0; i < n && left > 0; i++) {
		if (p[i].total == 0)
			continue;
		p[i].load += left;
		left = 0;
	}
}

// None has a percent of health: the first that has something to pick from takes all.
static void
all_sick(struct priority *p, uint32_t n, bool panic)
{
	for (uint32_t i = 0; i < n; i++) {
		if ((panic ? p[i].total : p[i].healthy) == 0)
			continue;
		p[i].load = 100;
		p[i].panic = panic;
		return;
	}
}

static bool
too_sick(const struct priority *p, uint32_t min_health_percent)
{
	return (uint64_t)p->healthy * 100 < (uint64_t)min_health_percent * p->total ||
	       (p->total == 0 && min_health_percent > 0);
}

void
priority_loads(struct priority *p, uint32_t n, uint32_t min_health_percent)
{
	const uint32_t total = total_health(p, n);
	bool all = true;

	for (uint32_t i = 0; i < n; i++)
		p[i].load = p[i].panic = 0;
	if (total == 0) {
		all_sick(p, n, min_health_percent > 0);
		return;
	}
	by_health(p, n, total);
	for (uint32_t i = 0; i < n; i++) {
		p[i].panic = total < 100 && too_sick(&p[i], min_health_percent);
		all &= p[i].panic;
	}
	if (all)
		by_size(p, n);
}
