#pragma once

#include "sl_mesh.h"

char *config_text(const struct sl_mesh_cfg *cfg); // equal for equal ones; the caller frees it
void config_copy(struct sl_mesh_cfg *to, const struct sl_mesh_cfg *from);
void config_fini(struct sl_mesh_cfg *cfg);
