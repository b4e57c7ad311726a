// The unit test of conf is one program of four files: sluice.yaml, objects,
// DestinationRules, and VirtualServices with Gateways.
#pragma once

#include "sl_conf.h"
#include "sl_str.h"
#include "sl_test.h"

int test_values(void);
int test_defaults(void);
int test_dns(void);
int test_dns_addresses(void);
int test_client_groups(void);
int test_paths_are_relative_to_the_file(void);
int test_places(void);
int test_invalid_gives_nothing(void);
int test_restart_needed(void);
int test_keep(void);
int test_keep_live_ports(void);
int test_docs(void);

int test_service_entry(void);
int test_json_is_canonical(void);
int test_json_leaves_noise_out(void);
int test_hash_follows_content(void);
int test_json_to_yaml(void);
int test_json_to_yaml_refuses(void);
int test_notes(void);
int test_bad_object_leaves_good_ones(void);
int test_same_name_in_two_files(void);
int test_folder(void);
int test_unreadable_path(void);
int test_creation_is_utc(void);
int test_names(void);
int test_names_by_any_rules(void);
int test_status_addresses(void);
int test_limits(void);
int test_many_keys(void);

int test_destination_rule(void);
int test_load_balancer(void);
int test_destination_rule_json(void);
int test_destination_rule_is_linear(void);

int test_virtual_service(void);
int test_gateway(void);
int test_regex(void);
int test_text_set(void);
int test_routes_are_linear(void);
int test_direct_response_body(void);

// The first diagnostic's text, or "" (static buffer).
static inline const char *
first_diag(const struct sl_diags *diags)
{
	static char text[1024];
	struct sl_buf line = {0};

	text[0] = '\0';
	if (diags->n) {
		sl_diag_format(&diags->v[0], &line);
		snprintf(text, sizeof(text), "%s", line.data);
	}
	sl_buf_fini(&line);
	return text;
}

// The only object of the text; NULL and a line of why.
static inline struct sl_object *
read_one(const char *text)
{
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};
	struct sl_object *obj = NULL;

	sl_conf_objects(text, strlen(text), "f.yaml", SL_ORIGIN_FILE, &objects, &diags);
	if (objects.n == 1) {
		obj = objects.v[0];
		objects.v[0] = NULL;
	} else {
		printf("# %zu objects: %s\n", objects.n, first_diag(&diags));
	}
	sl_objects_fini(&objects);
	sl_diags_fini(&diags);
	return obj;
}
