// Sequences of registry changes: after each step the whole table is compared as text, endpoint by
// endpoint with weight and slot, and what the step says it did, and the notes.
#include <errno.h>

#include "world.h"

// ---- steps ----

// What a step does; PUT and DEL compile afterwards.
enum op {
	END,
	PUT,
	DEL,
	COMPILE,
	STAGE_PUT, // no compile yet
	STAGE_DEL,
	GRACE,   // the workers have moved on
	RECLAIM, // busy: the slots that workers count flows on
	RETRY,   // those that did not fit; compiles, or returns 1: there is no room for any
};

struct step {
	enum op op;
	struct text_se se;
	uint64_t busy;      // bits by slot
	const char *result; // "+ADDED -REMOVED ~SWAPPED", "new" when the table is, "N unfit";
			    // NULL: not looked at
	const char *table;  // NULL: as after the step before
	const char *notes;  // NULL: none
	uint32_t slots;     // in use; 0: not looked at
	unsigned retired;   // objects waiting for the grace period; looked at after a compile
	int rc;
};

static bool
is_busy(void *ctx, uint32_t slot)
{
	return *(const uint64_t *)ctx >> slot & 1;
}

static int
run_step(struct world *w, const struct step *s)
{
	uint64_t busy = s->busy;

	switch (s->op) {
	case PUT:
	case STAGE_PUT:
		put(w, &s->se);
		break;
	case DEL:
	case STAGE_DEL:
		del(w, s->se.name);
		break;
	case GRACE:
		grace(w);
		break;
	case RECLAIM:
		sl_compile_reclaim_slots(w->compile, is_busy, &busy, 64);
		break;
	case RETRY:
		return sl_compile_retry(w->compile) ? compile(w) : 1;
	default:
		break;
	}
	if (s->op == PUT || s->op == DEL || s->op == COMPILE)
		return compile(w);
	return 0;
}

static char *
result_text(const struct world *w)
{
	const struct sl_compile_result *r = &w->result;

	char *unfit = r->unfit ? sl_xasprintf(" %u unfit", r->unfit) : NULL;
	char *text = sl_xasprintf("+%u -%u ~%u%s%s", r->added, r->removed, r->swapped,
		r->table_changed ? " new" : "", unfit ? unfit : "");

	free(unfit);
	return text;
}

// What a listing would say of every endpoint in the table has to agree with the table.
static int
check_slots(struct world *w)
{
	uint32_t endpoints = 0;

	for (uint32_t slot = 0; slot < 64; slot++) {
		struct sl_compile_slot info;

		if (!sl_compile_slot(w->compile, slot, &info))
			continue;
		RTE_TEST_ASSERT(info.namespace_ && info.host && info.port_name,
			"slot %u has no names", slot);
		endpoints += info.live;
	}
	SL_TEST_INT(endpoints, w->result.endpoints);
	SL_TEST_INT(w->result.services, sl_fwd_services_count(w->published));
	RTE_TEST_ASSERT(!sl_compile_slot(w->compile, UINT32_MAX, &(struct sl_compile_slot){0}),
		"slot 2^32-1 exists");
	return TEST_SUCCESS;
}

static int
check_step(struct world *w, const struct step *s, const char *table)
{
	char *got_table = dump(w->published), *got_notes = notes(w), *got_result = result_text(w);

	SL_TEST_STR(got_table, table);
	SL_TEST_STR(got_notes, s->notes ? s->notes : "");
	if (s->result)
		SL_TEST_STR(got_result, s->result);
	if (s->slots)
		SL_TEST_INT(sl_compile_slots_used(w->compile), s->slots);
	if (s->result)
		SL_TEST_INT(w->n_retired, s->retired);
	free(got_table);
	free(got_notes);
	free(got_result);
	return check_slots(w);
}

static int
run_steps(const struct step *steps, uint32_t max_endpoints)
{
	const char *table = "";
	struct world w;

	world_init(&w, max_endpoints);
	for (unsigned i = 0; steps[i].op != END; i++) {
		const int rc = run_step(&w, &steps[i]);

		RTE_TEST_ASSERT(rc == steps[i].rc, "step %u returned %d", i + 1, rc);
		table = steps[i].table ? steps[i].table : table;
		RTE_TEST_ASSERT(
			check_step(&w, &steps[i], table) == TEST_SUCCESS, "in step %u", i + 1);
	}
	world_fini(&w);
	return TEST_SUCCESS;
}

