#include "describe.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "row.h"
#include "safe.h"
#include "sl_str.h"
#include "table.h"

#define INDENT 15

static void
put_key(FILE *out, const char *key)
{
	fprintf(out, "%s:%*s", key, (int)(INDENT - 1 - strlen(key)), "");
}

static void
put_line(FILE *out, const char *key, const char *value)
{
	put_key(out, key);
	safe_put(out, *value ? value : "<none>", "");
	putc('\n', out);
}

static void
put_pairs(FILE *out, const char *key, const json_t *pairs)
{
	const char *name;
	json_t *value;
	unsigned n = 0;

	put_key(out, key);
	if (json_object_size(pairs) == 0)
		fputs("<none>\n", out);
	json_object_foreach((json_t *)pairs, name, value)
	{
		const char *text = json_string_value(value);

		fprintf(out, "%*s", n++ > 0 ? INDENT : 0, "");
		safe_put(out, name, "");
		putc('=', out);
		safe_put(out, text ? text : "", "");
		putc('\n', out);
	}
}

// "file:12", or "socket": where the object as it is in force was written.
static void
put_origin(FILE *out, const json_t *row)
{
	const char *file = text_of(row, "file");
	char *text;

	if (*file)
		text = sl_xasprintf(
			"%s (%s:%lld)", text_of(row, "origin"), file, number_of(row, "line"));
	else
		text = sl_xstrdup(text_of(row, "origin"));
	put_line(out, "Origin", text);
	free(text);
}

static void
put_conditions(FILE *out, const json_t *conditions)
{
	size_t i;
	json_t *c;

	fputs("Conditions:\n", out);
	json_array_foreach((json_t *)conditions, i, c)
	{
		char *line = sl_xasprintf("  %-12s %-7s %-20s %s", text_of(c, "type"),
			text_of(c, "status"), text_of(c, "reason"), text_of(c, "message"));

		// No line ends with blanks.
		for (size_t len = strlen(line); len > 0 && line[len - 1] == ' ';)
			line[--len] = '\0';
		safe_put(out, line, "");
		putc('\n', out);
		free(line);
	}
}

static void
put_notes(FILE *out, const json_t *row)
{
	const json_t *notes = json_object_get(row, "notes");
	const char *file = text_of(row, "file");
	size_t i;
	json_t *note;

	fprintf(out, "Notes:%s\n", json_array_size(notes) > 0 ? "" : "         <none>");
	json_array_foreach((json_t *)notes, i, note)
	{
		const char *path = text_of(note, "path");
		char *place = sl_xstrdup("");

		if (*file && number_of(note, "line") > 0) {
			free(place);
			place = sl_xasprintf("%s:%lld:%lld: ", file, number_of(note, "line"),
				number_of(note, "col"));
		}
		char *line = sl_xasprintf(
			"  %s%s%s%s\n", place, path, *path ? ": " : "", text_of(note, "message"));

		safe_put(out, line, "\n");
		free(line);
		free(place);
	}
}

static void
put_ports(FILE *out, const json_t *ports)
{
	size_t i;
	json_t *port;

	fputs("    Ports:", out);
	json_array_foreach((json_t *)ports, i, port)
	{
		const long long number = number_of(port, "number");
		const long long target = number_of(port, "targetPort");
		char *text = target && target != number
				     ? sl_xasprintf(" %lld->%lld/%s(%s)", number, target,
					       text_of(port, "protocol"), text_of(port, "name"))
				     : sl_xasprintf(" %lld/%s(%s)", number,
					       text_of(port, "protocol"), text_of(port, "name"));

		safe_put(out, text, "");
		free(text);
	}
	putc('\n', out);
}

// "WorkloadEntry shop/vm1 (vms.yaml:12)", or "".
static char *
origin_of(const json_t *ep)
{
	const char *source = text_of(ep, "source"), *file = text_of(ep, "file");

	if (!*file)
		return sl_xstrdup(source);
	return sl_xasprintf("%s (%s:%lld)", source, file, number_of(ep, "line"));
}

// "198.51.100.11:80 (api.example.com)": the address of a name.
static void
put_address(FILE *out, const json_t *ep)
{
	const char *address = text_of(ep, "address"), *name = text_of(ep, "name");
	const bool v6 = strchr(address, ':') != NULL;
	const bool named = *name && strcmp(name, address) != 0;
	char *at = sl_xasprintf("%s%s%s:%lld%s%s%s", v6 ? "[" : "", address, v6 ? "]" : "",
		number_of(ep, "port"), named ? " (" : "", named ? name : "", named ? ")" : "");
	char *line = sl_xasprintf("      %-23s", at);

	safe_put(out, line, "");
	free(line);
	free(at);
}

static void
put_endpoint(FILE *out, const json_t *ep)
{
	const char *locality = text_of(ep, "locality"), *reason = text_of(ep, "reason");
	char *from = origin_of(ep);
	char *text = sl_xasprintf(" %-10s weight %-5lld %s%s%s%s%s%s%s%s\n",
		text_of(ep, "portName"), number_of(ep, "weight"), text_of(ep, "state"),
		*reason ? " (" : "", reason, *reason ? ")" : "", *locality ? "  " : "", locality,
		*from ? "  " : "", from);

	put_address(out, ep);
	safe_put(out, text, "\n");
	free(text);
	free(from);
}

