#!/bin/bash
# Frames and MTUs. What is larger than the MTU of the port to send on is dropped with a reason of its own.
# And a port of a large MTU carries the kernel's large frames, both ways, in several buffers: net_ring
# gives back what it is given, so the frames of a broadcast ping come back to the kernel.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_echo >"$lab_tmp/resources/echo.yaml"
ports_conf() {
	cat <<-END
	- name: clients
	  device: "$(device clients)"
	  addresses: [192.0.2.1/24]
	- name: servers
	  device: "$(device servers)"
	  mtu: 1000
	  addresses: [198.51.100.1/24]
	- name: jumbo
	  device: net_ring0
	  mtu: 9000
	  addresses: [198.18.0.1/24]
	END
}
gateway_up
like "a datagram of 60 bytes goes through" "$(net client ask 192.0.2.101 7 1)" "^answers 1:"
is "nothing was too big until here" "$(counter too_big)" 0
in_client /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(5):
    s.sendto(b"x" * 1200, ("192.0.2.101", 7))'
dropped() { [ "$(counter too_big)" -ge 5 ]; }
check "five of 1200 bytes do not" wait_for 5 dropped
told() { grep -q "too_big: " "$lab_tmp/sluice.log"; }
check "the log tells of it" wait_for 5 told

is "the mirror has the MTU of its port" "$(in_gateway cat /sys/class/net/jumbo/mtu)" 9000
before=$(counter tx_bytes)
received() { in_gateway cat /sys/class/net/jumbo/statistics/rx_bytes; }
received_before=$(received)
in_gateway ping -b -I jumbo -M "do" -s 8900 -c 3 -i 0.2 -w 1 198.18.0.255 >/dev/null 2>&1 || true
looped() { [ $(($(received) - received_before)) -ge 26826 ]; }
check "three frames of 8942 bytes come back to the kernel whole" wait_for 5 looped
at_least "and went out whole" $(($(counter tx_bytes) - before)) 26826
books
smoke_done
