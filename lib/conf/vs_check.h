// What a VirtualService must be (istio-semantics 2.8), and the remarks on what has no effect here.
// A file each for the object, its hosts, matches, http routes, and the order of routes.
#pragma once

#include "sl_conf.h"
#include "spot.h"

const struct schema *vs_schema(void); // of its spec

// What the rules of one object share.
struct vs_check {
	struct reader *r;
	const struct sl_object *obj;
	struct spot spec;
	bool delegate; // has no hosts
	bool mesh;     // routes the traffic of clients
	bool gateways; // routes the traffic of gateways
};

// obj was read from root; adds errors and warnings for what the rows cannot say.
void vs_rules(struct reader *r, const struct node *root, const struct sl_object *obj);
// obj is valid: notes on it, each also a warning, for what is not served or has no effect.
void vs_remarks(struct reader *r, const struct node *root, struct sl_object *obj);

void vs_check_hosts(const struct vs_check *c);                                // V2..V4, V21
void vs_check_gateways(const struct vs_check *c, const struct spot *list);    // V6
void vs_check_http(const struct vs_check *c, const struct spot *route);       // V7, V13..V19
void vs_check_http_match(const struct vs_check *c, const struct spot *route); // V10, V11, V22
void vs_check_string_match(const struct vs_check *c, const struct spot *m, bool may_be_empty);
void vs_check_source_labels(const struct vs_check *c, const struct spot *match); // V22
void vs_check_weights(const struct vs_check *c, const struct spot *list);        // V9
void vs_check_order(const struct vs_check *c, const char *key);                  // V24
