// The mirror thread: moves frames between the workers and the mirrors (TAP), so that no worker
// makes a system call for a frame and the control loop may take its time over a large reload.
//
// Owner:   main.c: sl_mirror_new() after the mirrors exist, sl_mirror_free() after
//          sl_mirror_stop().
// Threads: its own thread, on the control core, registered with EAL for a buffer cache of its own;
//          counters are read by control (relaxed atomics).
// Errors:  NULL and *why.
// Limits:  one frame a system call; bursts of 32 per worker and mirror, round robin.
#pragma once

#include "worker.h"

struct sl_mirror_stats { // w: mirror thread, r: control; relaxed atomics
	uint64_t to_kernel;
	uint64_t to_kernel_lost; // the kernel did not take it
	uint64_t from_kernel;
	uint64_t from_kernel_lost; // no buffer, or the ring to the worker was full
};

struct sl_mirror;

struct sl_mirror_cfg {
	const int *tap_fd;         // by port index
	const uint32_t *max_frame; // by port index: bytes of a frame from the kernel
	uint16_t n_ports;
	struct sl_worker *const *workers;
	unsigned n_workers;
	struct rte_mempool *pool;
	int wake_fd;      // eventfd that workers write
	uint32_t *asleep; // see struct sl_worker_cfg
};

struct sl_mirror *sl_mirror_new(const struct sl_mirror_cfg *cfg, char **why);
int sl_mirror_start(struct sl_mirror *m, char **why);
void sl_mirror_stop(struct sl_mirror *m); // joins
void sl_mirror_free(struct sl_mirror *m);
void sl_mirror_stats(const struct sl_mirror *m, uint16_t port, struct sl_mirror_stats *out);
