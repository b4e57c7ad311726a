// What a registry tells of its changes, against a plain model of it.
#include <stdio.h>

#include "sl_model.h"
#include "sl_str.h"
#include "sl_test.h"

#define NAMES 12

static struct sl_object *
object(unsigned name, enum sl_origin origin, unsigned content)
{
	struct sl_object *obj =
		sl_object_new(name % 2 ? SL_KIND_WORKLOAD_ENTRY : SL_KIND_SERVICE_ENTRY);

	obj->meta.namespace_ = sl_xstrdup("shop");
	obj->meta.name = sl_xasprintf("o%u", name);
	obj->origin = origin;
	obj->loc.file = sl_xstrdup("a.yaml");
	obj->json = sl_xasprintf("%u", content);
	obj->hash = sl_str_hash(obj->json, strlen(obj->json), 0);
	return obj;
}

static enum sl_change
del(struct sl_registry *r, unsigned name, enum sl_origin origin)
{
	char text[16];

	snprintf(text, sizeof(text), "o%u", name);
	return sl_registry_del(
		r, name % 2 ? SL_KIND_WORKLOAD_ENTRY : SL_KIND_SERVICE_ENTRY, "shop", text, origin);
}

// "o1:-5 o2:3-" says that o1 came with content 5 and o2 with content 3 is gone.
static void
note(void *ctx, const struct sl_registry_change *c)
{
	const struct sl_object *any = c->now ? c->now : c->old;

	sl_buf_printf(ctx, "%s%s:%s-%s", ((struct sl_buf *)ctx)->len ? " " : "", any->meta.name,
		c->old ? c->old->json : "", c->now ? c->now->json : "");
}

static int
expect(struct sl_registry *r, const char *want)
{
	struct sl_buf text = {0};

	sl_registry_changes(r, note, &text);
	SL_TEST_STR(text.data ? text.data : "", want);
	sl_buf_fini(&text);
	return TEST_SUCCESS;
}

#define EXPECT(r, want)                                                                            \
	do {                                                                                       \
		if (expect(r, want) != TEST_SUCCESS)                                               \
			return TEST_FAILED;                                                        \
	} while (0)

static int
told_once(void)
{
	struct sl_registry *r = sl_registry_new();

	sl_registry_put(r, object(1, SL_ORIGIN_FILE, 10));
	EXPECT(r, "o1:-10");
	EXPECT(r, "");
	sl_registry_put(r, object(1, SL_ORIGIN_FILE, 10));
	EXPECT(r, ""); // the same content, wherever it stands
	sl_registry_put(r, object(1, SL_ORIGIN_FILE, 11));
	sl_registry_put(r, object(1, SL_ORIGIN_FILE, 12));
	EXPECT(r, "o1:10-12");
	del(r, 1, SL_ORIGIN_FILE);
	SL_TEST_INT(sl_registry_count(r), 0);
	RTE_TEST_ASSERT(
		!sl_registry_find(r, SL_KIND_WORKLOAD_ENTRY, "shop", "o1"), "gone is found");
	EXPECT(r, "o1:12-");
	EXPECT(r, "");
	sl_registry_free(r);
	return TEST_SUCCESS;
}

static int
came_and_went(void)
{
	struct sl_registry *r = sl_registry_new();

	EXPECT(r, "");
	sl_registry_put(r, object(1, SL_ORIGIN_FILE, 10));
	del(r, 1, SL_ORIGIN_FILE);
	EXPECT(r, "");
	sl_registry_put(r, object(1, SL_ORIGIN_FILE, 10));
	EXPECT(r, "o1:-10");
	del(r, 1, SL_ORIGIN_FILE);
	sl_registry_put(r, object(1, SL_ORIGIN_FILE, 20));
	EXPECT(r, "o1:10-20");
	// Gone, and the registry ends before it was told.
	del(r, 1, SL_ORIGIN_FILE);
	sl_registry_free(r);
	return TEST_SUCCESS;
}

static int
shadows(void)
{
	struct sl_registry *r = sl_registry_new();

	sl_registry_put(r, object(1, SL_ORIGIN_FILE, 10));
	EXPECT(r, "o1:-10");
	sl_registry_put(r, object(1, SL_ORIGIN_SOCKET, 20));
	EXPECT(r, "o1:10-20");
	sl_registry_put(r, object(1, SL_ORIGIN_FILE, 11)); // in the shadow
	EXPECT(r, "");
	del(r, 1, SL_ORIGIN_SOCKET);
	EXPECT(r, "o1:20-11");
	sl_registry_put(r, object(1, SL_ORIGIN_SOCKET, 30));
	del(r, 1, SL_ORIGIN_SOCKET);
	EXPECT(r, "");
	sl_registry_put(r, object(1, SL_ORIGIN_SOCKET, 30));
	del(r, 1, SL_ORIGIN_FILE);
	EXPECT(r, "o1:11-30");
	sl_registry_free(r);
	return TEST_SUCCESS;
}

// ---- random ----

struct model {
	unsigned content[2][NAMES]; // by origin; 0: none
	unsigned told[NAMES];
	unsigned wrong;
};

static unsigned
in_force(const struct model *m, unsigned name)
{
	return m->content[SL_ORIGIN_SOCKET][name] ? m->content[SL_ORIGIN_SOCKET][name]
						  : m->content[SL_ORIGIN_FILE][name];
}

static unsigned
number(const struct sl_object *obj)
{
	return obj ? (unsigned)atoi(obj->json) : 0;
}

static void
take(void *ctx, const struct sl_registry_change *c)
{
	struct model *m = ctx;
	const unsigned name = (unsigned)atoi((c->now ? c->now : c->old)->meta.name + 1);

	m->wrong += m->told[name] != number(c->old) || c->old == c->now;
	m->told[name] = number(c->now);
}

static int
compare(struct sl_registry *r, struct model *m)
{
	unsigned n = 0;
	struct sl_object *obj;
	size_t it = 0;

	for (unsigned i = 0; i < NAMES; i++)
		n += in_force(m, i) != 0;
	SL_TEST_INT(sl_registry_count(r), n);
	while (sl_registry_next(r, &it, &obj))
		SL_TEST_INT(number(obj), in_force(m, (unsigned)atoi(obj->meta.name + 1)));
	SL_TEST_INT(it, n);
	return TEST_SUCCESS;
}

static int
random_changes(void)
{
	uint64_t rnd = sl_test_seed();
	struct sl_registry *r = sl_registry_new();
	struct model m = {0};

	sl_registry_changes(r, take, &m);
	for (unsigned i = 0; i < 20000; i++) {
		const uint64_t x = sl_test_rand(&rnd);
		const unsigned name = (unsigned)(x >> 8) % NAMES, origin = x >> 20 & 1;

		if (x % 16 < 8) {
			m.content[origin][name] = 1 + (x >> 30) % 3;
			sl_registry_put(r, object(name, origin, m.content[origin][name]));
		} else if (x % 16 < 14) {
			m.content[origin][name] = 0;
			del(r, name, origin);
		} else if (x % 16 == 14) {
			sl_registry_changes(r, take, &m);
			for (unsigned k = 0; k < NAMES; k++)
				SL_TEST_INT(m.told[k], in_force(&m, k));
		} else if (compare(r, &m) != TEST_SUCCESS) {
			return TEST_FAILED;
		}
	}
	SL_TEST_INT(m.wrong, 0);
	sl_registry_free(r);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"told_once", told_once},
		{"came_and_went", came_and_went},
		{"shadows", shadows},
		{"random_changes", random_changes},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
