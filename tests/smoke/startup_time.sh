#!/bin/bash
# From the start of the process to the first packet that came back through it.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_echo >"$lab_tmp/resources/echo.yaml"
# The client knows the gateway's MAC: its own ARP retries (1 s) are not what is measured.
in_client ip neigh replace 192.0.2.101 lladdr 02:00:00:00:01:01 dev eth0
net client first 192.0.2.101 7 >"$lab_tmp/first" &
asker=$!
begin=$(now_ms)
gateway_up
ready=$(($(now_ms) - begin))
wait $asker
first=$(cat "$lab_tmp/first")
like "a packet came through" "$first" '^[0-9]+$'
figure "start to ready" "$ready ms"
figure "start to first forwarded packet" "$((first - begin)) ms"
smoke_done
