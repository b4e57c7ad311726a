#!/bin/bash
# Source ports: each destination has all of them; when they are in use at all endpoints of a service, what has
# a port goes on, the rest is refused, counted and said in the log; nobody sees the client's own address; ports
# come back with the flows' end.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_echo >"$lab_tmp/resources/echo.yaml"
gateway_conf <<<""
# 4 addresses of 25 ports: 100 flows to each of the three servers. They end soon.
sed -i -e 's/^pool:$/&\n  ports: {first: 2000, last: 2024}/' -e 's/^flows:$/&\n  timeouts: {udp: 5s}/' "$lab_tmp/sluice.yaml"
gateway_up

# 450 flows at once: how many are answered.
flood() {
	in_client /usr/bin/python3 - <<-'END'
	import select, socket
	flows = []
	for n in range(450):
	    flows.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
	    flows[-1].connect(("192.0.2.101", 7))
	    flows[-1].send(b"x")
	answers = 0
	while ready := select.select(flows, [], [], 1)[0]:
	    for flow in ready:
	        flows.remove(flow)
	        try:
	            answers += flow.recv(100).endswith(b" x")
	        except ConnectionRefusedError:
	            pass
	print(answers)
	END
}

drained() { [ "$(counter flows_live)" = 0 ]; }
# Flows, sources (address and port) among them, and how many flows the busiest source has.
shared() {
	ctl flows -o json | python3_ -c '
import collections, json, sys
flows = json.load(sys.stdin)
sources = collections.Counter(str(f["source"]) for f in flows)
print(len(flows), len(sources), max(sources.values(), default=0))'
}
net client ask 192.0.2.101 7 30 >/dev/null # the next hops are known from here on
wait_for 10 drained
is "as many flows as source ports, at each server" "$(flood)" 300
is "the others are counted" "$(counter no_source_port)" 150
check "and said in the log, with the destination" \
	wait_for 3 grep -qE "WARN .*no_source_port: .* ports_per_destination=100 destination_dry=198.51.100.1[123]:7/udp" "$lab_tmp/sluice.log"
# What `pools` says of udp: ports of a destination, destinations that are full, whether one of them was refused.
pools() {
	ctl pools -o json | python3_ -c '
import json, sys
udp = next(p for p in json.load(sys.stdin) if p["proto"] == "udp")
full = {f["destination"] for f in udp["fullest"] if f["percent"] == 100 and f["fullInSeconds"] in (0, None)}
print(udp["addresses"], udp["portsPerDestination"], len(full), udp["lastRefused"] in full, udp["refusals"] >= 450)'
}
is "pools shows that all servers are full" "$(pools)" "4 100 3 True True"
check "and so did the log, while they filled up" wait_for 3 grep -qE "WARN .*source ports run out: .* destination=198.51.100.1[123]:7/udp taken=[0-9]+ ports=100" "$lab_tmp/sluice.log"
all_told() { [ "$(ctl events -o json | grep -o SourcePortsLow | wc -l)" = 3 ]; }
check "and the events, for each of them" wait_for 3 all_told
check "the flows end" wait_for 10 drained
answers=$(flood) sources=$(shared)
is "and give their ports back" "$answers" 300
is "three servers share 100 sources" "$sources" "300 100 3"
at_least "an alarm that goes on is not said every second" 2 "$(grep -c no_source_port "$lab_tmp/sluice.log")"
check "no server saw the client's address" bash -c "! ip -n $lab-server1 neigh | grep -q 192.0.2."
books
smoke_done
