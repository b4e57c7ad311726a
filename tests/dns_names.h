// A table of names with all that §3.17 of istio-semantics tells apart, for tests and the fuzz
// target.
#pragma once

#include <stdlib.h>

#include "sl_dns_table.h"

#define TABLE_TTL    30
#define TABLE_SEARCH "lab.local"
#define TABLE_MANY   200 // addresses of many.example.com

static const struct {
	const char *host;
	uint64_t clients;
	const char *ip[3];
} table_names[] = {
	{"api.example.com", UINT64_MAX, {"240.240.0.1", "2001:db8::1"}},
	{"v4.example.com", UINT64_MAX, {"240.240.0.2"}},
	{"v6.example.com", UINT64_MAX, {"2001:db8::2"}},
	{"none.example.com", UINT64_MAX, {NULL}},
	{"three.example.com", UINT64_MAX, {"198.51.100.1", "198.51.100.2", "198.51.100.3"}},
	// Two services of one host, for groups 1 and 2; group 3 sees both, of which one address is
	// the same.
	{"shared.example.com", 1 << 1 | 1 << 3, {"198.51.100.1", "198.51.100.9"}},
	{"shared.example.com", 1 << 2 | 1 << 3, {"198.51.100.2", "198.51.100.9"}},
	{"hidden.example.com", 1 << 1, {"198.51.100.4"}},
	{"*.wild.example.com", UINT64_MAX, {"198.51.100.10"}},
	{"*.deep.wild.example.com", UINT64_MAX, {"198.51.100.11"}},
	{"one.wild.example.com", UINT64_MAX, {"198.51.100.12"}},
	{"own.wild.example.com", 1 << 1, {"198.51.100.13"}},
	{"*.own.deep.wild.example.com", 1 << 1, {"198.51.100.14"}},
	{"web.team", UINT64_MAX, {"198.51.100.20", "198.51.100.21"}},
	{"*.team", UINT64_MAX, {"198.51.100.22"}},
	{"in.lab.local", UINT64_MAX, {"198.51.100.23"}},
	{"both", UINT64_MAX, {"198.51.100.24"}},
	{"both.lab.local", 1 << 1, {"198.51.100.25"}},
	{"*.local", UINT64_MAX, {"198.51.100.26"}},
	{"lab.local", UINT64_MAX, {"198.51.100.27"}},
	{"*", UINT64_MAX, {"198.51.100.28"}},
	{"not..asked", UINT64_MAX, {"198.51.100.29"}},
	{"nobody.example.com", 0, {"198.51.100.30"}},
};

static const struct {
	const char *prefix;
	uint8_t group;
} table_clients[] = {
	{"192.0.2.0/24", 1},
	{"192.0.2.128/25", 2},
	{"192.0.2.129", 3},
	{"192.0.2.129", 4}, // the first of equal ones counts
	{"2001:db8:1::/48", 1},
	{"2001:db8:1:2::/64", 2},
};

#define N_NAMES   (sizeof(table_names) / sizeof(table_names[0]))
#define N_CLIENTS (sizeof(table_clients) / sizeof(table_clients[0]))

static inline struct sl_dns_table *
table_make(void)
{
	static struct sl_ip ip[N_NAMES][3], many[TABLE_MANY];
	struct sl_dns_table_row row[N_NAMES + 1];
	struct sl_dns_table_client client[N_CLIENTS];

	for (size_t i = 0; i < N_NAMES; i++) {
		row[i] = (struct sl_dns_table_row){.host = table_names[i].host,
			.clients = table_names[i].clients,
			.ip = ip[i]};
		for (; row[i].n < 3 && table_names[i].ip[row[i].n]; row[i].n++)
			if (sl_ip_parse(table_names[i].ip[row[i].n], &ip[i][row[i].n]) != 0)
				abort();
	}
	for (uint32_t i = 0; i < TABLE_MANY; i++) {
		(void)sl_ip_parse("198.18.0.0", &many[i]);
		((uint8_t *)&many[i].v4)[3] = (uint8_t)i;
	}
	row[N_NAMES] = (struct sl_dns_table_row){
		.host = "many.example.com", .clients = UINT64_MAX, .ip = many, .n = TABLE_MANY};
	for (size_t i = 0; i < N_CLIENTS; i++) {
		client[i].group = table_clients[i].group;
		if (sl_prefix_parse(table_clients[i].prefix, &client[i].prefix) != 0)
			abort();
	}
	return sl_dns_table_new(&(struct sl_dns_table_cfg){.row = row,
		.n_rows = N_NAMES + 1,
		.client = client,
		.n_clients = N_CLIENTS,
		.search = TABLE_SEARCH,
		.ttl = TABLE_TTL});
}
