#include "crew.h"

#include <pthread.h>
#include <stdlib.h>

#include "sl_str.h"

#define MAX_HELPERS 3
// Less than this is done before a thread has begun.
#define WORTH_HELP (1u << 20)

struct crew {
	pthread_mutex_t lock;
	pthread_cond_t more; // work, or the end
	pthread_cond_t done; // a piece
	struct crew_work *todo, **last;
	bool leave;
	enum sl_origin origin;
	// the caller's alone
	struct objects_reader reader;
	pthread_t helper[MAX_HELPERS];
	unsigned n_helpers, wanted;
	size_t bytes; // added so far
	bool has_cpus;
	cpu_set_t cpus;
};

static void
work(const struct crew *c, struct objects_reader *o, struct crew_work *w)
{
	o->file = w->file;
	o->origin = c->origin;
	for (uint32_t i = 0; i < w->n; i++) {
		struct crew_doc *doc = &w->doc[i];

		o->diags = doc->diags;
		o->out = &doc->objects;
		objects_read_doc(o, doc->text, doc->len, doc->line);
	}
}

// With the lock, which is open while the piece is worked on.
static void
take_one(struct crew *c, struct objects_reader *o)
{
	struct crew_work *w = c->todo;

	c->todo = w->next;
	if (!c->todo)
		c->last = &c->todo;
	pthread_mutex_unlock(&c->lock);
	work(c, o, w);
	pthread_mutex_lock(&c->lock);
	w->done = true;
}

static void *
help(void *arg)
{
	struct objects_reader reader = {0};
	struct crew *c = arg;

	pthread_mutex_lock(&c->lock);
	while (c->todo || !c->leave) {
		if (c->todo) {
			take_one(c, &reader);
			pthread_cond_signal(&c->done);
		} else {
			pthread_cond_wait(&c->more, &c->lock);
		}
	}
	pthread_mutex_unlock(&c->lock);
	objects_reader_fini(&reader);
	return NULL;
}

static void
start_helpers(struct crew *c)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	if (c->has_cpus)
		pthread_attr_setaffinity_np(&attr, sizeof(c->cpus), &c->cpus);
	for (; c->n_helpers < c->wanted; c->n_helpers++)
		if (pthread_create(&c->helper[c->n_helpers], &attr, help, c) != 0)
			break;
	c->wanted = c->n_helpers;
	pthread_attr_destroy(&attr);
}

struct crew *
crew_new(enum sl_origin origin, unsigned helpers, const cpu_set_t *cpus)
{
	struct crew *c = sl_xcalloc(1, sizeof(*c));

	*c = (struct crew){.last = &c->todo,
		.origin = origin,
		.wanted = helpers < MAX_HELPERS ? helpers : MAX_HELPERS,
		.has_cpus = cpus != NULL};
	if (cpus)
		c->cpus = *cpus;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->more, NULL);
	pthread_cond_init(&c->done, NULL);
	return c;
}

void
crew_free(struct crew *c)
{
	pthread_mutex_lock(&c->lock);
	c->leave = true;
	pthread_cond_broadcast(&c->more);
	pthread_mutex_unlock(&c->lock);
	for (unsigned i = 0; i < c->n_helpers; i++)
		pthread_join(c->helper[i], NULL);
	objects_reader_fini(&c->reader);
	pthread_cond_destroy(&c->done);
	pthread_cond_destroy(&c->more);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void
crew_add(struct crew *c, struct crew_work *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		c->bytes += w->doc[i].len;
	w->next = NULL;
	w->done = false;
	pthread_mutex_lock(&c->lock);
	*c->last = w;
	c->last = &w->next;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
	if (c->n_helpers < c->wanted && c->bytes >= WORTH_HELP)
		start_helpers(c);
}

void
crew_finish(struct crew *c, const struct crew_work *w)
{
	pthread_mutex_lock(&c->lock);
	while (!w->done) {
		if (c->todo)
			take_one(c, &c->reader);
		else
			pthread_cond_wait(&c->done, &c->lock);
	}
	pthread_mutex_unlock(&c->lock);
}
