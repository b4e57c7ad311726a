// sluice: what starts, in order, and, mirrored, what stops.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "sl_clock.h"
#include "sl_device.h"
#include "sl_profile.h"

static const struct stage {
	const char *name;
	int (*start)(struct daemon *d, char **why);
	void (*stop)(struct daemon *d);
} stages[] = {
	{"eal", eal_start, eal_stop},             // DPDK's memory and threads, buffers
	{"ports", ports_start, ports_stop},       // DPDK devices, configured, not started
	{"affinity", affinity_start, NULL},       // how replies get to their workers
	{"mirrors", mirrors_start, mirrors_stop}, // a TAP for each port
	{"workers", workers_start, workers_stop}, // tables, rings; no thread yet
	{"control", control_start, control_stop}, // objects, addresses, first snapshot
	{"socket", socket_start, socket_stop},    // sluicectl may come
	{"traffic", traffic_start, traffic_stop}, // ports and threads run
};

// Prints all findings. Returns the number of errors.
static size_t
print_diags(struct sl_diags *diags)
{
	const size_t errors = diags->errors;

	sl_diags_sort(diags);
	for (size_t i = 0; i < diags->n; i++) {
		struct sl_buf line = {0};

		sl_diag_format(&diags->v[i], &line);
		fprintf(stderr, "%s\n", line.data);
		sl_buf_fini(&line);
	}
	sl_diags_fini(diags);
	return errors;
}

static void
found(const struct sl_loc *loc, struct sl_diags *diags, enum sl_severity severity, char *why)
{
	sl_diag_add(diags, severity, loc, NULL, NULL, NULL, "%s", why);
	free(why);
}

// That a device is missing is a warning: the file may be for another machine.
static void
check_port(struct daemon *d, const struct sl_conf_port *port, struct sl_diags *diags)
{
	struct sl_profile profile;
	struct sl_device device;
	char *why = NULL;

	if (sl_device_parse(port->device, &device, &why) < 0) {
		found(&port->loc, diags, SL_ERROR, why);
		return;
	}
	if ((port->profile || !device.pci) && sl_profile_find(&profile, d->opt.profile_dir,
						      port->profile, device.driver, &why) < 0)
		found(&port->loc, diags, SL_ERROR, why);
	why = NULL;
	if (sl_device_check(&device, "/sys", &why) < 0)
		found(&port->loc, diags, SL_WARNING, why);
}

// --check: the configuration, the objects, the devices and the CPUs; needs no root and touches
// nothing.
static int
check(struct daemon *d)
{
	unsigned worker_cores[SL_MAX_WORKERS];
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};
	char *why = NULL;
	size_t errors, valid;
	bool node;

	d->conf = sl_conf_read(d->opt.config, &diags);
	for (uint32_t p = 0; d->conf && p < d->conf->n_ports; p++)
		check_port(d, &d->conf->ports[p], &diags);
	if (d->conf && daemon_cores(d, worker_cores, &why) < 0)
		found(&(struct sl_loc){.file = d->opt.config}, &diags, SL_ERROR, why);
	node = d->conf && diags.errors == 0;
	for (uint32_t i = 0; d->conf && i < d->conf->n_resources; i++)
		sl_conf_objects_path(d->conf->resources[i], SL_ORIGIN_FILE, &objects, &diags);
	valid = objects.n;
	errors = print_diags(&diags);
	printf("%s: %s, %zu objects valid, %zu invalid\n", d->opt.config,
		node ? "valid" : "invalid", valid, objects.invalid);
	sl_objects_fini(&objects);
	sl_conf_free(d->conf);
	return errors ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool
read_conf(struct daemon *d)
{
	struct sl_diags diags = {0};
	enum sl_log_format format = SL_LOG_AUTO;
	enum sl_log_level level = SL_LOG_NOTICE;

	d->conf = sl_conf_read(d->opt.config, &diags);
	if (print_diags(&diags) || !d->conf)
		return false;
	if (d->conf->node_name)
		snprintf(d->node, sizeof(d->node), "%s", d->conf->node_name);
	else if (gethostname(d->node, sizeof(d->node) - 1) < 0)
		strcpy(d->node, "?");
	sl_log_level_parse(d->conf->log_level, &level);
	sl_log_format_parse(d->conf->log_format, &format);
	sl_log_init(&d->log, STDERR_FILENO, d->opt.has_format ? d->opt.format : format,
		d->opt.has_level ? d->opt.level : level);
	return true;
}

