// Reading objects out of several files into one list, where a name may stand once.
#pragma once

#include "sl_conf.h"

// Open addressing over out->v by (kind, namespace, name): slot holds index + 1.
struct name_index {
	struct sl_objects *out;
	uint32_t *slots;
	size_t n_slots; // power of two
};
void name_index_init(struct name_index *index, struct sl_objects *out);
void name_index_fini(struct name_index *index);

struct objects_reader {
	struct sl_diags *diags;
	const char *file;
	enum sl_origin origin;
	struct name_index *index;
	size_t errors;
	bool broken; // the document at hand has errors below the schema: its objects are left out
};

void objects_read(struct objects_reader *o, const char *text, size_t len);
