#!/bin/bash
# A server's MAC changes: the flow follows as soon as the kernel knows.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_echo | sed '/198.51.100.1[23]/d' >"$lab_tmp/resources/echo.yaml"
gateway_up
is "it works before" "$(net client ask 192.0.2.101 7 3)" "answers 3: server1=3"

net client gap 192.0.2.101 7 3 >"$lab_tmp/gap" &
asker=$!
in_traffic() { [ "$(counter forwarded)" -gt 400 ]; }
wait_for 5 in_traffic
# The address moves to another MAC; who asks the kernel gets it by a gratuitous ARP.
in_server 1 ip link set eth0 address 02:00:00:00:02:99
in_server 1 arping -q -A -c 2 -w 1 -I eth0 198.51.100.11 || true
wait $asker
got=$(cat "$lab_tmp/gap")
figure "server's MAC changed during a flow" "$got (gap in ms)"
at_least "the flow goes on" "$(awk '{ print $8 }' <<<"$got")" 100
like "the kernel has the new MAC" "$(in_gateway ip neigh show 198.51.100.11 dev servers)" "02:00:00:00:02:99"

# How long the way from the kernel to the workers is: the entry is set wrong, and set right again.
net client gap 192.0.2.101 7 2 >"$lab_tmp/gap" &
asker=$!
before=$(counter forwarded)
in_traffic() { [ "$(counter forwarded)" -gt $((before + 400)) ]; }
wait_for 5 in_traffic
in_gateway ip neigh replace 198.51.100.11 lladdr 02:00:00:00:02:98 dev servers nud permanent
sleep 0.2 # the wrong entry is in force for this long: the gap that is left is Sluice's own
in_gateway ip neigh replace 198.51.100.11 lladdr 02:00:00:00:02:99 dev servers nud permanent
wait $asker
got=$(cat "$lab_tmp/gap")
figure "neighbour set wrong for 200 ms, then right" "$got (gap in ms)"
at_least "the wrong entry was really in force" "$(awk '{ print $6 }' <<<"$got")" 100
at_least "and traffic came back" "$(awk '{ print $8 }' <<<"$got")" 100
books
smoke_done
