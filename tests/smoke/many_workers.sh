#!/bin/bash
# As many workers as the configuration takes (64, far more than this machine has cores): they start, carry
# traffic and stop.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
workers=64
lab_up
servers_up 1
service_web >"$lab_tmp/resources/web.yaml"
gateway_start
check "64 workers start" wait_for 60 gateway_ready
is "all of them are there" "$(ctl workers -o json | grep -o '"worker":' | wc -l)" 64
like "and carry a request" "$(spread 20 http://192.0.2.100/ | awk '{ n += $1; if (/server/) s += $1 } END { print n, s }')" "^20 20$"
books
rc=0
stop "$sluice_pid" || rc=$?
is "they stop cleanly" $rc 0
smoke_done