// ---- the tables ----

#define SE(op_, ...) .op = op_, .se = {__VA_ARGS__}

#define A1 "192.0.2.1:80/tcp{198.51.100.1:80*1#0}"
#define B2 "192.0.2.2:80/tcp{198.51.100.2:80*1#1}"

static const struct step add_change_remove[] = {
	{.op = COMPILE, .result = "+0 -0 ~0"},
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP", "198.51.100.1"),
		.result = "+1 -0 ~0 new", .table = A1, .slots = 1},
	{.op = COMPILE, .result = "+0 -0 ~0", .table = A1},
	{SE(PUT, "b", NULL, "b.example", "192.0.2.2", "http/80/HTTP", "198.51.100.2"),
		.result = "+1 -0 ~0 new", .table = A1 " " B2, .slots = 2},
	// the endpoints of a: one more, in place
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP",
		 "198.51.100.1 198.51.100.3*5"),
		.result = "+0 -0 ~1", .retired = 1,
		.table = "192.0.2.1:80/tcp{198.51.100.1:80*1#0 198.51.100.3:80*5#2} " B2},
	// only the weight: same slots
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP",
		 "198.51.100.1*9 198.51.100.3*5"),
		.result = "+0 -0 ~1", .retired = 2, .slots = 3,
		.table = "192.0.2.1:80/tcp{198.51.100.1:80*9#0 198.51.100.3:80*5#2} " B2},
	// only the order: nothing
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP",
		 "198.51.100.3*5 198.51.100.1*9"),
		.result = "+0 -0 ~0", .retired = 2, .slots = 3},
	// only the port's name: nothing that workers see
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "web/80/HTTP",
		 "198.51.100.3*5 198.51.100.1*9"),
		.result = "+0 -0 ~0", .retired = 2, .slots = 3},
	{.op = DEL,
		.se = {.name = "b"},
		.result = "+0 -1 ~0 new",
		.retired = 2,
		.slots = 3,
		.table = "192.0.2.1:80/tcp{198.51.100.1:80*9#0 198.51.100.3:80*5#2}"},
	// a key goes, another comes, a set changes: one new table brings all, nothing is swapped in
	// place
	{SE(STAGE_PUT, "a", NULL, "a.example", "192.0.2.1", "web/80/HTTP", "198.51.100.3*5")},
	{SE(PUT, "b", NULL, "b.example", "192.0.2.3", "http/80/HTTP", ""), .result = "+1 -0 ~1 new",
		.retired = 2, .slots = 3,
		.table = "192.0.2.1:80/tcp{198.51.100.3:80*5#2} 192.0.2.3:80/tcp{}"},
	{.op = STAGE_DEL, .se = {.name = "a"}},
	{.op = DEL,
		.se = {.name = "b"},
		.result = "+0 -2 ~0 new",
		.retired = 2,
		.slots = 3,
		.table = ""},
	{.op = GRACE},
	{.op = RECLAIM},
	{.op = COMPILE, .result = "+0 -0 ~0"},
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP", "198.51.100.1"),
		.result = "+1 -0 ~0 new", .slots = 1,
		.table = "192.0.2.1:80/tcp{198.51.100.1:80*1#2}"},
	// as many keys come as go
	{.op = STAGE_DEL, .se = {.name = "a"}},
	{SE(PUT, "c", NULL, "c.example", "192.0.2.4", "http/80/HTTP", "198.51.100.1"),
		.result = "+1 -1 ~0 new", .slots = 2,
		.table = "192.0.2.4:80/tcp{198.51.100.1:80*1#0}"},
	{.op = END},
};

