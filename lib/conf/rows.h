// The schemas there are.
#pragma once

#include "schema.h"
#include "sl_conf.h"

const struct schema *conf_schema(void);         // sluice.yaml, into struct sl_conf
extern const struct schema meta_schema;         // metadata, into struct sl_meta
extern const struct schema cluster_meta_schema; // of a cluster-scoped kind
extern const struct schema se_schema;           // spec of a ServiceEntry

// Checks of sluice.yaml that need more than one field.
void conf_check(struct reader *r, const struct sl_conf *conf);
// Where a path stands: itself, or the nearest thing around it that was given.
struct sl_loc conf_place(const struct sl_conf *conf, const char *path);
