// Answers for clients: the responder (lib/dns) with the names of the mesh and the clients of
// sluice.yaml.
//
// Owner:   responder_new() / responder_free(), which ends the responder's thread.
// Threads: control only.
// Errors:  what can't be started or changed is logged, and tried again every RESPONDER_RETRY_S.
// Limits:  a change of the names is answered by RESPONDER_TABLE_MS later: the table is made of all
//          of them.
#pragma once

#include "sl_control.h"

#define RESPONDER_TABLE_MS 50
#define RESPONDER_RETRY_S  10

struct responder;

struct responder *responder_new(struct sl_control *c); // NULL: no memory for timers
void responder_free(struct responder *r);
// Opens its addresses, after the mirrors have theirs, and gives it the first table.
void responder_start(struct responder *r);
// What sluice.yaml says now. What does not work is an error in diags, and the responder goes on:
// as before, or when only an address can't be had, with all else.
void responder_configure(struct responder *r, struct sl_diags *diags);
// Services may have come, gone or changed.
void responder_follow(struct responder *r);
uint64_t responder_counter(const struct responder *r, enum sl_dns_counter counter);