static const struct step ports_and_protocols[] = {
	// endpoint ports by name, targetPort, number; UDP and TCP; two VIPs
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1 192.0.2.2",
		 "dns/53/UDP http/80/HTTP/8080 tls/443/TLS odd/81/SCTP",
		 "198.51.100.1@http=90 198.51.100.2*0"),
		.result = "+6 -0 ~0 new", .slots = 6, // the VIPs of a service port share them
		.table = "192.0.2.1:53/udp{198.51.100.1:53*1#4 198.51.100.2:53*1#5} "
			 "192.0.2.1:80/tcp{198.51.100.1:90*1#0 198.51.100.2:8080*1#1} "
			 "192.0.2.1:443/tcp{198.51.100.1:443*1#2 198.51.100.2:443*1#3} "
			 "192.0.2.2:53/udp{198.51.100.1:53*1#4 198.51.100.2:53*1#5} "
			 "192.0.2.2:80/tcp{198.51.100.1:90*1#0 198.51.100.2:8080*1#1} "
			 "192.0.2.2:443/tcp{198.51.100.1:443*1#2 198.51.100.2:443*1#3}"},
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "dns/53/UDP web/81/TCP", "198.51.100.1"),
		.result = "+1 -5 ~1 new", .slots = 7,
		.table = "192.0.2.1:53/udp{198.51.100.1:53*1#4} "
			 "192.0.2.1:81/tcp{198.51.100.1:81*1#6}"},
	// the same number on the other transport, of another service, is another key
	{SE(PUT, "b", NULL, "b.example", "192.0.2.1", "dns/53/TCP", "198.51.100.1"),
		.result = "+1 -0 ~0 new", .slots = 8,
		.table = "192.0.2.1:53/tcp{198.51.100.1:53*1#7} "
			 "192.0.2.1:53/udp{198.51.100.1:53*1#4} "
			 "192.0.2.1:81/tcp{198.51.100.1:81*1#6}"},
	{.op = END},
};

static const struct step what_is_not_served_is_left_out[] = {
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1 2001:db8::1", "http/80/HTTP odd/81/SCTP",
		 "198.51.100.1 2001:db8::9 unix:///run/x names.example 198.51.100.2"),
		.result = "+1 -0 ~0 new",
		.table = "192.0.2.1:80/tcp{198.51.100.1:80*1#0 198.51.100.2:80*1#1}"},
	{SE(PUT, "v6", NULL, "v6.example", "2001:db8::1", "http/80/HTTP", "198.51.100.1"),
		.result = "+0 -0 ~0"},
	// served, but nobody behind it
	{SE(PUT, "empty", NULL, "empty.example", "192.0.2.9", "http/80/HTTP", ""),
		.result = "+1 -0 ~0 new",
		.table = "192.0.2.1:80/tcp{198.51.100.1:80*1#0 198.51.100.2:80*1#1} "
			 "192.0.2.9:80/tcp{}"},
	{.op = END},
};

static const struct step slots_are_stable[] = {
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP", "198.51.100.1 198.51.100.2"),
		.table = "192.0.2.1:80/tcp{198.51.100.1:80*1#0 198.51.100.2:80*1#1}", .slots = 2},
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP", "198.51.100.2"),
		.table = "192.0.2.1:80/tcp{198.51.100.2:80*1#1}", .slots = 2},
	// no flow, but workers may still read the old set
	{.op = RECLAIM, .slots = 2},
	{.op = GRACE, .slots = 2},
	// flows
	{.op = RECLAIM, .busy = 1, .slots = 2},
	// back while retired: the same slot
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP", "198.51.100.2 198.51.100.1"),
		.table = "192.0.2.1:80/tcp{198.51.100.1:80*1#0 198.51.100.2:80*1#1}", .slots = 2},
	{.op = GRACE},
	{.op = RECLAIM, .slots = 2}, // live ones are never given away
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP", "198.51.100.2"),
		.table = "192.0.2.1:80/tcp{198.51.100.2:80*1#1}"},
	{.op = GRACE},
	{.op = RECLAIM, .slots = 1},
	// gone for good: its number is given to the next
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP", "198.51.100.2 198.51.100.7"),
		.table = "192.0.2.1:80/tcp{198.51.100.2:80*1#1 198.51.100.7:80*1#0}", .slots = 2},
	// the whole service goes and comes back while flows hold its slots
	{.op = DEL, .se = {.name = "a"}, .table = "", .slots = 2},
	{.op = GRACE},
	{.op = RECLAIM, .busy = 3, .slots = 2},
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP", "198.51.100.7 198.51.100.3"),
		.table = "192.0.2.1:80/tcp{198.51.100.3:80*1#2 198.51.100.7:80*1#0}", .slots = 3},
	// the same endpoint of another service port has another slot
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP s/81/TCP/80", "198.51.100.7"),
		.table = "192.0.2.1:80/tcp{198.51.100.7:80*1#0} "
			 "192.0.2.1:81/tcp{198.51.100.7:80*1#3}",
		.slots = 4},
	{.op = GRACE},
	{.op = RECLAIM, .busy = 1 << 2, .slots = 3},
	{.op = RECLAIM, .slots = 2},
	{.op = END},
};

