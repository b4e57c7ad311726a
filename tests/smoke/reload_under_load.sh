#!/bin/bash
# RELOADS (default 1000) changes of the configuration while HTTP (old and new connections), UDP flows and
# iperf3 run: nothing is lost, nothing is mis-steered.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
reloads=${RELOADS:-1000}
lab_up
servers_up 1
service_web >"$lab_tmp/resources/web.yaml"
service_echo >"$lab_tmp/resources/echo.yaml"
service_iperf >"$lab_tmp/resources/iperf.yaml"
gateway_up

# The two forms of a service differ in their endpoints; the order of changes is the same in each run.
service_web >"$lab_tmp/web3.yaml"
service_web 198.51.100.12 198.51.100.13 >"$lab_tmp/web2.yaml"
service_echo >"$lab_tmp/echo3.yaml"
service_echo | sed '/198.51.100.13/d' >"$lab_tmp/echo2.yaml"

exec 7> >(net client sticky 192.0.2.101 7 24 >"$lab_tmp/sticky")
sticky=$!
wait_for 5 grep -q ready "$lab_tmp/sticky"
start client "$lab_tmp/wrk-keep" wrk -t1 -c8 -d600s http://192.0.2.100/
keep=$started
start client "$lab_tmp/wrk-new" wrk -t1 -c4 -d600s -H 'Connection: close' http://192.0.2.100/
new=$started
start client "$lab_tmp/iperf" iperf3 -c 192.0.2.102 -b 100M -t 600 -J
iperf=$started
in_traffic() { [ "$(counter forwarded)" -gt 2000 ]; }
wait_for 10 in_traffic

begin=$(now_ms)
failures=0
for ((i = 0; i < reloads; i++)); do
	case $((i % 4)) in
	0) apply "$lab_tmp/web2.yaml" ;;
	1) apply "$lab_tmp/echo2.yaml" ;;
	2) apply "$lab_tmp/web3.yaml" ;;
	3) apply "$lab_tmp/echo3.yaml" ;;
	esac || failures=$((failures + 1))
done
took=$(($(now_ms) - begin))
figure "$reloads changes under load" "$took ms, $(counter forwarded) packets forwarded meanwhile"
is "every change was accepted" $failures 0

# wrk and iperf3 report when they are interrupted.
stop "$keep" INT || true
stop "$new" INT || true
stop "$iperf" INT || true
exec 7>&-
wait $sticky || true
for name in keep new; do
	out=$(cat "$lab_tmp/wrk-$name")
	lab_say "wrk ($name): $(grep -E 'requests in|Socket errors|Non-2xx' <<<"$out" | paste -sd';')"
	if grep -qE 'Socket errors|Non-2xx' <<<"$out" || ! grep -qE '[1-9][0-9]* requests in' <<<"$out"; then
		not_ok "HTTP ($name connections): no request failed" "$out"
	else
		ok "HTTP ($name connections): no request failed"
	fi
done
got=$(tail -n 1 "$lab_tmp/sticky")
missed=$(ctl ports -o json | python3_ -c 'import json,sys; print(sum(p["rxMissed"] for p in json.load(sys.stdin)))')
lab_say "UDP: $got; missed by the ports: $missed"
like "UDP: no flow changed its server" "$got" "^flows 24 sent [0-9]{3,} lost [0-9]+ strayed 0$"
lost=$(awk '{ print $6 }' <<<"$got")
if [ "$missed" -eq 0 ]; then
	is "UDP: no packet was lost" "$lost" 0
else
	lab_say "the ports' rings overflowed on this busy machine: $lost UDP losses are not judged"
fi
is "iperf3's connection was never cut" "$(python3_ -c '
import json, sys
print(json.load(open(sys.argv[1])).get("error", "none").replace("interrupt - the client has terminated", "none"))' "$lab_tmp/iperf")" none
is "Sluice itself dropped nothing of a service" \
	"$(($(counter no_endpoint) + $(counter denied) + $(counter no_source_port) + $(counter flow_table_full)))" 0
books
smoke_done
