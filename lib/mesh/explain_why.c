// Why no service takes a flow: those that have its address or port, and what they lack.
#include <netinet/in.h>
#include <stdlib.h>

#include "explain_row.h"
#include "sl_str.h"

#define HINTS_MAX 5

const char *
explain_proto(uint8_t proto)
{
	return proto == IPPROTO_UDP ? "UDP" : "TCP";
}

static const struct sl_se_port *
port_of(const struct sl_mesh_service *svc, const struct sl_mesh_question *q)
{
	for (uint32_t i = 0; i < svc->n_ports; i++)
		if (svc->port[i]->number == q->port &&
			sl_se_port_transport(svc->port[i]) == q->proto)
			return svc->port[i];
	return NULL;
}

static const struct sl_se_address *
address_of(const struct sl_mesh_service *svc, const struct sl_ip *to)
{
	for (uint32_t i = 0; i < svc->n_vips; i++)
		if (sl_prefix_contains(&svc->vip[i]->prefix, to))
			return svc->vip[i];
	return NULL;
}

static void
put_ports(const struct sl_mesh_service *svc, struct sl_buf *out)
{
	for (uint32_t i = 0; i < svc->n_ports; i++)
		sl_buf_printf(out, "%s%u/%s", i ? ", " : "", svc->port[i]->number,
			svc->port[i]->protocol ? svc->port[i]->protocol : "TCP");
}

// A sentence about the service into out; nothing when it has nothing to do with the question.
static void
hint(const struct sl_mesh_service *svc, const struct sl_mesh_question *q, unsigned client,
	const char *namespace_, struct sl_buf *out)
{
	const struct sl_se_port *port = port_of(svc, q);
	const struct sl_se_address *address = address_of(svc, &q->to);
	const char *why = svc->not_served;
	char title[600];

	// Without an address it is of any address on its ports.
	if (!address && (svc->n_vips > 0 || !port))
		return;
	why = why ? why : address ? sl_mesh_vip_not_served(address) : NULL;
	why = why ? why : port ? sl_mesh_port_not_served(svc, port) : NULL;
	sl_buf_printf(out, "%s has ", sl_object_title(svc->obj[0], title, sizeof(title)));
	if (address)
		sl_buf_printf(out, "the address %s", address->text);
	else
		sl_buf_printf(out, "no address and the port %u", q->port);
	if (!port) {
		sl_buf_puts(out, " with the ports ");
		put_ports(svc, out);
		sl_buf_printf(
			out, ": declare port %u, protocol %s", q->port, explain_proto(q->proto));
	} else if (!(svc->visible >> client & 1)) {
		sl_buf_printf(out,
			", and is not exported to the client: its exportTo would have to name the "
			"namespace %s",
			namespace_);
	} else if (!(svc->clients >> client & 1)) {
		sl_buf_printf(
			out, ", and for the client the host %s is another service", svc->host);
	} else if (why) {
		sl_buf_printf(out, ", and is not served: %s", why);
	} else {
		sl_buf_puts(out, ", and does not get this traffic: another service, or none that "
				 "could be told apart from it, has it (see its notes in describe)");
	}
}

void
explain_hints(struct sl_mesh *m, const struct sl_mesh_question *q, unsigned client,
	const char *namespace_, struct sl_emit *e)
{
	size_t n, hints = 0;
	const struct sl_mesh_service **svc = sl_mesh_list(m, NULL, NULL, &n);
	char to[SL_IP_STRLEN];

	sl_emit_arr(e, "hints");
	for (size_t i = 0; i < n && hints < HINTS_MAX; i++) {
		struct sl_buf text = {0};

		hint(svc[i], q, client, namespace_, &text);
		if (text.len > 0) {
			sl_emit_str(e, NULL, text.data);
			hints++;
		}
		sl_buf_fini(&text);
	}
	if (hints == 0)
		sl_emit_strf(e, NULL,
			"no ServiceEntry has the address %s, or no address and port %u: declare "
			"one with "
			"addresses [%s] and port %u, protocol %s, exported to the namespace %s",
			sl_ip_str(&q->to, to), q->port, to, q->port, explain_proto(q->proto),
			namespace_);
	sl_emit_end(e);
	free(svc);
}
