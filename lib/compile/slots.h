// Endpoint slots: small stable numbers by which workers count an endpoint's flows.
//
// A slot belongs to (service port, address, port). It is NEW while a pass plans, LIVE while the
// service port has the endpoint, and RETIRED until it may be given to another one: when no endpoint
// set names it any more, incl. those that workers may still read, and no worker has a flow on it.
#pragma once

#include "sl_fwd.h"
#include "sl_model.h"

#define SLOT_NONE UINT32_MAX

// Names for listings, shared by a service port and its slots; they outlive the object.
struct origin {
	uint32_t refs;
	uint32_t port;
	const char *namespace_;
	const char *service;
	const char *host;
	const char *port_name;
	char text[];
};

struct origin *origin_new(const struct sl_service *svc, const struct sl_se_port *port);
struct origin *origin_get(struct origin *o);
void origin_put(struct origin *o);
bool origin_is(const struct origin *o, const struct sl_service *svc, const struct sl_se_port *port);

enum slot_state {
	SLOT_FREE,
	SLOT_NEW,
	SLOT_LIVE,
	SLOT_RETIRED,
};

struct slot {
	sl_be32 addr;
	sl_be16 port;
	uint8_t state; // enum slot_state
	bool taken;    // by the set that is being planned
	uint32_t weight;
	uint32_t sets;         // endpoint sets that exist and name it
	uint32_t entry;        // the service port
	uint32_t next, prev;   // of the same service port; next also links the free ones
	uint32_t older, newer; // among the retired
	struct origin *origin; // NULL while NEW
};

struct slots {
	struct slot *v;
	uint32_t max;
	uint32_t used;   // not FREE
	uint32_t top;    // those from here on were never used
	uint32_t free;   // list by next
	uint32_t oldest; // retired ones, the next to be looked at first
	uint32_t newest;
	uint32_t refs; // the owner and every endpoint set that names slots
};

struct slots *slots_new(uint32_t max);
void slots_put(struct slots *s); // also runs when the last endpoint set is freed

uint32_t slot_alloc(struct slots *s); // NEW, in no list; SLOT_NONE: none left
void slot_free(struct slots *s, uint32_t i);
void slot_live(struct slots *s, uint32_t i);    // from NEW or RETIRED
void slot_retire(struct slots *s, uint32_t i);  // from LIVE
void slot_requeue(struct slots *s, uint32_t i); // a retired one: looked at last
void slot_set_origin(struct slots *s, uint32_t i, struct origin *o);
// Counts the slots of eps as named until the set is freed.
void slots_hold(struct slots *s, struct sl_fwd_eps *eps);
