// Objects: names of their enums, life, notes.
#include "sl_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sl_str.h"
#include "spec.h"

const char *
sl_resolution_name(enum sl_resolution r)
{
	static const char *const names[] = {
		[SL_RESOLUTION_NONE] = "NONE",
		[SL_RESOLUTION_STATIC] = "STATIC",
		[SL_RESOLUTION_DNS] = "DNS",
		[SL_RESOLUTION_DNS_ROUND_ROBIN] = "DNS_ROUND_ROBIN",
		[SL_RESOLUTION_DYNAMIC_DNS] = "DYNAMIC_DNS",
	};

	return names[r];
}

const char *
sl_location_name(enum sl_location l)
{
	return l == SL_MESH_INTERNAL ? "MESH_INTERNAL" : "MESH_EXTERNAL";
}

struct sl_object *
sl_object_new(enum sl_kind kind)
{
	struct sl_object *obj = sl_xcalloc(1, sizeof(*obj));

	obj->kind = kind;
	return obj;
}

static void
note_fini(struct sl_note *note)
{
	free(note->path);
	free(note->message);
}

void
sl_object_free(struct sl_object *obj)
{
	if (!obj)
		return;
	spec_fini(obj);
	for (uint32_t i = 0; i < obj->n_notes; i++)
		note_fini(&obj->notes[i]);
	free(obj->notes);
	labels_free(obj->meta.labels, obj->meta.n_labels);
	labels_free(obj->meta.annotations, obj->meta.n_annotations);
	free(obj->rejected);
	free(obj->meta.name);
	free(obj->meta.namespace_);
	free(obj->meta.creation);
	free(obj->api_version);
	free(obj->json);
	free((char *)obj->loc.file);
	free(obj);
}

void
sl_object_note(struct sl_object *obj, const char *path, const struct sl_loc *loc, bool computed,
	const char *fmt, ...)
{
	struct sl_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	sl_buf_vprintf(&text, fmt, ap);
	va_end(ap);

	obj->notes = sl_xrealloc(obj->notes, obj->n_notes + 1, sizeof(*obj->notes));
	obj->notes[obj->n_notes++] = (struct sl_note){
		.path = sl_xstrdup(path),
		.message = sl_buf_take(&text),
		.line = loc ? loc->line : 0,
		.col = loc ? loc->col : 0,
		.computed = computed,
	};
}

void
sl_object_notes_clear_computed(struct sl_object *obj)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < obj->n_notes; i++) {
		if (obj->notes[i].computed)
			note_fini(&obj->notes[i]);
		else
			obj->notes[kept++] = obj->notes[i];
	}
	obj->n_notes = kept;
}

const char *
sl_object_title(const struct sl_object *obj, char *buf, size_t size)
{
	const char *ns = obj->meta.namespace_;

	snprintf(buf, size, "%s %s%s%s", sl_kind_name(obj->kind), ns, *ns ? "/" : "",
		obj->meta.name);
	return buf;
}