static void
put_endpoints(FILE *out, const json_t *svc)
{
	const json_t *endpoints = json_object_get(svc, "endpoints");
	const json_t *draining = json_object_get(svc, "draining");
	const bool any = json_array_size(endpoints) + json_array_size(draining) > 0;
	size_t i;
	json_t *ep;

	fprintf(out, "    Endpoints:%s\n", any ? "" : " <none>");
	json_array_foreach((json_t *)endpoints, i, ep) put_endpoint(out, ep);
	json_array_foreach((json_t *)draining, i, ep)
	{
		put_address(out, ep);
		fprintf(out, " draining, %lld flows\n", number_of(ep, "flows"));
	}
}

// Who sees it: "192.0.2.0/24 (namespace shop)", and group 0 for all that no CIDR has.
static void
put_clients(FILE *out, const json_t *clients)
{
	size_t i, k;
	json_t *client, *cidr;

	if (!clients)
		return;
	fprintf(out, "    Clients:%s\n", json_array_size(clients) > 0 ? "" : " <none>");
	json_array_foreach((json_t *)clients, i, client)
	{
		const json_t *cidrs = json_object_get(client, "cidrs");

		fputs("      namespace ", out);
		safe_put(out, text_of(client, "namespace"), "");
		fputs(number_of(client, "group") == 0 ? ": all that no CIDR of clients has" : ":",
			out);
		json_array_foreach((json_t *)cidrs, k, cidr)
		{
			putc(' ', out);
			safe_put(out, json_string_value(cidr) ? json_string_value(cidr) : "", "");
		}
		putc('\n', out);
	}
}

// The VirtualServices or DestinationRules that it has.
static void
put_chosen(FILE *out, const char *title, const json_t *chosen)
{
	size_t i;
	json_t *obj;

	json_array_foreach((json_t *)chosen, i, obj)
	{
		char *line = sl_xasprintf("    %s: %s (%s:%lld)\n", title, text_of(obj, "object"),
			text_of(obj, "file"), number_of(obj, "line"));

		safe_put(out, line, "\n");
		free(line);
	}
}

static void
put_service(FILE *out, const json_t *svc)
{
	const char *reason = text_of(svc, "reason");
	char *head = sl_xasprintf("  %s\n    Tier: %s%s%s\n", text_of(svc, "host"),
		text_of(svc, "tier"), *reason ? ", " : "", reason);
	size_t i;
	json_t *vip;

	safe_put(out, head, "\n");
	free(head);
	fputs("    VIPs:", out);
	json_array_foreach(json_object_get(svc, "vips"), i, vip)
	{
		putc(' ', out);
		safe_put(out, json_string_value(vip) ? json_string_value(vip) : "", "");
	}
	fputs(i == 0 ? " <none>\n" : "\n", out);
	put_ports(out, json_object_get(svc, "ports"));
	put_clients(out, json_object_get(svc, "clients"));
	put_chosen(out, "VirtualService", json_object_get(svc, "virtualServices"));
	put_chosen(out, "DestinationRule", json_object_get(svc, "destinationRules"));
	put_endpoints(out, svc);
}

static void
put_events(FILE *out, const json_t *events)
{
	size_t i;
	json_t *event;

	if (!events)
		return;
	fprintf(out, "Events:%s\n", json_array_size(events) > 0 ? "" : "        <none>");
	json_array_foreach((json_t *)events, i, event)
	{
		const long long count = number_of(event, "count");
		char *times = count > 1 ? sl_xasprintf(" (x%lld)", count) : sl_xstrdup("");
		char *line = sl_xasprintf("  %-8s %-18s %s ago%s  %s: %s\n", text_of(event, "type"),
			text_of(event, "reason"), text_of(event, "age"), times,
			text_of(event, "object"), text_of(event, "message"));

		safe_put(out, line, "\n");
		free(line);
		free(times);
	}
}

void
describe(FILE *out, const json_t *row, bool more)
{
	char generation[32];
	size_t i;
	json_t *svc;

	if (more)
		fputs("\n\n", out);
	put_line(out, "Name", text_of(row, "name"));
	put_line(out, "Namespace", text_of(row, "namespace"));
	put_line(out, "Kind", text_of(row, "kind"));
	put_pairs(out, "Labels", json_object_get(row, "labels"));
	put_pairs(out, "Annotations", json_object_get(row, "annotations"));
	put_line(out, "Created", text_of(row, "creation"));
	put_origin(out, row);
	snprintf(generation, sizeof(generation), "%lld", number_of(row, "generation"));
	put_line(out, "Generation", generation);
	put_line(out, "Status", text_of(row, "status"));
	put_conditions(out, json_object_get(row, "conditions"));
	put_notes(out, row);
	fputs("Services:\n", out);
	json_array_foreach(json_object_get(row, "services"), i, svc) put_service(out, svc);
	put_events(out, json_object_get(row, "events"));
}
