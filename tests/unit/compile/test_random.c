// Many random changes, against what was changed and against a table built from nothing.
#include "world.h"

// Hundreds of keys come and go; each has to be found again, or it is added twice or never removed.
static int
many_keys_come_and_go(void)
{
	enum { N = 600 };
	static bool there[N];
	uint64_t rnd = sl_test_seed();
	struct world w;

	memset(there, 0, sizeof(there));
	world_init(&w, 4);
	for (unsigned round = 0; round < 200; round++) {
		bool before[N];
		uint32_t added = 0, removed = 0, count = 0;

		memcpy(before, there, sizeof(before));
		for (unsigned k = 0; k < 60; k++) {
			const unsigned i = sl_test_rand(&rnd) % N;
			char name[16], vip[32];

			snprintf(name, sizeof(name), "n%u", i);
			snprintf(vip, sizeof(vip), "198.18.%u.%u", i / 256, i % 256);
			if (there[i])
				del(&w, name);
			else
				put(&w, &(struct text_se){name, NULL, name, vip, "h/80/TCP", ""});
			there[i] = !there[i];
		}
		for (unsigned i = 0; i < N; i++) {
			added += there[i] && !before[i];
			removed += !there[i] && before[i];
			count += there[i];
		}
		SL_TEST_INT(compile(&w), 0);
		SL_TEST_INT(w.result.added, added);
		SL_TEST_INT(w.result.removed, removed);
		SL_TEST_INT(sl_fwd_services_count(w.published), count);
		for (unsigned i = 0; i < N; i++) {
			const struct sl_fwd_key key = {.vip = sl_cpu_to_be32(0xc6120000 + i),
				.port = htons(80),
				.proto = 6,
				.len = 32};

			RTE_TEST_ASSERT(there[i] == !!sl_fwd_services_find(w.published, &key, 0),
				"key %u is %s", i, there[i] ? "not there" : "still there");
		}
		grace(&w);
	}
	world_fini(&w);
	return TEST_SUCCESS;
}

#define OBJECTS 12

static void
random_se(uint64_t *rnd, unsigned i, char buf[4][160], struct text_se *t)
{
	int at = 0;

	snprintf(buf[0], 160, "o%u", i);
	snprintf(buf[1], 160, "192.0.2.%u 192.0.2.%u", 1 + (unsigned)(sl_test_rand(rnd) % 6),
		1 + (unsigned)(sl_test_rand(rnd) % 6));
	snprintf(buf[2], 160, sl_test_rand(rnd) % 2 ? "h/80/TCP" : "h/80/TCP s/443/TLS");
	buf[3][0] = '\0';
	for (unsigned n = sl_test_rand(rnd) % 5; n > 0; n--)
		at += snprintf(buf[3] + at, 160 - at, "198.51.100.%u*%u ",
			1 + (unsigned)(sl_test_rand(rnd) % 4),
			1 + (unsigned)(sl_test_rand(rnd) % 3));
	*t = (struct text_se){.name = buf[0],
		.hosts = buf[0],
		.addresses = buf[1],
		.ports = buf[2],
		.endpoints = buf[3]};
}

// A slot names one endpoint at a time, over all that workers may still read: what is behind it is
// checked each time it is seen.
struct owner {
	char text[96];
	bool taken;
};

static int
check_owners(const struct world *w, struct owner *owner, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct sl_compile_slot s;
		char text[sizeof(owner->text)];

		if (!sl_compile_slot(w->compile, i, &s))
			continue;
		snprintf(text, sizeof(text), "%s %s %u %x %x", s.namespace_, s.host, s.port, s.addr,
			s.addr_port);
		RTE_TEST_ASSERT(!owner[i].taken || strcmp(owner[i].text, text) == 0,
			"slot %u was given from %s to %s", i, owner[i].text, text);
		strcpy(owner[i].text, text);
		owner[i].taken = true;
	}
	return TEST_SUCCESS;
}

static bool
forget_owner(void *ctx, uint32_t slot)
{
	struct owner *owner = ctx;

	owner[slot].taken = false; // asked last: from here on it may be another's
	return false;
}

static int
random_changes_match_a_fresh_build(void)
{
	struct text_se se[OBJECTS];
	static char buf[OBJECTS][4][160];
	static struct owner owner[256];
	uint64_t rnd = sl_test_seed();
	struct world w;

	memset(owner, 0, sizeof(owner));
	world_init(&w, SL_ARRAY_LEN(owner));
	for (unsigned round = 0; round < 3000; round++) {
		const unsigned i = sl_test_rand(&rnd) % OBJECTS;
		struct world fresh;
		char *got, *want, *got_notes, *want_notes;

		if (sl_test_rand(&rnd) % 4 == 0) {
			snprintf(buf[i][0], 160, "o%u", i);
			del(&w, buf[i][0]);
			se[i].name = NULL;
		} else {
			random_se(&rnd, i, buf[i], &se[i]);
			put(&w, &se[i]);
		}
		if (sl_test_rand(&rnd) % 3 == 0)
			continue; // several changes at once
		if (w.n_retired > 40 || w.n_old > 40)
			grace(&w);
		SL_TEST_INT(compile(&w), 0);
		if (sl_test_rand(&rnd) % 5 == 0)
			grace(&w);

		world_init(&fresh, SL_ARRAY_LEN(owner));
		struct sl_object *obj;
		for (size_t it = 0; sl_registry_next(w.registry, &it, &obj);)
			put(&fresh, &se[atoi(obj->meta.name + 1)]);
		SL_TEST_INT(compile(&fresh), 0);
		got = dump_with(w.published, false);
		want = dump_with(fresh.published, false);
		SL_TEST_STR(got, want);
		got_notes = notes(&w);
		want_notes = notes(&fresh);
		SL_TEST_STR(got_notes, want_notes);
		SL_TEST_INT(w.result.endpoints, fresh.result.endpoints);
		SL_TEST_INT(w.result.services, fresh.result.services);
		free(got);
		free(want);
		free(got_notes);
		free(want_notes);
		world_fini(&fresh);

		if (check_owners(&w, owner, SL_ARRAY_LEN(owner)) != TEST_SUCCESS)
			return TEST_FAILED;
		sl_compile_reclaim_slots(w.compile, forget_owner, owner, sl_test_rand(&rnd) % 8);
	}
	// Everything goes: nothing is left behind.
	for (unsigned i = 0; i < OBJECTS; i++) {
		snprintf(buf[i][0], 160, "o%u", i);
		del(&w, buf[i][0]);
	}
	SL_TEST_INT(compile(&w), 0);
	grace(&w);
	sl_compile_reclaim_slots(w.compile, forget_owner, owner, 256);
	SL_TEST_INT(sl_compile_slots_used(w.compile), 0);
	SL_TEST_INT(w.result.endpoints, 0);
	world_fini(&w);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"many keys come and go", many_keys_come_and_go},
	{"random changes match a fresh build", random_changes_match_a_fresh_build},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
