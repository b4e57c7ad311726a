#include "kernel_tests.h"
#include "sl_test.h"

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"a mirror is as it was asked for", frames_mirror},
		{"the carrier follows the port", frames_carrier},
		{"a name that is taken or none", frames_names},
		{"a mirror is silent until it has IPv6", frames_silent},
		{"ARP, asked for and answered", frames_arp},
		{"ARP, never answered", frames_arp_failed},
		{"a stale neighbour is probed", frames_refresh},
		{"asking leaves a permanent neighbour alone", frames_permanent_asked},
		{"ping of a host address", frames_ping},
		{"in by one mirror, out by another", frames_asymmetric},

		{"apply adds", apply_adds},
		{"apply again sends nothing", apply_twice},
		{"apply sends the difference", apply_differences},
		{"apply leaves what others set", apply_leaves_others},
		{"apply puts back what went", apply_after_outside},
		{"apply changes the first address and takes no other along", apply_primary_address},
		{"apply and an address with two lengths", apply_host_address},
		{"apply names every error", apply_errors},
		{"apply of IPv6", apply_ip6},
		{"apply of 5,000 host addresses", apply_many},

		{"a change outside is seen", follow_latency},
		{"unreachable, blackhole, prohibit", follow_unreachable},
		{"link down and up", follow_link_down},
		{"several routes of one prefix and metric", follow_several_of_a_key},
		{"multipath", follow_multipath},
		{"next-hop objects", follow_nexthop_objects},
		{"routes that workers cannot follow", follow_foreign},
		{"other tables", follow_other_tables},
		{"routes that lead elsewhere", follow_elsewhere},
		{"lost events", follow_overrun},
		{"100,000 routes", follow_many_routes},
		{"a mirror that somebody deletes", follow_mirror_lost},
	};

	return sl_test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