#define KEY1 "192.0.2.1 port 80/tcp"
#define LOST(who)                                                                                  \
	KEY1 " belongs to ServiceEntry ns/" who ", which is first in service order: not served "   \
	     "here"
#define HAS(whom) KEY1 " is wanted by ServiceEntry ns/" whom " too: this one comes first and has it"

#define A_OVER_B "a:12: spec.addresses[1]: " HAS("b") "; b:11: spec.addresses[0]: " LOST("a")

static const struct step conflicts[] = {
	{SE(PUT, "b", NULL, "b.example", "192.0.2.1", "http/80/HTTP", "198.51.100.2"),
		.table = "192.0.2.1:80/tcp{198.51.100.2:80*1#0}"},
	// first by host name: takes the key over; the slots of both are apart
	{SE(PUT, "a", NULL, "a.example", "192.0.2.2 192.0.2.1", "http/80/HTTP tls/443/TLS",
		 "198.51.100.1"),
		.result = "+3 -0 ~1 new",
		.table = "192.0.2.1:80/tcp{198.51.100.1:80*1#1} "
			 "192.0.2.1:443/tcp{198.51.100.1:443*1#2} "
			 "192.0.2.2:80/tcp{198.51.100.1:80*1#1} "
			 "192.0.2.2:443/tcp{198.51.100.1:443*1#2}",
		.notes = A_OVER_B, .slots = 3},
	{.op = COMPILE, .result = "+0 -0 ~0", .retired = 0, .notes = A_OVER_B},
	// one more that loses
	{SE(PUT, "z", "", "z.example", "192.0.2.1", "http/80/HTTP", "198.51.100.9"),
		.result = "+0 -0 ~0",
		.notes = "a:12: spec.addresses[1]: " KEY1 " is wanted by ServiceEntry ns/b and "
			 "others too: this one comes first and has "
			 "it; b:11: spec.addresses[0]: " LOST(
				 "a") "; z:11: spec.addresses[0]: " LOST("a")},
	{.op = DEL, .se = {.name = "z"}, .result = "+0 -0 ~0", .notes = A_OVER_B},
	// the winner goes: the loser is served at once, on the slot it had, without a note
	{.op = DEL,
		.se = {.name = "a"},
		.result = "+0 -3 ~1 new",
		.table = "192.0.2.1:80/tcp{198.51.100.2:80*1#0}"},
	// a creation time puts it behind those without one, and before a later one
	{SE(PUT, "a", "2026-01-02T00:00:00Z", "a.example", "192.0.2.1", "http/80/HTTP",
		 "198.51.100.1"),
		.result = "+0 -0 ~0",
		.notes = "a:11: spec.addresses[0]: " LOST("b") "; b:11: spec.addresses[0]: " HAS(
			"a")},
	{SE(PUT, "b", "2026-01-03T00:00:00Z", "b.example", "192.0.2.1", "http/80/HTTP",
		 "198.51.100.2"),
		.result = "+0 -0 ~1", .retired = 1,
		.table = "192.0.2.1:80/tcp{198.51.100.1:80*1#1}",
		.notes = "a:11: spec.addresses[0]: " HAS("b") "; b:11: spec.addresses[0]: " LOST(
			"a")},
	{.op = END},
};

static const struct step one_object_with_itself[] = {
	// two hosts and an address written twice: one key, no note
	{SE(PUT, "a", NULL, "b.example a.example", "192.0.2.1 192.0.2.1/32", "http/80/HTTP",
		 "198.51.100.1"),
		.result = "+1 -0 ~0 new", .table = A1, .slots = 1},
	// a loser with two hosts is told once, per address and port
	{SE(PUT, "x", NULL, "x.example y.example", "192.0.2.3 192.0.2.1", "http/80/HTTP",
		 "198.51.100.1"),
		.result = "+1 -0 ~0 new", .table = A1 " 192.0.2.3:80/tcp{198.51.100.1:80*1#1}",
		.notes = "a:11: spec.addresses[0]: " HAS("x") "; x:12: spec.addresses[1]: " LOST(
			"a")},
	{.op = END},
};

