// The configuration of a mesh: an owned copy, and a text that tells two of them apart.
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "sl_str.h"

#define DEFAULT_CONNECT_TIMEOUT_NS (10 * SL_NSEC_PER_SEC)

static const struct sl_name_policy default_names = {.families = SL_NAME_V4,
	.refresh_min_ns = SL_NSEC_PER_SEC,
	.refresh_max_ns = 300 * SL_NSEC_PER_SEC,
	.max_stale_ns = 3600 * SL_NSEC_PER_SEC};

// ---- as text: every value is behind its length, so that no two configurations look the same ----

static void
say(struct sl_buf *b, const char *text)
{
	sl_buf_printf(b, "%zu:%s", text ? strlen(text) : 0, text ? text : "");
}

static void
say_names(struct sl_buf *b, const struct sl_mesh_names *names)
{
	sl_buf_printf(b, "[%u", names->n);
	for (uint32_t i = 0; i < names->n; i++)
		say(b, names->v[i]);
}

static void
say_client(struct sl_buf *b, const struct sl_mesh_client *c)
{
	say(b, c->namespace_);
	say(b, c->locality);
	say(b, c->network);
	sl_buf_printf(b, "{%u", c->n_labels);
	for (uint32_t i = 0; i < c->n_labels; i++) {
		say(b, c->labels[i].key);
		say(b, c->labels[i].value);
	}
}

static void
say_locality(struct sl_buf *b, const struct sl_locality_lb *l)
{
	sl_buf_printf(b, "L%u%u[%u", l->given, l->disabled, l->n_distribute);
	for (uint32_t i = 0; i < l->n_distribute; i++) {
		say(b, l->distribute[i].from);
		sl_buf_printf(b, "[%u", l->distribute[i].n_to);
		for (uint32_t k = 0; k < l->distribute[i].n_to; k++) {
			say(b, l->distribute[i].to[k].locality);
			sl_buf_printf(b, "=%u", l->distribute[i].to[k].weight);
		}
	}
	sl_buf_printf(b, "[%u", l->n_failover);
	for (uint32_t i = 0; i < l->n_failover; i++) {
		say(b, l->failover[i].from);
		say(b, l->failover[i].to);
	}
	say_names(b, &(struct sl_mesh_names){l->failover_priority, l->n_failover_priority});
}

static void
say_policy(struct sl_buf *b, const struct sl_name_policy *p)
{
	sl_buf_printf(b, "n%u,%u,%llu,%llu,%llu", p->families, p->strict,
		(unsigned long long)p->refresh_min_ns, (unsigned long long)p->refresh_max_ns,
		(unsigned long long)p->max_stale_ns);
}

static void
say_prefix(struct sl_buf *b, const struct sl_prefix *p)
{
	char text[SL_PREFIX_STRLEN];

	say(b, p->addr.family ? sl_prefix_str(p, text) : "");
}

char *
config_text(const struct sl_mesh_cfg *cfg)
{
	struct sl_buf b = {0};

	sl_buf_printf(&b, "%u", cfg->n_clients);
	for (uint32_t i = 0; i < cfg->n_clients; i++)
		say_client(&b, &cfg->client[i]);
	say(&b, cfg->root_namespace);
	say_names(&b, &cfg->se_export_to);
	say_names(&b, &cfg->vs_export_to);
	say_names(&b, &cfg->dr_export_to);
	sl_buf_printf(&b, "t%llu", (unsigned long long)cfg->connect_timeout_ns);
	say_policy(&b, cfg->names ? cfg->names : &default_names);
	say_prefix(&b, &cfg->auto_vip4);
	say_prefix(&b, &cfg->auto_vip6);
	if (cfg->locality)
		say_locality(&b, cfg->locality);
	return sl_buf_take(&b);
}

// ---- copies ----

static struct sl_mesh_names
copy_names(char *const *v, uint32_t n)
{
	char **copy = sl_xcalloc(n + 1, sizeof(*copy));

	for (uint32_t i = 0; i < n; i++)
		copy[i] = sl_xstrdup(v[i]);
	return (struct sl_mesh_names){copy, n};
}

static void
free_names(char *const *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(v[i]);
	free((void *)v);
}

