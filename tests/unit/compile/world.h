// A control without workers, for the tests of compile: a registry and its mesh, what is published,
// what waits for the grace period, and the table and the notes as text.
// lint: length: the world that three tests share, whose functions are all inline
#pragma once

#include "objects.h"
#include "sl_compile.h"
#include "sl_conf.h"
#include "sl_test.h"

struct world {
	struct sl_registry *registry;
	struct sl_mesh *mesh;
	struct sl_compile *compile;
	uint64_t now_ns;
	struct sl_fwd_services *published;
	struct sl_compile_result result;
	struct {
		void *object;
		void (*free_fn)(void *);
	} retired[512];
	unsigned n_retired;
	struct sl_fwd_services *old[64]; // tables of snapshots whose grace period is not over
	unsigned n_old;
};

static inline void
world_init_workers(struct world *w, uint32_t max_endpoints, uint32_t n_workers)
{
	*w = (struct world){.registry = sl_registry_new()};
	w->mesh = sl_mesh_new(w->registry);
	w->compile = sl_compile_new(&(struct sl_compile_cfg){.max_endpoints = max_endpoints,
		.max_adjs = 8,
		.n_workers = n_workers,
		.registry = w->registry});
	w->published = sl_fwd_services_get(sl_compile_current(w->compile));
}

static inline void
world_init(struct world *w, uint32_t max_endpoints)
{
	world_init_workers(w, max_endpoints, 1);
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
	sl_mesh_free(w->mesh);
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
	const int rc = sl_compile_services(w->compile, w->mesh, w->now_ns, retire, w, &w->result);

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

// Objects as YAML, of any kind. False: not all of it is valid.
static inline bool
put_yaml(struct world *w, const char *yaml)
{
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};
	const bool fine = sl_conf_objects(yaml, strlen(yaml), "t.yaml", SL_ORIGIN_FILE, &objects,
				  &diags) == 0;

	for (size_t i = 0; i < diags.n; i++)
		if (diags.v[i].severity == SL_ERROR)
			printf("# %s: %s\n", diags.v[i].path ? diags.v[i].path : "",
				diags.v[i].message);
	for (size_t i = 0; i < objects.n; i++) {
		sl_registry_put(w->registry, objects.v[i]);
		objects.v[i] = NULL;
	}
	sl_objects_fini(&objects);
	sl_diags_fini(&diags);
	return fine;
}

// ---- the table as text: "DST:PORT/PROTO[CLIENTS]{ADDRESS:PORT*WEIGHT#SLOT ...} ..." ----
//
// CLIENTS is left out where it is group 0 alone. An endpoint that is down has a "!"; "|" is between
// the parts of a split.

static inline void
dump_eps(const struct sl_fwd_eps *eps, bool slots, struct sl_buf *out)
{
	char text[SL_IP_STRLEN];

	for (uint32_t i = 0; i < sl_fwd_eps_count(eps); i++) {
		const struct sl_fwd_ep *ep = sl_fwd_eps_at(eps, i);

		sl_buf_printf(out, "%s%s:%u*%u%s", i ? " " : "", sl_ip4_str(ep->addr, text),
			sl_be16_to_cpu(ep->port), ep->weight, ep->down ? "!" : "");
		if (slots)
			sl_buf_printf(out, "#%u", ep->slot);
	}
}

static inline void
dump_one(const struct sl_fwd_service *svc, bool slots, struct sl_buf *out)
{
	const struct sl_fwd_eps *eps = sl_fwd_service_eps(svc);
	char text[SL_IP_STRLEN];

	sl_buf_printf(out, "%s%s", out->len ? " " : "", sl_ip4_str(svc->key.vip, text));
	if (svc->key.len < 32)
		sl_buf_printf(out, "/%u", svc->key.len);
	sl_buf_printf(
		out, ":%u/%s", sl_be16_to_cpu(svc->key.port), svc->key.proto == 6 ? "tcp" : "udp");
	if (svc->clients != 1)
		sl_buf_printf(out, "[%llx]", (unsigned long long)svc->clients);
	sl_buf_puts(out, "{");
	for (uint32_t i = 0; i < sl_fwd_eps_parts(eps); i++) {
		sl_buf_puts(out, i ? "|" : "");
		dump_eps(sl_fwd_eps_part(eps, i), slots, out);
	}
	if (sl_fwd_eps_parts(eps) == 0)
		dump_eps(eps, slots, out);
	sl_buf_puts(out, "}");
}

// The variants of a key, by their first client group. Returns how many.
static inline uint32_t
dump_key(const struct sl_fwd_services *s, const struct sl_fwd_key *key, bool slots,
	struct sl_buf *out)
{
	uint64_t seen = 0;
	uint32_t n = 0;

	for (unsigned g = 0; g < SL_FWD_CLIENTS_MAX; g++) {
		const struct sl_fwd_service *svc = sl_fwd_services_find(s, key, g);

		if (!svc || seen >> g & 1)
			continue;
		seen |= svc->clients;
		dump_one(svc, slots, out);
		n++;
	}
	return n;
}

// In this order, each with the ports 53, 80, 81 and 443, TCP first. All that tests use.
static const struct {
	uint32_t dst;
	uint8_t len;
} dsts[] = {{0xc0000201, 32}, {0xc0000202, 32}, {0xc0000203, 32}, {0xc0000204, 32},
	{0xc0000205, 32}, {0xc0000206, 32}, {0xc0000207, 32}, {0xc0000208, 32}, {0xc0000209, 32},
	{0xc0000200, 25}, {0xc0000200, 24}, {0, 0}};
static const uint16_t ports[] = {53, 80, 81, 443};

static inline char *
dump_with(const struct sl_fwd_services *s, bool slots)
{
	struct sl_buf out = {0};
	uint32_t found = 0;

	for (size_t d = 0; d < SL_ARRAY_LEN(dsts); d++) {
		for (size_t p = 0; p < 2 * SL_ARRAY_LEN(ports); p++) {
			const struct sl_fwd_key key = {.vip = sl_cpu_to_be32(dsts[d].dst),
				.port = sl_cpu_to_be16(ports[p / 2]),
				.proto = p % 2 ? 17 : 6,
				.len = dsts[d].len};

			found += dump_key(s, &key, slots, &out);
		}
	}
	if (found != sl_fwd_services_count(s))
		sl_buf_printf(&out, " and %u more", sl_fwd_services_count(s) - found);
	return sl_buf_take(&out);
}

static inline char *
dump(const struct sl_fwd_services *s)
{
	return dump_with(s, true);
}

// "NAME:LINE: PATH: MESSAGE; ..." of all objects.
static inline char *
notes_of(struct world *w, bool computed_only)
{
	struct sl_buf out = {0};
	struct sl_object *obj;

	for (size_t it = 0; sl_registry_next(w->registry, &it, &obj);) {
		for (uint32_t i = 0; i < obj->n_notes; i++) {
			if (computed_only && !obj->notes[i].computed)
				continue;
			sl_buf_printf(&out, "%s%s:%u: %s: %s%s", out.len ? "; " : "",
				obj->meta.name, obj->notes[i].line, obj->notes[i].path,
				obj->notes[i].message,
				obj->notes[i].computed ? "" : " (not computed)");
		}
	}
	return sl_buf_take(&out);
}

static inline char *
notes(struct world *w)
{
	return notes_of(w, false);
}