// The same address and port twice is one endpoint, as the first one says.
static const struct step twins[] = {
	// apart on one port, the same on the other
	{SE(PUT, "a", NULL, "a.example b.example", "192.0.2.1", "http/80/HTTP tls/443/TLS",
		 "198.51.100.1*3 198.51.100.2 198.51.100.1*4@tls=444"),
		.result = "+2 -0 ~0 new", .slots = 5,
		.table = "192.0.2.1:80/tcp{198.51.100.1:80*3#0 198.51.100.2:80*1#1} "
			 "192.0.2.1:443/tcp{198.51.100.1:443*3#2 198.51.100.1:444*4#4 "
			 "198.51.100.2:443*1#3}"},
	{.op = COMPILE, .result = "+0 -0 ~0", .slots = 5},
	{SE(PUT, "c", NULL, "c.example", "192.0.2.2", "http/80/HTTP", ""), .result = "+1 -0 ~0 new",
		.slots = 5,
		.table = "192.0.2.1:80/tcp{198.51.100.1:80*3#0 198.51.100.2:80*1#1} "
			 "192.0.2.1:443/tcp{198.51.100.1:443*3#2 198.51.100.1:444*4#4 "
			 "198.51.100.2:443*1#3} "
			 "192.0.2.2:80/tcp{}"},
	{.op = END},
};

#define UNFIT(n, key, what)                                                                        \
	"spec.addresses[" n "]: 192.0.2." key                                                      \
	" port 80/tcp: its endpoints do not fit, flows.maxEndpoints are in use: " what
#define REFUSED "what comes is refused"
#define STAYS   "the endpoints that it had stay"
#define A7      "192.0.2.1:80/tcp{198.51.100.1:80*7#0} "
#define B2_OF_3 "192.0.2.2:80/tcp{198.51.100.2:80*1#1} "
#define C_NOTES "c:11: " UNFIT("0", "3", REFUSED) "; c:12: " UNFIT("1", "4", REFUSED)

