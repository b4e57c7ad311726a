#include "slots.h"

#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

// ---- names ----

static const char *
pack(char **at, const char *s)
{
	const size_t size = strlen(s) + 1;
	char *start = *at;

	memcpy(start, s, size);
	*at += size;
	return start;
}

struct origin *
origin_new(const struct sl_service *svc, const struct sl_se_port *port)
{
	const struct sl_meta *meta = &svc->obj->meta;
	const size_t size = strlen(meta->namespace_) + strlen(meta->name) + strlen(svc->host) +
			    strlen(port->name) + 4;
	struct origin *o = sl_xcalloc(1, sizeof(*o) + size);
	char *at = o->text;

	o->refs = 1;
	o->port = port->number;
	o->namespace_ = pack(&at, meta->namespace_);
	o->service = pack(&at, meta->name);
	o->host = pack(&at, svc->host);
	o->port_name = pack(&at, port->name);
	return o;
}

struct origin *
origin_get(struct origin *o)
{
	o->refs++;
	return o;
}

void
origin_put(struct origin *o)
{
	if (o && --o->refs == 0)
		free(o);
}

bool
origin_is(const struct origin *o, const struct sl_service *svc, const struct sl_se_port *port)
{
	return o && o->port == port->number && strcmp(o->service, svc->obj->meta.name) == 0 &&
	       strcmp(o->namespace_, svc->obj->meta.namespace_) == 0 &&
	       strcmp(o->host, svc->host) == 0 && strcmp(o->port_name, port->name) == 0;
}

// ---- slots ----

struct slots *
slots_new(uint32_t max)
{
	struct slots *s = sl_xcalloc(1, sizeof(*s));

	*s = (struct slots){.v = sl_xcalloc(max, sizeof(*s->v)),
		.max = max,
		.free = SLOT_NONE,
		.oldest = SLOT_NONE,
		.newest = SLOT_NONE,
		.refs = 1};
	return s;
}

void
slots_put(struct slots *s)
{
	if (!s || --s->refs > 0)
		return;
	for (uint32_t i = 0; i < s->top; i++)
		origin_put(s->v[i].origin);
	free(s->v);
	free(s);
}

uint32_t
slot_alloc(struct slots *s)
{
	uint32_t i = s->free;

	if (i != SLOT_NONE)
		s->free = s->v[i].next;
	else if (s->top < s->max)
		i = s->top++;
	else
		return SLOT_NONE;
	s->v[i] = (struct slot){.state = SLOT_NEW};
	s->used++;
	return i;
}

// Takes a retired slot out of the retired ones.
static void
unqueue(struct slots *s, uint32_t i)
{
	const struct slot *slot = &s->v[i];

	*(slot->older == SLOT_NONE ? &s->oldest : &s->v[slot->older].newer) = slot->newer;
	*(slot->newer == SLOT_NONE ? &s->newest : &s->v[slot->newer].older) = slot->older;
}

static void
enqueue(struct slots *s, uint32_t i)
{
	s->v[i].older = s->newest;
	s->v[i].newer = SLOT_NONE;
	*(s->newest == SLOT_NONE ? &s->oldest : &s->v[s->newest].newer) = i;
	s->newest = i;
}

void
slot_free(struct slots *s, uint32_t i)
{
	if (s->v[i].state == SLOT_RETIRED)
		unqueue(s, i);
	origin_put(s->v[i].origin);
	s->v[i] = (struct slot){.state = SLOT_FREE, .next = s->free};
	s->free = i;
	s->used--;
}

void
slot_live(struct slots *s, uint32_t i)
{
	if (s->v[i].state == SLOT_RETIRED)
		unqueue(s, i);
	s->v[i].state = SLOT_LIVE;
}

void
slot_retire(struct slots *s, uint32_t i)
{
	s->v[i].state = SLOT_RETIRED;
	enqueue(s, i);
}

void
slot_requeue(struct slots *s, uint32_t i)
{
	unqueue(s, i);
	enqueue(s, i);
}

void
slot_set_origin(struct slots *s, uint32_t i, struct origin *o)
{
	if (s->v[i].origin == o)
		return;
	origin_put(s->v[i].origin);
	s->v[i].origin = origin_get(o);
}

static void
release(void *ctx, const struct sl_fwd_eps *eps)
{
	struct slots *s = ctx;

	for (uint32_t i = 0; i < sl_fwd_eps_count(eps); i++)
		s->v[sl_fwd_eps_at(eps, i)->slot].sets--;
	slots_put(s);
}

void
slots_hold(struct slots *s, struct sl_fwd_eps *eps)
{
	for (uint32_t i = 0; i < sl_fwd_eps_count(eps); i++)
		s->v[sl_fwd_eps_at(eps, i)->slot].sets++;
	s->refs++;
	sl_fwd_eps_on_free(eps, release, s);
}
