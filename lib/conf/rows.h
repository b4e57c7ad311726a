// The schemas there are.
#pragma once

#include "schema.h"
#include "sl_conf.h"

const struct schema *conf_schema(void);         // sluice.yaml, into struct sl_conf
const struct schema *meta_schema(void);         // metadata, into struct sl_meta
const struct schema *cluster_meta_schema(void); // of a cluster-scoped kind
const struct schema *pod_meta_schema(void);
const struct schema *se_schema(void); // spec of a ServiceEntry
const struct schema *se_meta_schema(void);
const struct schema *se_annotations_schema(void); // those of sluice.io
const struct schema *se_status_schema(void);

const struct schema *clients_schema(void); // an entry of clients, struct sl_conf_clients
const struct schema *mesh_schema(void);    // mesh, into struct sl_conf
const struct schema *dns_schema(void);     // dns, into struct sl_conf

// Makes the client groups out of node and clients: everything in conf is read and valid by itself.
void conf_groups(struct reader *r, struct sl_conf *conf);
// A finding at that path of sluice.yaml.
void conf_say(struct reader *r, const struct sl_conf *conf, enum sl_severity severity,
	const char *path, const char *fmt, ...) SL_PRINTF(5, 6);

// Checks of sluice.yaml that need more than one field.
void conf_check(struct reader *r, const struct sl_conf *conf);
void conf_dns_check(struct reader *r, const struct sl_conf *conf); // of dns alone
bool conf_overlap(const struct sl_prefix *a, const struct sl_prefix *b);
// Where a path stands: itself, or the nearest thing around it that was given.
struct sl_loc conf_place(const struct sl_conf *conf, const char *path);
