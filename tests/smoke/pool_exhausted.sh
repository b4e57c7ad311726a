#!/bin/bash
# Source ports never run dry silently: the flows that find none are dropped with their own reason, a log
# line says so (not one per packet), and no packet ever leaves with the client's address.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_echo | sed '/198.51.100.1[23]/d' >"$lab_tmp/resources/echo.yaml"
gateway_conf </dev/null
sed -i 's|^  addresses: .198.51.100.100/30.|  addresses: [198.51.100.100]\n  ports: {first: 20000, last: 20007}|' "$lab_tmp/sluice.yaml"
gateway_up
start server1 "$lab_tmp/seen" tcpdump -lni eth0 udp and dst port 7
wait_for 5 grep -q 'listening on' "$lab_tmp/seen"

is "eight ports carry eight flows, of twenty" "$(net client ask 192.0.2.101 7 20)" "answers 8: server1=8"
at_least "the others are dropped as no_source_port" "$(counter no_source_port)" 12
logged() { grep -q 'no_source_port' "$lab_tmp/sluice.log"; }
check "the log says so" wait_for 3 logged
lines=$(grep -c 'no_source_port' "$lab_tmp/sluice.log" || true)
[ "$lines" -le 3 ] && few=yes || few="$lines lines"
is "and does not flood" "$few" yes
arrived() { [ "$(grep -c 'IP 198.51.100.100.2000[0-7] > 198.51.100.11.7' "$lab_tmp/seen")" -ge 8 ]; }
check "what left came from the pool" wait_for 3 arrived
is "and nothing else left" "$(grep ' IP ' "$lab_tmp/seen" | grep -vc 'IP 198.51.100.100.2000[0-7] >' || true)" 0
books
smoke_done
