#!/bin/bash
# A killed daemon (kill -9, no chance to clean up) starts again at once and serves; nothing of the dead
# one is in its way, and established TCP connections learn of it by a RST.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
gateway_up
service_web | apply
start client "$lab_tmp/wrk" wrk -t1 -c20 -d60s http://192.0.2.100/
load=$started
in_traffic() { [ "$(counter forwarded)" -gt 1000 ]; }
wait_for 10 in_traffic
for round in 1 2; do
	stop "$sluice_pid" KILL || true
	begin=$(now_ms)
	gateway_up
	figure "start after kill -9 to ready" "$(($(now_ms) - begin)) ms"
	like "round $round: it serves" "$(curl_ http://192.0.2.100/)" "^server"
done
check "the load reconnects by itself" wait_for 10 in_traffic
stop "$load" || true
at_least "segments of lost flows were answered" "$(counter no_flow)" 1
rc=0
stop "$sluice_pid" || rc=$?
is "and stops cleanly" $rc 0
smoke_done
