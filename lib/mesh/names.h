// Names within the mesh: who uses them, and the endpoints that their answers make.
#pragma once

#include "mesh.h"

// The endpoints of one that is a name, into the service, which uses the name from here on: one for
// each address, or one without an address.
void mesh_name_endpoints(struct sl_mesh *m, struct service *s, const struct sl_mesh_endpoint *as);
// The service uses no name any more.
void mesh_names_release(struct sl_mesh *m, struct service *s);
// No endpoint points into answers that were replaced: they go.
void mesh_names_drop_old(struct sl_mesh *m);
void mesh_names_fini(struct sl_mesh *m); // the services are gone
