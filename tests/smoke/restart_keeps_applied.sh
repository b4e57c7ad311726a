#!/bin/bash
# What was applied through the socket survives a restart (the state folder); so does a deletion.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
gateway_up
service_web | apply
service_shop | apply
like "it serves before" "$(curl_ http://192.0.2.100/)" "^server"
like "diff sees no difference" "$(service_web >"$lab_tmp/web.yaml"; ctl diff -f "$lab_tmp/web.yaml" && echo none)" "^none$"
ctl delete -n gwtest serviceentry shop >/dev/null
rc=0
stop "$sluice_pid" || rc=$?
is "it stops" $rc 0
gateway_up
like "the applied service serves again" "$(curl_ http://192.0.2.100/)" "^server"
is "the deleted one stays deleted" "$(net client tcp 203.0.113.50 80)" refused
is "get shows where it comes from" "$(ctl get se example-se -n gwtest -o wide | awk 'NR == 2 && / socket /' | wc -l)" 1
books
smoke_done
