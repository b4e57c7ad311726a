#include "mirror.h"

#include <errno.h>
#include <pthread.h>
#include <rte_lcore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sl_str.h"

#define BURST        32
#define WAKE_DATA    UINT32_MAX
#define MAX_SEGMENTS 16

struct sl_mirror {
	struct sl_mirror_cfg cfg;
	int tap_fd[SL_PORT_MAX];
	uint32_t max_frame[SL_PORT_MAX];
	struct sl_worker *workers[SL_MAX_WORKERS];
	struct sl_mirror_stats stats[SL_PORT_MAX];
	int epoll_fd;
	uint32_t stop; // w: control, r: the thread; relaxed
	bool running;
	pthread_t thread;
};

static void
bump(uint64_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

static void
to_kernel(struct sl_mirror *m, struct rte_mbuf *frame)
{
	struct sl_mirror_stats *stats = &m->stats[frame->port];
	struct iovec iov[MAX_SEGMENTS];
	int n = 0;
	ssize_t rc;

	for (const struct rte_mbuf *s = frame; s && n < MAX_SEGMENTS; s = s->next)
		iov[n++] = (struct iovec){
			.iov_base = rte_pktmbuf_mtod(s, void *),
			.iov_len = rte_pktmbuf_data_len(s),
		};
	rc = writev(m->tap_fd[frame->port], iov, n);
	bump(rc < 0 ? &stats->to_kernel_lost : &stats->to_kernel);
	rte_pktmbuf_free(frame);
}

static unsigned
drain_punts(struct sl_mirror *m)
{
	struct rte_mbuf *frames[BURST];
	unsigned total = 0;

	for (unsigned w = 0; w < m->cfg.n_workers; w++) {
		const unsigned n = rte_ring_sc_dequeue_burst(
			sl_worker_punt_ring(m->workers[w]), (void **)frames, BURST, NULL);

		for (unsigned i = 0; i < n; i++)
			to_kernel(m, frames[i]);
		total += n;
	}
	return total;
}

// Buffers for the largest frame of the port, chained; NULL: there are not enough.
static struct rte_mbuf *
alloc_frame(struct sl_mirror *m, uint16_t port)
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(m->cfg.pool), *last = frame;
	uint32_t room = frame ? rte_pktmbuf_tailroom(frame) : 0;

	while (frame && room < m->max_frame[port] && frame->nb_segs < MAX_SEGMENTS) {
		last->next = rte_pktmbuf_alloc(m->cfg.pool);
		last = last->next;
		if (!last) {
			rte_pktmbuf_free(frame);
			return NULL;
		}
		frame->nb_segs++;
		room += rte_pktmbuf_tailroom(last);
	}
	return frame;
}

// Spreads len bytes that were read over the chain, and frees what they did not reach.
static void
set_length(struct rte_mbuf *frame, uint32_t len)
{
	struct rte_mbuf *s = frame;
	uint32_t left = len;

	frame->pkt_len = len;
	frame->nb_segs = 1;
	while (left > rte_pktmbuf_tailroom(s)) {
		s->data_len = rte_pktmbuf_tailroom(s);
		left -= s->data_len;
		s = s->next;
		frame->nb_segs++;
	}
	s->data_len = (uint16_t)left;
	rte_pktmbuf_free(s->next);
	s->next = NULL;
}

// One frame from the kernel to worker 0, which sends on every port. False: nothing there.
static bool
from_kernel(struct sl_mirror *m, uint16_t port, struct rte_mbuf *frame)
{
	struct sl_mirror_stats *stats = &m->stats[port];
	struct iovec iov[MAX_SEGMENTS];
	int segments = 0;
	ssize_t n;

	for (const struct rte_mbuf *s = frame; s; s = s->next)
		iov[segments++] = (struct iovec){
			.iov_base = rte_pktmbuf_mtod(s, void *),
			.iov_len = rte_pktmbuf_tailroom(s),
		};
	n = readv(m->tap_fd[port], iov, segments);
	if (n <= 0) {
		rte_pktmbuf_free(frame);
		return false;
	}
	set_length(frame, (uint32_t)n);
	frame->port = port;
	if (rte_ring_sp_enqueue(sl_worker_inject_ring(m->workers[0]), frame) < 0) {
		bump(&stats->from_kernel_lost);
		rte_pktmbuf_free(frame);
	} else {
		bump(&stats->from_kernel);
	}
	return true;
}

static void
drain_tap(struct sl_mirror *m, uint16_t port)
{
	for (int i = 0; i < BURST; i++) {
		struct rte_mbuf *frame = alloc_frame(m, port);
		char lost[1];

		if (!frame) {
			// Without a buffer the frame is taken and lost, or epoll would spin on it.
			if (read(m->tap_fd[port], lost, sizeof(lost)) > 0)
				bump(&m->stats[port].from_kernel_lost);
			return;
		}
		if (!from_kernel(m, port, frame))
			return;
	}
}

