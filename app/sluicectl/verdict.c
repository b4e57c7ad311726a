#include "verdict.h"

#include <stdlib.h>
#include <string.h>

#include "row.h"
#include "safe.h"
#include "sl_str.h"

#define INDENT  10
#define COLUMNS 8

// Takes over the value.
static void
put_line(FILE *out, const char *key, char *value)
{
	fprintf(out, "%s%s%*s", key, *key ? ":" : " ", (int)(INDENT - 1 - strlen(key)), "");
	safe_put(out, value, "");
	putc('\n', out);
	free(value);
}

static void
put_flow(FILE *out, const json_t *flow)
{
	put_line(out, "Flow",
		sl_xasprintf("%s %s -> %s", text_of(flow, "proto"), text_of(flow, "from"),
			text_of(flow, "to")));
}

static void
put_client(FILE *out, const json_t *client)
{
	const char *locality = text_of(client, "locality"), *cidr = text_of(client, "cidr"), *key;
	struct sl_buf text = {0};
	json_t *value;

	sl_buf_printf(&text, "namespace %s", text_of(client, "namespace"));
	json_object_foreach(json_object_get(client, "labels"), key, value) sl_buf_printf(&text,
		", label %s=%s", key, json_string_value(value) ? json_string_value(value) : "");
	if (*locality)
		sl_buf_printf(&text, ", locality %s", locality);
	if (*cidr)
		sl_buf_printf(&text, " (clients %s, %s:%lld)", cidr, text_of(client, "file"),
			number_of(client, "line"));
	else
		sl_buf_puts(&text, " (node: no entry of clients has the address)");
	put_line(out, "Client", sl_xstrdup(text.data));
	sl_buf_fini(&text);
}

static void
put_service(FILE *out, const json_t *row)
{
	const json_t *svc = json_object_get(row, "service");
	const char *matched = text_of(row, "matched"), *route = text_of(row, "route");

	if (!json_is_object(svc))
		return;
	put_line(out, "Service",
		sl_xasprintf("%s/%s port %lld, by %s%s%s", text_of(svc, "namespace"),
			text_of(svc, "host"), number_of(svc, "port"), text_of(row, "matchedBy"),
			*matched ? " " : "", matched));
	if (*route)
		put_line(out, "Route", sl_xstrdup(route));
	put_line(out, "Source", sl_xstrdup(text_of(row, "source")));
}

static void
put_clusters(FILE *out, const json_t *clusters)
{
	const bool several = json_array_size(clusters) > 1;
	size_t i;
	json_t *c;

	json_array_foreach((json_t *)clusters, i, c)
	{
		const char *rule = text_of(c, "destinationRule"), *problem = text_of(c, "problem");
		struct sl_buf text = {0};

		sl_buf_printf(&text, "%s, %s", text_of(c, "name"), text_of(c, "balancer"));
		if (several)
			sl_buf_printf(&text, ", weight %lld", number_of(c, "weight"));
		if (number_of(c, "targetPort"))
			sl_buf_printf(&text, ", to port %lld", number_of(c, "targetPort"));
		if (*rule)
			sl_buf_printf(&text, ", %s", rule);
		if (*problem)
			sl_buf_printf(&text, ": %s", problem);
		put_line(out, i ? "" : "Cluster", sl_xstrdup(text.data));
		sl_buf_fini(&text);
	}
}

// ---- candidates ----

static const char *const titles[COLUMNS] = {
	"ENDPOINT", "STATE", "SHARE", "WEIGHT", "PRIORITY", "FLOWS", "CLUSTER", "SOURCE"};

static char *
cell(const json_t *c, int column)
{
	const json_t *share = json_object_get(c, "sharePercent");
	const char *problem = text_of(c, "problem"), *file = text_of(c, "file");
	const char *name = text_of(c, "name");

	switch (column) {
	case 0:
		return sl_xasprintf("%s:%lld%s%s%s", text_of(c, "address"), number_of(c, "port"),
			*name ? " (" : "", name, *name ? ")" : "");
	case 1:
		return sl_xasprintf("%s%s%s%s", text_of(c, "state"), *problem ? " (" : "", problem,
			*problem ? ")" : "");
	case 2:
		return json_is_number(share) ? sl_xasprintf("%.1f%%", json_number_value(share))
					     : sl_xstrdup("-");
	case 3:
		return sl_xasprintf("%lld", number_of(c, "weight"));
	case 4:
		return sl_xasprintf("%lld", number_of(c, "priority"));
	case 5:
		return json_is_integer(json_object_get(c, "flows"))
			       ? sl_xasprintf("%lld", number_of(c, "flows"))
			       : sl_xstrdup("-");
	case 6:
		return sl_xstrdup(text_of(c, "cluster"));
	default:
		return *file ? sl_xasprintf("%s (%s:%lld)", text_of(c, "source"), file,
				       number_of(c, "line"))
			     : sl_xstrdup(text_of(c, "source"));
	}
}

static void
put_cell(FILE *out, const char *text, int column, unsigned width)
{
	struct sl_buf shown = {0};
	const unsigned columns = safe_cell(&shown, text);

	fprintf(out, "  %s", shown.data ? shown.data : "");
	if (column < COLUMNS - 1)
		fprintf(out, "%*s", (int)(width - columns), "");
	sl_buf_fini(&shown);
}

static unsigned
width_of(const json_t *candidates, int column)
{
	unsigned width = strlen(titles[column]);
	size_t i;
	json_t *c;

	json_array_foreach((json_t *)candidates, i, c)
	{
		struct sl_buf shown = {0};
		char *text = cell(c, column);
		const unsigned columns = safe_cell(&shown, text);

		width = columns > width ? columns : width;
		sl_buf_fini(&shown);
		free(text);
	}
	return width;
}

static void
put_candidates(FILE *out, const json_t *candidates)
{
	unsigned width[COLUMNS];
	size_t i;
	json_t *c;

	if (json_array_size(candidates) == 0)
		return;
	for (int k = 0; k < COLUMNS; k++)
		width[k] = width_of(candidates, k);
	for (int k = 0; k < COLUMNS; k++)
		put_cell(out, titles[k], k, width[k]);
	putc('\n', out);
	json_array_foreach((json_t *)candidates, i, c)
	{
		for (int k = 0; k < COLUMNS; k++) {
			char *text = cell(c, k);

			put_cell(out, text, k, width[k]);
			free(text);
		}
		putc('\n', out);
	}
}

static void
put_sentences(FILE *out, const char *key, const json_t *list)
{
	size_t i;
	json_t *text;

	json_array_foreach((json_t *)list, i, text) put_line(out, i ? "" : key,
		sl_xstrdup(json_string_value(text) ? json_string_value(text) : ""));
}

void
verdict(FILE *out, const json_t *row)
{
	put_flow(out, json_object_get(row, "flow"));
	put_client(out, json_object_get(row, "client"));
	put_line(out, "Verdict",
		sl_xasprintf("%s: %s", text_of(row, "verdict"), text_of(row, "reason")));
	put_service(out, row);
	put_clusters(out, json_object_get(row, "clusters"));
	put_candidates(out, json_object_get(row, "candidates"));
	put_sentences(out, "Hint", json_object_get(row, "hints"));
	put_sentences(out, "Note", json_object_get(row, "notes"));
}