// Three slots.
static const struct step out_of_slots[] = {
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP", "198.51.100.1"), .table = A1,
		.slots = 1},
	{SE(PUT, "b", NULL, "b.example", "192.0.2.1", "http/80/HTTP", ""),
		.notes = "a:11: spec.addresses[0]: " HAS("b") "; b:11: spec.addresses[0]: " LOST(
			"a")},
	// b needs one more, c two: c alone gets none, and holds none
	{SE(STAGE_PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP", "198.51.100.1*7"),
		.notes = "b:11: spec.addresses[0]: " LOST("a")},
	{SE(STAGE_PUT, "b", NULL, "b.example", "192.0.2.2", "http/80/HTTP", "198.51.100.2")},
	{SE(PUT, "c", NULL, "c.example", "192.0.2.3 192.0.2.4", "http/80/HTTP",
		 "198.51.100.3 198.51.100.4"),
		.result = "+3 -0 ~1 new 1 unfit", .slots = 2, .notes = C_NOTES,
		.table = A7 B2_OF_3 "192.0.2.3:80/tcp{} 192.0.2.4:80/tcp{}"},
	{.op = COMPILE, .result = "+0 -0 ~0 1 unfit", .slots = 2, .notes = C_NOTES},
	{.op = RETRY, .rc = 1, .slots = 2, .notes = C_NOTES},
	// more endpoints than there is room for: those that it had stay, and others go on
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP",
		 "198.51.100.5 198.51.100.6 198.51.100.7"),
		.result = "+0 -0 ~0 2 unfit", .slots = 2,
		.notes = "a:11: " UNFIT("0", "1", STAYS) "; " C_NOTES},
	{SE(PUT, "b", NULL, "b.example", "192.0.2.2", "http/80/HTTP", "198.51.100.2*5"),
		.result = "+0 -0 ~1 2 unfit", .slots = 2, .retired = 1,
		.notes = "a:11: " UNFIT("0", "1", STAYS) "; " C_NOTES,
		.table = A7 "192.0.2.2:80/tcp{198.51.100.2:80*5#1} "
			    "192.0.2.3:80/tcp{} 192.0.2.4:80/tcp{}"},
	{SE(PUT, "a", NULL, "a.example", "192.0.2.1", "http/80/HTTP", "198.51.100.1*7"),
		.result = "+0 -0 ~0 1 unfit", .slots = 2, .retired = 1, .notes = C_NOTES},
	// room for c, by itself: it is not looked at again before there is
	{.op = DEL,
		.se = {.name = "b"},
		.result = "+0 -1 ~0 new 1 unfit",
		.retired = 1,
		.notes = C_NOTES,
		.table = A7 "192.0.2.3:80/tcp{} 192.0.2.4:80/tcp{}"},
	{.op = RETRY, .rc = 1, .notes = C_NOTES},
	{.op = GRACE, .notes = C_NOTES},
	{.op = RECLAIM, .slots = 1, .notes = C_NOTES},
	{.op = RETRY,
		.result = "+0 -0 ~2",
		.retired = 2,
		.slots = 3,
		.table = A7 "192.0.2.3:80/tcp{198.51.100.3:80*1#1 198.51.100.4:80*1#2} "
			    "192.0.2.4:80/tcp{198.51.100.3:80*1#1 198.51.100.4:80*1#2}"},
	// a replacement needs its slot beside the old one until that is reclaimed
	{SE(PUT, "c", NULL, "c.example", "192.0.2.3", "http/80/HTTP", "198.51.100.5"),
		.result = "+0 -1 ~0 new 1 unfit", .retired = 2, .slots = 3,
		.notes = "c:11: " UNFIT("0", "3", STAYS),
		.table = A7 "192.0.2.3:80/tcp{198.51.100.3:80*1#1 198.51.100.4:80*1#2}"},
	// one that is gone is no longer waiting
	{.op = DEL,
		.se = {.name = "c"},
		.result = "+0 -1 ~0 new",
		.retired = 2,
		.table = "192.0.2.1:80/tcp{198.51.100.1:80*7#0}"},
	{.op = GRACE},
	{.op = RECLAIM, .slots = 1},
	{.op = RETRY, .rc = 1},
	{.op = END},
};

static int
steps_add_change_remove(void)
{
	return run_steps(add_change_remove, 64);
}

static int
steps_ports_and_protocols(void)
{
	return run_steps(ports_and_protocols, 64);
}

static int
steps_not_served(void)
{
	return run_steps(what_is_not_served_is_left_out, 64);
}

static int
steps_slots(void)
{
	return run_steps(slots_are_stable, 64);
}

static int
steps_conflicts(void)
{
	return run_steps(conflicts, 64);
}

static int
steps_itself(void)
{
	return run_steps(one_object_with_itself, 64);
}

static int
steps_twins(void)
{
	return run_steps(twins, 64);
}

static int
steps_out_of_slots(void)
{
	return run_steps(out_of_slots, 3);
}

// ---- what a table of texts does not show ----

static const struct sl_fwd_service *
find(struct world *w, uint32_t vip, uint16_t port)
{
	const struct sl_fwd_key key = {.vip = sl_cpu_to_be32(0xc0000200 + vip),
		.port = sl_cpu_to_be16(port),
		.proto = 6,
		.len = 32};

	return sl_fwd_services_find(w->published, &key, 0);
}

