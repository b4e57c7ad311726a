#!/bin/bash
# The first packets to a next hop that is not resolved yet wait for it instead of being lost; those to a
# next hop that never answers are dropped with their own reason.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
{
	service_echo | sed '/198.51.100.1[23]/d'
	echo ---
	service_echo | sed 's/name: echo/name: dead/; s/echo.example/dead.example/; s/192.0.2.101/192.0.2.103/
		/198.51.100.1[23]/d; s/198.51.100.11/198.51.100.77/'
} >"$lab_tmp/resources/echo.yaml"
gateway_up
unknown() { ! in_gateway ip neigh show 198.51.100.11 dev servers | grep -q lladdr; }
check "the server is not known at first" unknown
is "eight packets at once to an unresolved next hop: none is lost" "$(net client burst 192.0.2.101 7 8)" "answers 8"

# The server comes back after a second: what waits is delivered then.
in_space switch ip link set p1 nomaster
in_gateway ip neigh flush dev servers
net client burst 192.0.2.101 7 4 >"$lab_tmp/late" &
asker=$!
holding() { [ "$(counter held)" -ge 1 ]; }
check "packets wait" wait_for 5 holding
in_space switch ip link set p1 master bridge
wait $asker
is "and arrive when the server is back" "$(cat "$lab_tmp/late")" "answers 4"

is "a packet to a next hop that nobody has stays unanswered" "$(net client udp 192.0.2.103 7 1)" timeout
given_up() { [ "$(counter no_neighbour)" -ge 1 ]; }
check "given up with its own reason" wait_for 8 given_up
is "and nothing waits any more" "$(counter held)" 0
books
smoke_done
