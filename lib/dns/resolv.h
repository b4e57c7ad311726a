// The servers of a resolv.conf.
//
// Source: resolv.conf(5): nameserver lines. Its other options are those of a stub resolver; ours
// are in sluice.yaml.
#pragma once

#include "sl_dns.h"

// Up to max servers into out, the rest is left out; *skipped counts the lines whose address cannot
// be used (one with a zone). Returns how many, or -errno: the file cannot be read.
int resolv_read(const char *path, struct sl_dns_address *out, uint32_t max, uint32_t *skipped);
// The same of a text, which is cut up.
uint32_t resolv_parse(char *text, struct sl_dns_address *out, uint32_t max, uint32_t *skipped);
