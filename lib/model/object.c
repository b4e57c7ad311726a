// Objects: names of enums, life, notes.
#include "sl_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sl_str.h"

static const struct {
	const char *name;
	const char *plural;
	const char *brief; // kubectl's short name
} kinds[SL_KIND_MAX] = {
	[SL_KIND_SERVICE_ENTRY] = {"ServiceEntry", "serviceentries", "se"},
};

const char *
sl_kind_name(enum sl_kind kind)
{
	return kinds[kind].name;
}

int
sl_kind_parse(const char *text, enum sl_kind *kind)
{
	for (int k = 0; k < SL_KIND_MAX; k++) {
		if (strcasecmp(text, kinds[k].name) == 0 ||
			strcasecmp(text, kinds[k].plural) == 0 ||
			strcasecmp(text, kinds[k].brief) == 0) {
			*kind = k;
			return 0;
		}
	}
	return -EINVAL;
}

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
labels_free(struct sl_label *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		free(v[i].key);
		free(v[i].value);
	}
	free(v);
}

static void
strings_free(char **v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

static void
endpoint_fini(struct sl_se_endpoint *ep)
{
	for (uint32_t i = 0; i < ep->n_ports; i++)
		free(ep->ports[i].name);
	free(ep->ports);
	labels_free(ep->labels, ep->n_labels);
	free(ep->address);
	free(ep->network);
	free(ep->locality);
	free(ep->service_account);
}

static void
service_entry_fini(struct sl_service_entry *se)
{
	strings_free(se->hosts, se->n_hosts);
	for (uint32_t i = 0; i < se->n_addresses; i++)
		free(se->addresses[i].text);
	free(se->addresses);
	for (uint32_t i = 0; i < se->n_ports; i++) {
		free(se->ports[i].name);
		free(se->ports[i].protocol);
	}
	free(se->ports);
	for (uint32_t i = 0; i < se->n_endpoints; i++)
		endpoint_fini(&se->endpoints[i]);
	free(se->endpoints);
	strings_free(se->export_to, se->n_export_to);
	strings_free(se->subject_alt_names, se->n_subject_alt_names);
	labels_free(se->selector, se->n_selector);
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
	switch (obj->kind) {
	case SL_KIND_SERVICE_ENTRY:
		service_entry_fini(&obj->se);
		break;
	case SL_KIND_MAX:
		break;
	}
	for (uint32_t i = 0; i < obj->n_notes; i++)
		note_fini(&obj->notes[i]);
	free(obj->notes);
	labels_free(obj->meta.labels, obj->meta.n_labels);
	labels_free(obj->meta.annotations, obj->meta.n_annotations);
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
	snprintf(buf, size, "%s %s/%s", sl_kind_name(obj->kind), obj->meta.namespace_,
		obj->meta.name);
	return buf;
}
