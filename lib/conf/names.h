// Checks of names and texts. Each returns NULL, or what was expected instead ("a DNS label: ...").
//
// Source: istio-semantics 2.1 (H1..H10); Kubernetes object names (RFC 1123).
#pragma once

#include <stdbool.h>

const char *check_dns_label(const char *text); // H1
bool is_dns_label(const char *text);
const char *check_fqdn(const char *text);          // H2
const char *check_wildcard_host(const char *text); // H3
bool is_partial_wildcard(const char *text);        // H4
const char *check_unix_path(const char *path);     // H7, behind unix://
const char *check_label_key(const char *text);     // H8
const char *check_label_value(const char *text);   // H8
const char *check_protocol(const char *text);      // H10
const char *check_object_name(const char *text);   // RFC 1123 subdomain, lower case
const char *check_namespace(const char *text);     // RFC 1123 label, lower case
const char *check_timestamp(const char *text);     // RFC 3339
const char *check_node_locality(const char *text); // region/zone/subzone, no wildcard
const char *check_export_entry(const char *text);  // E2: `*`, `.`, `~` or a namespace
bool is_header_name(const char *text);             // a token (RFC 9110, 5.6.2)
const char *check_netdev(const char *text);        // a Linux network device
// Normalised to UTC seconds ("2026-01-02T03:04:05Z"); text passed check_timestamp().
void timestamp_utc(const char *text, char out[24]);
