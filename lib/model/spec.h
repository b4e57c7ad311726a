// The specs of objects: what frees them.
#pragma once

#include "sl_model.h"

void spec_fini(struct sl_object *obj);
void labels_free(struct sl_label *v, uint32_t n);
