#pragma once

#include "mesh.h"

void find(struct sl_diags *diags, const struct sl_object *obj, const char *rule,
	const struct sl_loc *at, const char *path, const char *message);
void find_in_entry(struct sl_mesh *m, const struct sl_object *se, struct sl_diags *diags);
// Keys that several services claim. only: those that the object is part of.
void find_conflicts(struct sl_mesh *m, const struct sl_object *only, struct sl_diags *diags);
