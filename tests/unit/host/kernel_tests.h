// The cases of the test files that run against the kernel.
#pragma once

int apply_adds(void);
int apply_twice(void);
int apply_differences(void);
int apply_leaves_others(void);
int apply_after_outside(void);
int apply_primary_address(void);
int apply_host_address(void);
int apply_errors(void);
int apply_ip6(void);
int apply_many(void);

int follow_latency(void);
int follow_unreachable(void);
int follow_link_down(void);
int follow_several_of_a_key(void);
int follow_multipath(void);
int follow_nexthop_objects(void);
int follow_foreign(void);
int follow_other_tables(void);
int follow_elsewhere(void);
int follow_overrun(void);
int follow_many_routes(void);
int follow_mirror_lost(void);

int frames_mirror(void);
int frames_carrier(void);
int frames_names(void);
int frames_silent(void);
int frames_arp(void);
int frames_arp_failed(void);
int frames_refresh(void);
int frames_permanent_asked(void);
int frames_ping(void);
int frames_asymmetric(void);