static void
forget_tap(struct sl_mirror *m, uint16_t port)
{
	epoll_ctl(m->epoll_fd, EPOLL_CTL_DEL, m->tap_fd[port], NULL);
}

// Takes what the kernel has sent; sleeps for it when there was nothing to punt either.
static void
poll_taps(struct sl_mirror *m, int timeout_ms)
{
	struct epoll_event events[SL_PORT_MAX + 1];
	const int n = epoll_wait(m->epoll_fd, events, SL_PORT_MAX + 1, timeout_ms);
	uint64_t drained;

	for (int i = 0; i < n; i++) {
		// Somebody deleted the netdev: its fd is ready with an error for ever.
		if (events[i].data.u32 != WAKE_DATA && (events[i].events & EPOLLERR))
			forget_tap(m, (uint16_t)events[i].data.u32);
		else if (events[i].data.u32 != WAKE_DATA)
			drain_tap(m, (uint16_t)events[i].data.u32);
		else if (read(m->cfg.wake_fd, &drained, sizeof(drained)) < 0)
			continue; // nothing in it after all
	}
}

static void *
run(void *arg)
{
	struct sl_mirror *m = arg;

	// A cache of buffers: without one every frame would contend with the workers for the pool,
	// and they would wait if this thread were preempted in the middle of it.
	rte_thread_register();
	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		if (drain_punts(m) > 0) {
			poll_taps(m, 0);
			continue;
		}
		// Say "asleep" first, look a last time, then sleep: with the worker's fence in
		// wake_mirror() no punt can fall between.
		__atomic_store_n(m->cfg.asleep, 1, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		poll_taps(m, drain_punts(m) > 0 ? 0 : -1);
		__atomic_store_n(m->cfg.asleep, 0, __ATOMIC_RELAXED);
	}
	rte_thread_unregister();
	return NULL;
}

static int
watch(struct sl_mirror *m, int fd, uint32_t data)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = data};

	return epoll_ctl(m->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

struct sl_mirror *
sl_mirror_new(const struct sl_mirror_cfg *cfg, char **why)
{
	struct sl_mirror *m = sl_xcalloc(1, sizeof(*m));
	int rc;

	m->cfg = *cfg;
	memcpy(m->tap_fd, cfg->tap_fd, cfg->n_ports * sizeof(m->tap_fd[0]));
	memcpy(m->max_frame, cfg->max_frame, cfg->n_ports * sizeof(m->max_frame[0]));
	memcpy(m->workers, cfg->workers, cfg->n_workers * sizeof(struct sl_worker *));
	m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	rc = m->epoll_fd < 0 ? -1 : watch(m, cfg->wake_fd, WAKE_DATA);
	for (uint16_t p = 0; rc == 0 && p < cfg->n_ports; p++)
		rc = watch(m, cfg->tap_fd[p], p);
	if (rc == 0)
		return m;
	*why = sl_xasprintf("mirror thread: epoll: %s", strerror(errno));
	sl_mirror_free(m);
	return NULL;
}

int
sl_mirror_start(struct sl_mirror *m, char **why)
{
	const int rc = pthread_create(&m->thread, NULL, run, m);

	if (rc) {
		*why = sl_xasprintf("mirror thread: %s", strerror(rc));
		return -rc;
	}
	pthread_setname_np(m->thread, "sluice-mirror");
	m->running = true;
	return 0;
}

void
sl_mirror_stop(struct sl_mirror *m)
{
	const uint64_t one = 1;

	if (!m || !m->running)
		return;
	__atomic_store_n(&m->stop, 1, __ATOMIC_RELAXED);
	// It can only fail because the counter is full: then the thread is awake already.
	(void)!write(m->cfg.wake_fd, &one, sizeof(one));
	pthread_join(m->thread, NULL);
	m->running = false;
}

void
sl_mirror_free(struct sl_mirror *m)
{
	if (!m)
		return;
	if (m->epoll_fd >= 0)
		close(m->epoll_fd);
	free(m);
}

void
sl_mirror_stats(const struct sl_mirror *m, uint16_t port, struct sl_mirror_stats *out)
{
	const struct sl_mirror_stats *s = &m->stats[port];

	out->to_kernel = __atomic_load_n(&s->to_kernel, __ATOMIC_RELAXED);
	out->to_kernel_lost = __atomic_load_n(&s->to_kernel_lost, __ATOMIC_RELAXED);
	out->from_kernel = __atomic_load_n(&s->from_kernel, __ATOMIC_RELAXED);
	out->from_kernel_lost = __atomic_load_n(&s->from_kernel_lost, __ATOMIC_RELAXED);
}
