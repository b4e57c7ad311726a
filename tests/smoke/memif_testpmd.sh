#!/bin/bash
# A bare testpmd drives a net_memif port, as docs/benchmark.md says: it sends UDP to a VIP, Sluice
# translates and sends to the other port (net_null, which swallows).
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
command -v dpdk-testpmd >/dev/null || skip_all "dpdk-testpmd is not installed"
[ "$(nproc)" -ge 2 ] || skip_all "testpmd wants two CPUs"
lab_up
ports_conf() {
	cat <<-END
	- name: clients
	  device: "net_memif0,role=server,id=0,socket=$lab_tmp/memif.sock,socket-abstract=no"
	  mac: "02:00:00:00:01:01"
	  addresses: [192.0.2.1/24]
	  neighbours: [{address: 192.0.2.10, mac: "02:00:00:00:01:0a"}]
	- name: servers
	  device: "net_null0,no-rx=1"
	  mac: "02:00:00:00:02:01"
	  addresses: [198.51.100.1/24]
	  neighbours: [{address: 198.51.100.11, mac: "02:00:00:00:02:11"}]
	END
}
service_echo | sed '/198.51.100.1[23]/d' >"$lab_tmp/resources/echo.yaml"
gateway_up
start gateway "$lab_tmp/testpmd.log" dpdk-testpmd -l 0,1 --no-huge -m 256 --no-pci --no-shconf --file-prefix="$lab" \
	--vdev "net_memif0,role=client,id=0,socket=$lab_tmp/memif.sock,socket-abstract=no" \
	-- --forward-mode=txonly --tx-ip=192.0.2.10,192.0.2.101 --tx-udp=5000,7 \
	--eth-peer=0,02:00:00:00:01:01 --no-mlockall --total-num-mbufs=16384 --stats-period 1
testpmd=$started
flowing() { [ "$(counter forwarded)" -ge 100000 ]; }
if ! wait_for 15 flowing; then
	not_ok "testpmd's packets are forwarded" "$(tail -n 20 "$lab_tmp/testpmd.log")"
else
	ok "testpmd's packets are forwarded"
fi
before=$(counter forwarded)
begin=$(now_ms)
more() { [ "$(counter forwarded)" -ge $((before + 200000)) ]; }
wait_for 15 more || true
figure "one core shared with testpmd, 64-byte UDP of one flow" \
	"$((($(counter forwarded) - before) * 1000 / ($(now_ms) - begin))) packets/s"
books "the books balance while it sends"
check "testpmd is still there" alive "$testpmd"
stop "$testpmd" INT || true
books "and after it went"
check "the gateway goes on" gateway_ready
smoke_done
