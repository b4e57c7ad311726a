#include "sl_fill.h"

#define MEMORY_S    30.0 // a sample counts e times less after that
#define WEIGHT_MIN  0.25 // reached after some ten seconds
#define HORIZON_S   3600
#define WARN_S      300
#define WARN_OFF_S  600
#define WARN_AT     80 // percent
#define WARN_OFF_AT 70
#define WARN_S_AT   50 // below that growth is no news: it may be the start

static void
add_slope(struct sl_fill *f, double seconds, double slope)
{
	const double alpha = seconds / (seconds + MEMORY_S);

	f->slope = (1 - alpha) * f->slope + alpha * slope;
	f->weight = (1 - alpha) * f->weight + alpha;
}

static bool
is_at(const struct sl_fill *f, unsigned percent)
{
	return (uint64_t)f->used * 100 >= (uint64_t)f->size * percent;
}

static bool
is_bad(const struct sl_fill *f)
{
	return is_at(f, WARN_AT) || (is_at(f, WARN_S_AT) && sl_fill_seconds_left(f) < WARN_S);
}

static bool
is_good(const struct sl_fill *f)
{
	return !is_at(f, WARN_OFF_AT) && sl_fill_seconds_left(f) > WARN_OFF_S;
}

enum sl_fill_news
sl_fill_sample(struct sl_fill *f, uint64_t now_ns, uint32_t used, uint32_t size)
{
	if (f->last_ns && now_ns > f->last_ns) {
		const double seconds = (double)(now_ns - f->last_ns) / 1e9;

		add_slope(f, seconds, ((double)used - f->used) / seconds);
	}
	f->last_ns = now_ns;
	f->used = used;
	f->size = size;
	if (f->warned ? !is_good(f) : !is_bad(f))
		return SL_FILL_NOTHING;
	f->warned = !f->warned;
	return f->warned ? SL_FILL_RAISED : SL_FILL_CLEARED;
}

uint64_t
sl_fill_seconds_left(const struct sl_fill *f)
{
	if (f->last_ns && f->used >= f->size)
		return 0;
	if (f->weight < WEIGHT_MIN || f->slope <= 0)
		return SL_FILL_FAR;
	const double seconds = (double)(f->size - f->used) / (f->slope / f->weight);

	return seconds <= HORIZON_S ? (uint64_t)seconds : SL_FILL_FAR;
}
