#!/bin/bash
# More flows than source ports: what has a port goes on, the rest is refused, counted and said in the log;
# nobody sees the client's own address; ports come back with the flows' end.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_echo >"$lab_tmp/resources/echo.yaml"
gateway_conf <<<""
# 4 addresses of 25 ports: 100 flows. They end soon.
sed -i -e 's/^pool:$/&\n  ports: {first: 2000, last: 2024}/' -e 's/^flows:$/&\n  timeouts: {udp: 2s}/' "$lab_tmp/sluice.yaml"
gateway_up

# 150 flows at once: how many are answered.
flood() {
	in_client /usr/bin/python3 - <<-'END'
	import select, socket
	flows = []
	for n in range(150):
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
net client ask 192.0.2.101 7 30 >/dev/null # the next hops are known from here on
wait_for 10 drained
is "as many flows as source ports" "$(flood)" 100
is "the others are counted" "$(counter no_source_port)" 50
check "and said in the log" wait_for 3 grep -q "WARN .*no_source_port: .*tcp_ports_free=" "$lab_tmp/sluice.log"
check "the flows end" wait_for 10 drained
is "and give their ports back" "$(flood)" 100
is "an alarm that goes on is not said every second" "$(grep -c no_source_port "$lab_tmp/sluice.log")" 1
check "no server saw the client's address" bash -c "! ip -n $lab-server1 neigh | grep -q 192.0.2."
books
smoke_done
