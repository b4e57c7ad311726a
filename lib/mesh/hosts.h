// Rows of sl_mesh_hosts.h: which of them changed.
#pragma once

#include "mesh.h"

void hosts_follow(struct sl_mesh *m, struct service *s); // it was told, and judged
void hosts_gone(struct sl_mesh *m, const struct service *s);
