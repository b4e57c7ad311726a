// What an Istio Gateway must be (istio-semantics 2.7), and the remarks on what has no effect here.
#pragma once

#include "sl_conf.h"
#include "spot.h"

const struct schema *gw_schema(void); // of its spec

// obj was read from root; adds errors and warnings for what the rows cannot say.
void gw_rules(struct reader *r, const struct node *root, const struct sl_object *obj);
// obj is valid: notes on it, each also a warning, for what is not served or has no effect.
void gw_remarks(struct reader *r, const struct node *root, struct sl_object *obj);

// The tls block of a server (G7..G16). protocol: in upper case.
void gw_check_tls(struct reader *r, const struct spot *server, const char *protocol);
