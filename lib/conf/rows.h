// The schemas there are.
#pragma once

#include "schema.h"
#include "sl_conf.h"

const struct schema *conf_schema(void); // sluice.yaml, into struct sl_conf
// An object of that kind, into struct sl_object.
const struct schema *object_schema(enum sl_kind kind);

// Checks of sluice.yaml that need more than one field.
void conf_check(struct reader *r, const struct sl_conf *conf);
// Where a path stands: itself, or the nearest thing around it that was given.
struct sl_loc conf_place(const struct sl_conf *conf, const char *path);