static int
unchanged_parts_are_the_same_objects(void)
{
	const struct text_se a1 = {"a", NULL, "a.example", "192.0.2.1", "h/80/TCP", "198.51.100.1"};
	const struct text_se a2 = {"a", NULL, "a.example", "192.0.2.1", "h/80/TCP", "198.51.100.9"};
	const struct text_se b = {"b", NULL, "b.example", "192.0.2.2", "h/80/TCP", "198.51.100.2"};
	const struct text_se c = {"c", NULL, "c.example", "192.0.2.3", "h/80/TCP", "198.51.100.3"};
	const struct sl_fwd_services *table;
	const struct sl_fwd_eps *eps_a, *eps_b;
	uint32_t id_a, id_b;
	struct world w;

	world_init(&w, 64);
	put(&w, &a1);
	put(&w, &b);
	SL_TEST_INT(compile(&w), 0);
	table = w.published;
	eps_a = sl_fwd_service_eps(find(&w, 1, 80));
	eps_b = sl_fwd_service_eps(find(&w, 2, 80));
	id_a = find(&w, 1, 80)->id;
	id_b = find(&w, 2, 80)->id;
	RTE_TEST_ASSERT(id_a != id_b, "one id for two service ports");

	put(&w, &a2);
	SL_TEST_INT(compile(&w), 0);
	RTE_TEST_ASSERT(w.published == table, "a new table for one set");
	RTE_TEST_ASSERT(sl_fwd_service_eps(find(&w, 1, 80)) != eps_a, "not swapped");
	RTE_TEST_ASSERT(sl_fwd_service_eps(find(&w, 2, 80)) == eps_b, "b was written");
	SL_TEST_INT(w.n_retired, 1);
	RTE_TEST_ASSERT(w.retired[0].object == eps_a, "another one retired");
	eps_a = sl_fwd_service_eps(find(&w, 1, 80));

	put(&w, &c);
	SL_TEST_INT(compile(&w), 0);
	RTE_TEST_ASSERT(w.published != table, "no new table for a new key");
	RTE_TEST_ASSERT(sl_fwd_service_eps(find(&w, 1, 80)) == eps_a, "a was written");
	RTE_TEST_ASSERT(sl_fwd_service_eps(find(&w, 2, 80)) == eps_b, "b was written");
	SL_TEST_INT(find(&w, 1, 80)->id, id_a);
	SL_TEST_INT(find(&w, 2, 80)->id, id_b);
	SL_TEST_INT(sl_fwd_services_count(w.old[1]), 2); // the old one is whole
	world_fini(&w);
	return TEST_SUCCESS;
}

// An in-place swap must not reach a table that an old snapshot still uses.
static int
an_old_table_keeps_its_sets(void)
{
	const struct text_se a1 = {"a", NULL, "a.example", "192.0.2.1", "h/80/TCP", "198.51.100.1"};
	const struct text_se a2 = {"a", NULL, "a.example", "192.0.2.1", "h/80/TCP", "198.51.100.9"};
	const struct text_se b = {"b", NULL, "b.example", "192.0.2.2", "h/80/TCP", "198.51.100.2"};
	struct world w;
	char *text;

	world_init(&w, 64);
	put(&w, &a1);
	SL_TEST_INT(compile(&w), 0);
	put(&w, &b);
	SL_TEST_INT(compile(&w), 0);
	put(&w, &a2);
	SL_TEST_INT(compile(&w), 0);
	for (unsigned i = 0; i < w.n_retired; i++)
		w.retired[i].free_fn(w.retired[i].object);
	w.n_retired = 0;
	text = dump(w.old[1]);
	SL_TEST_STR(text, A1); // still readable: it has its own reference
	free(text);
	world_fini(&w);
	return TEST_SUCCESS;
}

