// Which CPU runs what.
#include <errno.h>
#include <sched.h>

#include "daemon.h"
#include "sl_str.h"

static bool
is_worker_core(const unsigned worker_cores[], unsigned n, unsigned cpu)
{
	for (unsigned i = 0; i < n; i++)
		if (worker_cores[i] == cpu)
			return true;
	return false;
}

// Workers get the last CPUs that we may use, in ascending order; the first ones carry interrupts
// and everything else on most machines.
static void
pick_last(const cpu_set_t *allowed, unsigned worker_cores[], unsigned n)
{
	const unsigned have = (unsigned)CPU_COUNT(allowed);
	unsigned seen = 0, out = 0;

	for (unsigned cpu = 0; cpu < CPU_SETSIZE && out < n; cpu++) {
		if (!CPU_ISSET(cpu, allowed))
			continue;
		if (seen++ + n >= have)
			worker_cores[out++] = cpu;
	}
	// More workers than CPUs: they share, which is slow but correct.
	for (unsigned i = out; i < n; i++)
		worker_cores[i] = out ? worker_cores[i % out] : 0;
}

static unsigned
pick_control(const cpu_set_t *allowed, const unsigned worker_cores[], unsigned n)
{
	unsigned first = CPU_SETSIZE;

	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, allowed))
			continue;
		if (!is_worker_core(worker_cores, n, cpu))
			return cpu;
		if (first == CPU_SETSIZE)
			first = cpu;
	}
	return first; // every CPU has a worker: share the first
}

static void
note_others(struct daemon *d, const cpu_set_t *allowed, const unsigned worker_cores[])
{
	d->other_cpus = *allowed;
	CPU_CLR(d->control_core, &d->other_cpus);
	d->spare_cpus = d->other_cpus;
	for (unsigned i = 0; i < d->n_workers; i++)
		CPU_CLR(worker_cores[i], &d->spare_cpus);
}

int
daemon_cores(struct daemon *d, unsigned worker_cores[], char **why)
{
	const struct sl_conf *conf = d->conf;
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0) {
		*why = sl_xasprintf("no CPU set: sched_getaffinity failed");
		return -errno;
	}
	d->n_workers = conf->n_workers;
	if (conf->n_worker_cores == 0)
		pick_last(&allowed, worker_cores, d->n_workers);
	for (uint32_t i = 0; i < conf->n_worker_cores; i++)
		worker_cores[i] = conf->worker_cores[i];
	d->control_core = conf->control_core >= 0
				  ? (unsigned)conf->control_core
				  : pick_control(&allowed, worker_cores, d->n_workers);
	for (unsigned i = 0; i < d->n_workers; i++) {
		if (worker_cores[i] < CPU_SETSIZE && CPU_ISSET(worker_cores[i], &allowed))
			continue;
		*why = sl_xasprintf("workers.cores: CPU %u is not one that this process may use",
			worker_cores[i]);
		return -EINVAL;
	}
	if (d->control_core < CPU_SETSIZE && CPU_ISSET(d->control_core, &allowed)) {
		note_others(d, &allowed, worker_cores);
		return 0;
	}
	*why = sl_xasprintf("workers.controlCore: CPU %u is not one that this process may use",
		d->control_core);
	return -EINVAL;
}
