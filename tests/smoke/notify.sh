#!/bin/bash
# Readiness for systemd (Type=notify): READY=1 once packets flow, RELOADING=1 and READY=1 around a SIGHUP, STOPPING=1
# at the end.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
gateway_conf </dev/null
/usr/bin/python3 - "$lab_tmp/notify.sock" >"$lab_tmp/notify" <<'END' &
import socket, sys
end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
end.bind(sys.argv[1])
while True:
    print(end.recv(4096).decode().replace("\n", " "), flush=True)
END
lab_pids+=("$!")
wait_for 5 test -S "$lab_tmp/notify.sock"
export NOTIFY_SOCKET=$lab_tmp/notify.sock
gateway_up
unset NOTIFY_SOCKET
check "READY=1" wait_for 5 grep -q '^READY=1' "$lab_tmp/notify"
kill -HUP "$sluice_pid"
check "RELOADING=1" wait_for 5 grep -q 'RELOADING=1' "$lab_tmp/notify"
again() { [ "$(grep -c 'READY=1' "$lab_tmp/notify")" -ge 2 ]; }
check "READY=1 again" wait_for 5 again
rc=0
stop "$sluice_pid" || rc=$?
is "it stops" $rc 0
check "STOPPING=1" wait_for 5 grep -q 'STOPPING=1' "$lab_tmp/notify"
smoke_done
