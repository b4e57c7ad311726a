// WorkloadEntry, Pod, Namespace, and kinds that are only kept: their rules and remarks.
#pragma once

#include "schema.h"

const struct schema *we_schema(void); // spec of a WorkloadEntry, into struct sl_workload_entry

void we_rules(struct reader *r, const struct node *root, const struct sl_object *obj);
void we_finish(const struct node *root, struct sl_object *obj); // what rows cannot fill
void we_remarks(struct reader *r, const struct node *root, struct sl_object *obj);
void pod_rules(struct reader *r, const struct node *root, const struct sl_object *obj);
void pod_finish(const struct node *root, struct sl_object *obj);
void pod_remarks(struct reader *r, const struct node *root, struct sl_object *obj);
void kept_remarks(struct reader *r, const struct node *root, struct sl_object *obj);
