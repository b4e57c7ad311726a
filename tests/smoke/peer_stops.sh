#!/bin/bash
# The other side of a memif port stops, goes on, dies and comes back, while another testpmd sends through the
# gateway all the time: each has its reason in the counters, and packets flow again each time.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
command -v dpdk-testpmd >/dev/null || skip_all "dpdk-testpmd is not installed"
[ "$(nproc)" -ge 2 ] || skip_all "testpmd wants two CPUs"
lab_up
memif() { echo "net_memif0,role=$2,id=$1,socket=$lab_tmp/memif$1.sock,socket-abstract=no"; }
ports_conf() {
	cat <<-END
	- name: clients
	  device: "$(memif 0 server)"
	  mac: "02:00:00:00:01:01"
	  addresses: [192.0.2.1/24]
	  neighbours: [{address: 192.0.2.10, mac: "02:00:00:00:01:0a"}]
	- name: servers
	  device: "$(memif 1 server | sed s/net_memif0/net_memif1/)"
	  mac: "02:00:00:00:02:01"
	  addresses: [198.51.100.1/24]
	  neighbours: [{address: 198.51.100.11, mac: "02:00:00:00:02:11"}]
	END
}
service_echo | sed '/198.51.100.1[23]/d' >"$lab_tmp/resources/echo.yaml"
gateway_up
testpmd() { # NUMBER ARGUMENT...
	local n=$1
	shift
	start gateway "$lab_tmp/testpmd$n.log" dpdk-testpmd -l 0,1 --no-huge -m 128 --no-pci --no-shconf \
		--file-prefix="$lab" --vdev "$(memif "$n" client)" -- --no-mlockall --total-num-mbufs=8192 --stats-period 1 "$@"
}
testpmd 0 --forward-mode=txonly --tx-ip=192.0.2.10,192.0.2.101 --tx-udp=5000,7 --eth-peer=0,02:00:00:00:01:01
sender=$started
testpmd 1 --forward-mode=rxonly
sink=$started

# grows COUNTER: it is larger than a moment ago.
grows() {
	local before
	before=$(counter "$1")
	sleep 0.2
	[ "$(counter "$1")" -gt $((before + 1000)) ]
}
check "packets flow" wait_for 20 grows forwarded
kill -STOP "$sink"
check "the peer stops: tx_full" wait_for 10 grows tx_full
check "the daemon answers" gateway_ready
check "the log says so" wait_for 10 grep -q "WARN .*tx_full" "$lab_tmp/sluice.log"
kill -CONT "$sink"
check "it goes on: packets flow" wait_for 20 grows forwarded
before=$(counter port_down)
kill -KILL "$sink"
wait "$sink" 2>/dev/null || true
check "it dies: port_down" wait_for 10 grows port_down
lab_say "port_down $before before"
testpmd 1 --forward-mode=rxonly
check "it comes back: packets flow" wait_for 20 grows forwarded
kill -STOP "$sender"
quiet() { ! grows rx; }
check "the sender stops" wait_for 10 quiet
books
kill -CONT "$sender"
check "and goes on" wait_for 20 grows forwarded
stop "$sender" KILL || true
check "the daemon goes on" gateway_ready
check "all is at rest" wait_for 10 quiet
books "the books balance in the end"
smoke_done
