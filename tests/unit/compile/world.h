// A control without workers, for the tests of compile: a registry, what is published, what waits
// for the grace period, and the table and the notes as text.
#pragma once

#include "objects.h"
#include "sl_compile.h"
#include "sl_test.h"

struct world {
	struct sl_registry *registry;
	struct sl_compile *compile;
	struct sl_fwd_services *published;
	struct sl_compile_result result;
	struct {
		void *object;
		void (*free_fn)(void *);
	} retired[64];
	unsigned n_retired;
	struct sl_fwd_services *old[64]; // tables of snapshots whose grace period is not over
	unsigned n_old;
};

static inline void
world_init(struct world *w, uint32_t max_endpoints)
{
	*w = (struct world){.registry = sl_registry_new(),
		.compile = sl_compile_new(
			&(struct sl_compile_cfg){.max_endpoints = max_endpoints, .max_adjs = 8})};
	w->published = sl_fwd_services_get(sl_compile_current(w->compile));
}

static inline void
grace(struct world *w)
{
	for (unsigned i = 0; i < w->n_retired; i++)
		w->retired[i].free_fn(w->retired[i].object);
	for (unsigned i = 0; i < w->n_old; i++)
		sl_fwd_services_put(w->old[i]);
	w->n_retired = w->n_old = 0;
}

// compile goes first: what workers still read has to outlive it.
static inline void
world_fini(struct world *w)
{
	sl_compile_free(w->compile);
	grace(w);
	sl_fwd_services_put(w->published);
	sl_registry_free(w->registry);
}

static inline void
retire(void *ctx, void *object, void (*free_fn)(void *))
{
	struct world *w = ctx;

	w->retired[w->n_retired].object = object;
	w->retired[w->n_retired++].free_fn = free_fn;
}

static inline int
compile(struct world *w)
{
	const int rc = sl_compile_services(w->compile, w->registry, retire, w, &w->result);

	if (sl_compile_current(w->compile) != w->published) {
		w->old[w->n_old++] = w->published;
		w->published = sl_fwd_services_get(sl_compile_current(w->compile));
	}
	return rc;
}

static inline void
put(struct world *w, const struct text_se *t)
{
	sl_registry_put(w->registry, object_of(t));
}

static inline void
del(struct world *w, const char *name)
{
	sl_registry_del(w->registry, SL_KIND_SERVICE_ENTRY, "ns", name, SL_ORIGIN_FILE);
}

// ---- the table as text: "VIP:PORT/PROTO{ADDRESS:PORT*WEIGHT#SLOT ...} ..." ----

static const uint16_t ports[] = {53, 80, 81, 443};

static inline void
dump_one(const struct sl_fwd_service *svc, struct sl_buf *out)
{
	char text[SL_IP_STRLEN];

	sl_buf_printf(out, "%s%s:%u/%s{", out->len ? " " : "", sl_ip4_str(svc->key.vip, text),
		sl_be16_to_cpu(svc->key.port), svc->key.proto == 6 ? "tcp" : "udp");
	for (uint32_t i = 0; i < sl_fwd_eps_count(sl_fwd_service_eps(svc)); i++) {
		const struct sl_fwd_ep *ep = sl_fwd_eps_at(sl_fwd_service_eps(svc), i);

		sl_buf_printf(out, "%s%s:%u*%u#%u", i ? " " : "", sl_ip4_str(ep->addr, text),
			sl_be16_to_cpu(ep->port), ep->weight, ep->slot);
	}
	sl_buf_puts(out, "}");
}

// In the order of the VIPs 192.0.2.1 to .9 and of `ports`.
static inline char *
dump(const struct sl_fwd_services *s)
{
	struct sl_buf out = {0};
	uint32_t found = 0;

	for (uint32_t v = 1; v < 10; v++) {
		for (size_t p = 0; p < 2 * SL_ARRAY_LEN(ports); p++) {
			const struct sl_fwd_key key = {.vip = sl_cpu_to_be32(0xc0000200 + v),
				.port = sl_cpu_to_be16(ports[p / 2]),
				.proto = p % 2 ? 17 : 6,
				.len = 32};
			const struct sl_fwd_service *svc = sl_fwd_services_find(s, &key, 0);

			if (svc)
				dump_one(svc, &out);
			found += svc != NULL;
		}
	}
	if (found != sl_fwd_services_count(s))
		sl_buf_printf(&out, " and %u more", sl_fwd_services_count(s) - found);
	return sl_buf_take(&out);
}

// "NAME:LINE: PATH: MESSAGE; ..." of all objects.
static inline char *
notes(struct world *w)
{
	struct sl_buf out = {0};
	struct sl_object *obj;

	for (size_t it = 0; sl_registry_next(w->registry, &it, &obj);)
		for (uint32_t i = 0; i < obj->n_notes; i++)
			sl_buf_printf(&out, "%s%s:%u: %s: %s%s", out.len ? "; " : "",
				obj->meta.name, obj->notes[i].line, obj->notes[i].path,
				obj->notes[i].message,
				obj->notes[i].computed ? "" : " (not computed)");
	return sl_buf_take(&out);
}