static struct sl_locality_lb *
copy_locality(const struct sl_locality_lb *from)
{
	struct sl_locality_lb *l = sl_xcalloc(1, sizeof(*l));

	l->given = from->given;
	l->disabled = from->disabled;
	l->distribute = sl_xcalloc(from->n_distribute + 1, sizeof(*l->distribute));
	for (; l->n_distribute < from->n_distribute; l->n_distribute++) {
		const struct sl_lb_distribute *d = &from->distribute[l->n_distribute];
		struct sl_lb_distribute *copy = &l->distribute[l->n_distribute];

		copy->from = sl_xstrdup(d->from);
		copy->to = sl_xcalloc(d->n_to + 1, sizeof(*copy->to));
		for (; copy->n_to < d->n_to; copy->n_to++) {
			copy->to[copy->n_to].locality = sl_xstrdup(d->to[copy->n_to].locality);
			copy->to[copy->n_to].weight = d->to[copy->n_to].weight;
		}
	}
	l->failover = sl_xcalloc(from->n_failover + 1, sizeof(*l->failover));
	for (; l->n_failover < from->n_failover; l->n_failover++) {
		l->failover[l->n_failover].from = sl_xstrdup(from->failover[l->n_failover].from);
		l->failover[l->n_failover].to = sl_xstrdup(from->failover[l->n_failover].to);
	}
	l->failover_priority =
		(char **)copy_names(from->failover_priority, from->n_failover_priority).v;
	l->n_failover_priority = from->n_failover_priority;
	return l;
}

static void
copy_client(struct sl_mesh_client *to, const struct sl_mesh_client *from)
{
	struct sl_label *labels = sl_xcalloc(from->n_labels + 1, sizeof(*labels));

	for (uint32_t i = 0; i < from->n_labels; i++)
		labels[i] = (struct sl_label){
			sl_xstrdup(from->labels[i].key), sl_xstrdup(from->labels[i].value)};
	*to = (struct sl_mesh_client){.namespace_ = sl_xstrdup(from->namespace_),
		.labels = labels,
		.n_labels = from->n_labels,
		.locality = sl_xstrdup(from->locality ? from->locality : ""),
		.network = sl_xstrdup(from->network ? from->network : "")};
}

static void
free_client(struct sl_mesh_client *c)
{
	for (uint32_t i = 0; i < c->n_labels; i++) {
		free(c->labels[i].key);
		free(c->labels[i].value);
	}
	free((void *)c->labels);
	free((void *)c->namespace_);
	free((void *)c->locality);
	free((void *)c->network);
}

void
config_copy(struct sl_mesh_cfg *to, const struct sl_mesh_cfg *from)
{
	struct sl_mesh_client *client = sl_xcalloc(from->n_clients, sizeof(*client));

	struct sl_name_policy *names = sl_xcalloc(1, sizeof(*names));

	*names = from->names ? *from->names : default_names;
	for (uint32_t i = 0; i < from->n_clients; i++)
		copy_client(&client[i], &from->client[i]);
	*to = (struct sl_mesh_cfg){.client = client,
		.n_clients = from->n_clients,
		.root_namespace =
			sl_xstrdup(from->root_namespace ? from->root_namespace : "istio-system"),
		.se_export_to = copy_names(from->se_export_to.v, from->se_export_to.n),
		.vs_export_to = copy_names(from->vs_export_to.v, from->vs_export_to.n),
		.dr_export_to = copy_names(from->dr_export_to.v, from->dr_export_to.n),
		.connect_timeout_ns = from->connect_timeout_ns ? from->connect_timeout_ns
							       : DEFAULT_CONNECT_TIMEOUT_NS,
		.names = names,
		.auto_vip4 = from->auto_vip4,
		.auto_vip6 = from->auto_vip6,
		.locality = from->locality ? copy_locality(from->locality) : NULL,
		.allow_any = from->allow_any};
}

void
config_fini(struct sl_mesh_cfg *cfg)
{
	for (uint32_t i = 0; i < cfg->n_clients; i++)
		free_client((struct sl_mesh_client *)&cfg->client[i]);
	free((void *)cfg->client);
	free((void *)cfg->root_namespace);
	free((void *)cfg->names);
	free_names(cfg->se_export_to.v, cfg->se_export_to.n);
	free_names(cfg->vs_export_to.v, cfg->vs_export_to.n);
	free_names(cfg->dr_export_to.v, cfg->dr_export_to.n);
	if (cfg->locality)
		sl_locality_lb_fini((struct sl_locality_lb *)cfg->locality);
	free((void *)cfg->locality);
	*cfg = (struct sl_mesh_cfg){0};
}
