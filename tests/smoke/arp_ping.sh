#!/bin/bash
# Linux beside it: the kernel answers ARP and ping for the gateway's address, the VIPs in the clients'
# subnet and the pool addresses in the servers' subnet, each with the port's MAC and only once.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_web >"$lab_tmp/resources/web.yaml"
gateway_up
arp_answers() { # SPACE ADDRESS: the MACs that answer one request, all of them
	in_space "$1" arping -c 1 -w 1 -I eth0 "$2" | sed -n 's/.*\[\([0-9A-F:]*\)\].*/\1/p' | paste -sd' '
}
is "ARP for the gateway: once, the port's MAC" "$(arp_answers client 192.0.2.1)" 02:00:00:00:01:01
is "ARP for the VIP" "$(arp_answers client 192.0.2.100)" 02:00:00:00:01:01
is "ARP for an address that nobody has: silence" "$(arp_answers client 192.0.2.99)" ""
is "ARP for the gateway's other address" "$(arp_answers server1 198.51.100.1)" 02:00:00:00:02:01
is "ARP for the first pool address" "$(arp_answers server2 198.51.100.100)" 02:00:00:00:02:01
is "ARP for the last pool address" "$(arp_answers server3 198.51.100.103)" 02:00:00:00:02:01
for address in 192.0.2.1 192.0.2.100; do
	check "ping $address" in_client ping -q -c 3 -i 0.2 -W 2 $address
done
check "ping the gateway from a server" in_server 1 ping -q -c 3 -i 0.2 -W 2 198.51.100.1
check "ping a server from the gateway's own Linux" in_gateway ping -q -c 2 -i 0.2 -W 2 198.51.100.13
dup=$(in_client ping -c 3 -i 0.2 192.0.2.1 | grep -c DUP || true)
is "no answer comes twice" "$dup" 0
is "the mirror has the addresses" \
	"$(in_gateway ip -o -4 addr show dev clients | awk '{ print $4 }' | sort | paste -sd' ')" "192.0.2.1/24 192.0.2.100/32"
service_echo | apply
is "a new VIP is answered for as soon as it is applied" "$(arp_answers client 192.0.2.101)" 02:00:00:00:01:01
ctl delete -n gwtest se echo >/dev/null
is "and no more when it is deleted" "$(arp_answers client 192.0.2.101)" ""
at_least "it went through the punt path" "$(counter punted)" 10
at_least "and back" "$(counter injected)" 10
books
smoke_done
