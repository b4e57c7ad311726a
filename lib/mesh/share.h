// Which part of new flows an endpoint gets.
#pragma once

#include "sl_mesh_binding.h"

// Percent of the new flows of the cluster's binding, as priorities, localities and weights have it
// while the endpoints are equally loaded; < 0: it can't be told (panic, where unhealthy ones
// count).
double share_of(const struct sl_mesh_binding *b, const struct sl_mesh_candidate *c);
