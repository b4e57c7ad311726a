// Reading objects out of several files into one list, where a name may stand once.
#pragma once

#include "node.h"
#include "sl_conf.h"

struct objects_reader {
	struct sl_diags *diags;
	const char *file;
	enum sl_origin origin;
	struct sl_objects *out;
	size_t errors;
	bool broken; // the document at hand has errors below the schema: its objects are left out
	struct doc doc;     // the document at hand
	struct sl_buf text; // scratch
};

// Zeroed and its first fields set is a reader; it can go on to another file and list.
void objects_reader_fini(struct objects_reader *o);

void objects_read(struct objects_reader *o, const char *text, size_t len);
// The same in steps, for one that cuts the stream itself: a document whose first line is `line` of
// the file, and the check that document n (from 1) is not one too many (an error then).
void objects_read_doc(struct objects_reader *o, const char *text, size_t len, uint32_t line);
bool objects_too_many(struct objects_reader *o, size_t n, uint32_t line);
