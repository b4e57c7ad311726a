#pragma once

#include "mesh.h"

// Why nothing can be sent to the destination as it is written; NULL: nothing is wrong. The caller
// frees it.
char *dest_problem(const struct sl_mesh *m, const struct dest *d);
void cluster_make(
	struct sl_mesh *m, unsigned client, const struct dest *d, struct sl_mesh_cluster *c);
void cluster_fini(struct sl_mesh_cluster *c);
