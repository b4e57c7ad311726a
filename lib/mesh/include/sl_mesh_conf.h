// sluice.yaml to the mesh: the client groups, and what Istio has in MeshConfig.
//
// Owner:   the mesh copies.
// Threads: as sl_mesh.h.
// Errors:  none.
#pragma once

#include "sl_conf.h"
#include "sl_mesh.h"

// sl_mesh_configure() with what conf says, for the daemon and the offline tools alike.
void sl_mesh_configure_conf(struct sl_mesh *m, const struct sl_conf *conf);
