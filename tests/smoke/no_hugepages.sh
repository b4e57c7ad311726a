#!/bin/bash
# Without hugepages it runs all the same, and says so.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_web >"$lab_tmp/resources/web.yaml"
gateway_conf <<<"memory: {hugepages: never}"
gateway_up
like "the log says which memory" "$(cat "$lab_tmp/sluice.log")" "memory: [^"$'\n'"]*(no|without) hugepages"
is "it maps none" "$(grep -cE 'hugepages|rtemap' "/proc/$sluice_pid/maps" || true)" 0
is "and carries traffic" "$(spread 30 http://192.0.2.100/ | awk '{ print $2 }' | sort | paste -sd' ')" "server1 server2 server3"
books
smoke_done