static int
slots_tell_what_is_behind_them(void)
{
	const struct text_se a = {"a", NULL, "a.example", "192.0.2.1", "h/80/TCP",
		"198.51.100.1*3@h=8080 198.51.100.2"};
	const struct text_se renamed = {
		"a", NULL, "a.example", "192.0.2.1", "web/80/TCP", "198.51.100.2*6"};
	const struct text_se renamed_again = {
		"a", NULL, "a.example", "192.0.2.1", "www/80/TCP", "198.51.100.2*6"};
	const sl_be32 first = sl_cpu_to_be32(0xc6336401), second = sl_cpu_to_be32(0xc6336402);
	struct sl_compile_slot s;
	uint64_t busy = 1;
	struct world w;

	world_init(&w, 64);
	put(&w, &a);
	SL_TEST_INT(compile(&w), 0);
	SL_TEST_INT(sl_compile_slot_find(w.compile, "ns", "a.example", 80, first, htons(8080)), 0);
	SL_TEST_INT(sl_compile_slot_find(w.compile, "ns", "a.example", 80, second, htons(80)), 1);
	SL_TEST_INT(sl_compile_slot_find(w.compile, "ns", "a.example", 80, first, htons(80)),
		UINT32_MAX);
	SL_TEST_INT(sl_compile_slot_find(w.compile, "ns", "a.example", 81, first, htons(8080)),
		UINT32_MAX);
	RTE_TEST_ASSERT(sl_compile_slot(w.compile, 0, &s), "slot 0");
	SL_TEST_STR(s.namespace_, "ns");
	SL_TEST_STR(s.host, "a.example");
	SL_TEST_STR(s.port_name, "h");
	SL_TEST_INT(s.port, 80);
	SL_TEST_INT(s.addr, first);
	SL_TEST_INT(s.addr_port, htons(8080));
	SL_TEST_INT(s.weight, 3);
	SL_TEST_INT(s.live, true);

	// The names are those of the service port, of its retired ones too.
	put(&w, &renamed);
	SL_TEST_INT(compile(&w), 0);
	RTE_TEST_ASSERT(sl_compile_slot(w.compile, 0, &s) && !s.live, "slot 0 is retired");
	SL_TEST_INT(sl_compile_slot_find(w.compile, "ns", "a.example", 80, first, htons(8080)),
		UINT32_MAX);
	RTE_TEST_ASSERT(sl_compile_slot(w.compile, 1, &s) && s.live, "slot 1 is live");
	SL_TEST_STR(s.port_name, "web");
	SL_TEST_INT(s.weight, 6);

	// New names alone.
	put(&w, &renamed_again);
	SL_TEST_INT(compile(&w), 0);
	SL_TEST_INT(w.result.swapped, 0);
	RTE_TEST_ASSERT(sl_compile_slot(w.compile, 1, &s) && s.live, "slot 1 is live");
	SL_TEST_STR(s.host, "a.example");
	SL_TEST_STR(s.port_name, "www");

	del(&w, "a");
	SL_TEST_INT(compile(&w), 0);
	grace(&w);
	sl_compile_reclaim_slots(w.compile, is_busy, &busy, 64);
	RTE_TEST_ASSERT(sl_compile_slot(w.compile, 0, &s), "a flow still needs its name");
	SL_TEST_STR(s.host, "a.example");
	RTE_TEST_ASSERT(!sl_compile_slot(w.compile, 1, &s), "slot 1 is free");
	world_fini(&w);
	return TEST_SUCCESS;
}

static unsigned asked;

static bool
count_asked(void *ctx, uint32_t slot)
{
	asked++;
	return is_busy(ctx, slot);
}

// A few a call, each once a round, busy ones do not block the others.
static int
reclaim_is_bounded_and_fair(void)
{
	const struct text_se a = {"a", NULL, "a.example", "192.0.2.1", "h/80/TCP",
		"198.51.100.1 198.51.100.2 198.51.100.3 198.51.100.4 198.51.100.5"};
	uint64_t busy = 1 << 0 | 1 << 1 | 1 << 3;
	struct world w;

	world_init(&w, 64);
	put(&w, &a);
	SL_TEST_INT(compile(&w), 0);
	del(&w, "a");
	SL_TEST_INT(compile(&w), 0);
	grace(&w);
	for (unsigned i = 0; i < 3; i++) {
		asked = 0;
		sl_compile_reclaim_slots(w.compile, count_asked, &busy, 2);
		RTE_TEST_ASSERT(asked <= 2, "asked for %u slots", asked);
	}
	SL_TEST_INT(sl_compile_slots_used(w.compile), 3);
	asked = 0;
	sl_compile_reclaim_slots(w.compile, count_asked, &busy, 64);
	SL_TEST_INT(asked, 3);
	busy = 0;
	sl_compile_reclaim_slots(w.compile, count_asked, &busy, 64);
	SL_TEST_INT(sl_compile_slots_used(w.compile), 0);
	asked = 0;
	sl_compile_reclaim_slots(w.compile, count_asked, &busy, 64);
	SL_TEST_INT(asked, 0);
	world_fini(&w);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"add, change, remove", steps_add_change_remove},
	{"ports and protocols", steps_ports_and_protocols},
	{"what is not served is left out", steps_not_served},
	{"slots are stable", steps_slots},
	{"conflicts", steps_conflicts},
	{"one object with itself", steps_itself},
	{"twins", steps_twins},
	{"out of slots", steps_out_of_slots},
	{"unchanged parts are the same objects", unchanged_parts_are_the_same_objects},
	{"an old table keeps its sets", an_old_table_keeps_its_sets},
	{"slots tell what is behind them", slots_tell_what_is_behind_them},
	{"reclaim is bounded and fair", reclaim_is_bounded_and_fair},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
