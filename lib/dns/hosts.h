// Names of a hosts file.
//
// Source: hosts(5).
#pragma once

#include "sl_dns.h"

struct hosts_row {
	char *name; // as names.h makes them
	struct sl_ip ip;
	uint32_t line; // keeps the file's order
};

struct hosts {
	struct hosts_row *row; // by name, family and line
	uint32_t n;
	uint32_t cap;
	uint32_t skipped; // lines that could not be read
};

// Replaces what there is. 0 or -errno: the file cannot be read, what there is stays.
int hosts_read(struct hosts *h, const char *path);
// The same of a text, which is cut up.
void hosts_parse(struct hosts *h, char *text);
void hosts_fini(struct hosts *h);
// Whether the name is there at all; its addresses of that family, up to max, each once, in *n.
bool hosts_find(const struct hosts *h, const char *name, int family, struct sl_ip *out,
	uint32_t max, uint32_t *n);
