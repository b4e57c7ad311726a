// The specs of objects: what frees them, and where their parts stand.
#pragma once

#include "sl_model.h"

void spec_fini(struct sl_object *obj);
void labels_free(struct sl_label *v, uint32_t n);
// Both have the same content: to gets the places of from.
void spec_take_places(struct sl_object *to, const struct sl_object *from);
