#!/bin/bash
# The control socket: mode 0660, refused to strangers, changes logged with who made them; a second
# daemon does not take it over.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
gateway_conf </dev/null
chmod 755 "$lab_tmp"
gateway_up
is "its mode" "$(stat -c %a "$lab_tmp/control.sock")" 660
rc=0
setpriv --reuid=65534 --regid=65534 --clear-groups "$sluicectl" -s "$lab_tmp/control.sock" stats >/dev/null 2>&1 || rc=$?
is "a stranger is refused" $rc 1
service_web | apply
like "a change is logged with its author" "$(cat "$lab_tmp/sluice.log")" "apply: .*uid=0 gid=0 pid=[0-9]+"
rc=0
in_gateway timeout 10 "$sluice" -c "$lab_tmp/sluice.yaml" --profile-dir "$lab_root/drivers-config/nic" >"$lab_tmp/second.log" 2>&1 || rc=$?
is "a second daemon on the same configuration gives up" $rc 1
check "the first one goes on" gateway_ready
is "and still serves its objects" "$(ctl get se -n gwtest -o name | wc -l)" 1
smoke_done
