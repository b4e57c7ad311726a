// The ring of events: order, repeats, and what falls out.
#include <stdio.h>

#include "events.h"
#include "sl_test.h"

static int
repeats_are_counted(void)
{
	static const struct {
		bool warning;
		const char *reason, *object, *message;
	} in[] = {
		{false, "AnswerChanged", "a.example.com", "192.0.2.1"},
		{true, "Stale", "a.example.com", "no server answers"},
		{false, "AnswerChanged", "b.example.com", "192.0.2.1"},
		{false, "AnswerChanged", "a.example.com", "192.0.2.1"}, // the first once more
		{false, "Stale", "a.example.com", "no server answers"}, // another type
	};
	static const struct {
		const char *reason, *object;
		uint64_t count;
		int64_t first_s, last_s;
	} out[] = {
		{"Stale", "a.example.com", 1, 101, 101},
		{"AnswerChanged", "b.example.com", 1, 102, 102},
		{"AnswerChanged", "a.example.com", 2, 100, 103},
		{"Stale", "a.example.com", 1, 104, 104},
	};
	struct events *e = events_new();
	const struct event_row *row;
	uint64_t seq = 0;
	size_t n = 0;

	for (size_t i = 0; i < SL_ARRAY_LEN(in); i++)
		events_add(e, 100 + (int64_t)i, in[i].warning, in[i].reason, in[i].object,
			in[i].message);
	for (; (row = events_next(e, &seq)) != NULL; n++) {
		RTE_TEST_ASSERT(n < SL_ARRAY_LEN(out), "more than there are");
		SL_TEST_STR(row->reason, out[n].reason);
		SL_TEST_STR(row->object, out[n].object);
		SL_TEST_INT(row->count, out[n].count);
		SL_TEST_INT(row->first_s, out[n].first_s);
		SL_TEST_INT(row->last_s, out[n].last_s);
	}
	SL_TEST_INT(n, SL_ARRAY_LEN(out));
	events_free(e);
	return TEST_SUCCESS;
}

static int
the_oldest_falls_out(void)
{
	struct events *e = events_new();
	const struct event_row *row;
	uint64_t seq = 0;
	char name[32];
	int n = 0;

	for (int i = 0; i < EVENTS_MAX + 10; i++) {
		snprintf(name, sizeof(name), "n%d.example.com", i);
		events_add(e, i, false, "Resolved", name, "");
		// One that comes again and again stays.
		events_add(e, i, true, "Stale", "old.example.com", "");
	}
	for (; (row = events_next(e, &seq)) != NULL; n++) {
		if (n == EVENTS_MAX - 1)
			break;
		snprintf(name, sizeof(name), "n%d.example.com", n + 11);
		SL_TEST_STR(row->object, name);
	}
	RTE_TEST_ASSERT_NOT_NULL(row, "%d events", n);
	SL_TEST_STR(row->object, "old.example.com");
	SL_TEST_INT(row->count, EVENTS_MAX + 10);
	RTE_TEST_ASSERT_NULL(events_next(e, &seq), "more");
	events_free(e);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"repeats are counted", repeats_are_counted},
		{"the oldest falls out", the_oldest_falls_out},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