static void
on_stop_signal(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	sl_log(&d->log, SL_LOG_NOTICE, "daemon", "stopping signal=%s", strsignal((int)sig));
	event_base_loopbreak(d->base);
}

static void
on_reload_signal(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	// Who waits for READY=1 must not get it from a reload.
	if (d->ready)
		daemon_notify("RELOADING=1");
	sl_control_reload(d->control);
	if (d->ready)
		daemon_notify("READY=1");
}

static void
on_watch_timer(evutil_socket_t fd, short what, void *arg)
{
	daemon_watch(arg);
	daemon_watch_pools(arg);
}

static int
loop_start(struct daemon *d)
{
	static const struct timeval second = {.tv_sec = 1};

	signal(SIGPIPE, SIG_IGN);
	d->base = event_base_new();
	if (!d->base)
		return -ENOMEM;
	d->signals[0] = evsignal_new(d->base, SIGTERM, on_stop_signal, d);
	d->signals[1] = evsignal_new(d->base, SIGINT, on_stop_signal, d);
	d->signals[2] = evsignal_new(d->base, SIGHUP, on_reload_signal, d);
	d->watch_timer = event_new(d->base, -1, EV_PERSIST, on_watch_timer, d);
	for (size_t i = 0; i < SL_ARRAY_LEN(d->signals); i++)
		if (!d->signals[i] || event_add(d->signals[i], NULL) < 0)
			return -ENOMEM;
	return d->watch_timer && event_add(d->watch_timer, &second) == 0 ? 0 : -ENOMEM;
}

static void
loop_stop(struct daemon *d)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(d->signals); i++)
		if (d->signals[i])
			event_free(d->signals[i]);
	if (d->watch_timer)
		event_free(d->watch_timer);
	if (d->base)
		event_base_free(d->base);
}

static void
on_ready(void *ctx)
{
	struct daemon *d = ctx;

	d->ready = true;
	sl_log(&d->log, SL_LOG_NOTICE, "daemon",
		"ready node=%s version=%s ports=%u workers=%u start_ms=%llu", d->node,
		SLUICE_VERSION, d->n_ports, d->n_workers,
		(unsigned long long)((sl_clock_ns(NULL) - d->started_ns) / SL_NSEC_PER_MSEC));
	daemon_notify("READY=1");
}

// Traffic runs and sluicectl may come; ready is a gateway that also knows its names.
static void
serve(struct daemon *d)
{
	sl_control_when_ready(d->control, on_ready, d);
	event_base_dispatch(d->base);
	daemon_notify("STOPPING=1");
}

static int
run(struct daemon *d)
{
	unsigned up = 0;
	char *why = NULL;
	bool failed = loop_start(d) < 0;

	if (failed)
		sl_log(&d->log, SL_LOG_ERR, "daemon", "not started: no event loop");
	while (!failed && up < SL_ARRAY_LEN(stages)) {
		failed = stages[up].start(d, &why) < 0;
		if (failed)
			sl_log(&d->log, SL_LOG_ERR, "daemon", "not started stage=%s: %s",
				stages[up].name, why ? why : strerror(errno));
		else
			up++;
	}
	if (!failed)
		serve(d);
	while (up-- > 0)
		if (stages[up].stop)
			stages[up].stop(d);
	loop_stop(d);
	sl_conf_free(d->conf);
	free(why);
	if (!failed)
		sl_log(&d->log, SL_LOG_NOTICE, "daemon", "stopped");
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	static struct daemon d = {.punt_fd = -1, .ask_fd = -1};
	int status;

	d.started_ns = sl_clock_ns(NULL);
	if (options_parse(&d.opt, argc, argv, &status) < 0)
		return status;
	if (d.opt.check)
		return check(&d);
	if (!read_conf(&d))
		return EXIT_FAILURE;
	return run(&d);
}
