// What a DestinationRule must be (istio-semantics 2.6), and the remarks on what has no effect here.
// A file each for the rule itself, balancing, localities, limits and TLS.
#pragma once

#include "se_check.h"

const struct schema *dr_schema(void);       // of spec
const struct schema *locality_schema(void); // localityLbSetting, struct sl_locality_lb

// Where the blocks loadBalancer, connectionPool, outlierDetection and tls stand: in the rule's or a
// subset's trafficPolicy, or in an entry of its portLevelSettings.
struct dr_block {
	const struct node *node;
	char path[128]; // "spec.subsets[1].trafficPolicy"
	bool is_port;   // an entry of portLevelSettings
	const struct sl_load_balancer *lb;
	const struct sl_connection_pool *pool;
	const struct sl_port_policy *ports; // of a trafficPolicy
	uint32_t n_ports;
};
typedef void dr_block_fn(struct se_check *c, const struct dr_block *b);
// Each in turn, as far as it could be read as a mapping.
void dr_each_block(struct se_check *c, dr_block_fn *fn);

// What stands at "loadBalancer.warmup" in the block, NULL when it is not there, or null.
const struct node *dr_find(const struct dr_block *b, const char *path);
// The text of a scalar there, or "".
const char *dr_text(const struct dr_block *b, const char *path);
bool dr_is_true(const struct dr_block *b, const char *path);

// A name, and where it stands in its list.
struct dr_name {
	const char *text;
	uint32_t i;
};
// Complains of each name in v, which it sorts, that is one of an earlier entry of the list at
// `path`.
void dr_unique(struct se_check *c, const char *rule, const char *path, struct dr_name *v, size_t n);

void dr_check_lb(struct se_check *c, const struct dr_block *b);       // D12..D15, D21
void dr_check_locality(struct se_check *c, const struct dr_block *b); // D16..D20
// Of a setting that stands at `at`. False: one that says no more than that it is wrong.
bool locality_check(struct se_check *c, const char *at, const struct sl_locality_lb *l);
void dr_check_pool(struct se_check *c, const struct dr_block *b); // D6..D8, D10
void dr_check_tls(struct se_check *c, const struct dr_block *b);  // D22..D25

void dr_rules(struct reader *r, const struct node *root, const struct sl_object *obj);
// What rows cannot fill: obj is valid.
void dr_finish(const struct node *root, struct sl_object *obj);
void dr_remarks(struct reader *r, const struct node *root, struct sl_object *obj);
