#!/bin/bash
# The lab itself: an interrupted one (Ctrl-C) leaves no namespace, no process and no file.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
log=$lab_tmp/inner
# A lab of its own that waits for ever, as a child that takes SIGINT (background jobs ignore it).
python3_ - "$log" <<'END' &
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
with open(sys.argv[1], "w") as log:
    child = subprocess.Popen(["bash", "-c", """set -euo pipefail
        . tests/smoke/_lab.sh
        lab_up
        servers_up 1
        echo "up $lab $lab_tmp ${lab_pids[*]}"
        while :; do sleep 0.1; done"""], stdout=log, stderr=log)
    with open(sys.argv[1] + ".pid", "w") as pid:
        pid.write(str(child.pid))
    sys.exit(child.wait())
END
runner=$!
check "it comes up" wait_for 15 grep -q '^up' "$log"
read -r _ name folder pids <"$log"
kill -INT "$(cat "$log.pid")"
rc=0
wait $runner || rc=$?
is "the status says interrupted" $rc 130
is "no namespace is left" "$(ip netns list | awk '{ print $1 }' | grep "^$name-" || true)" ""
left=()
for pid in $pids; do if alive "$pid"; then left+=("$pid"); fi; done
is "no process is left" "${left[*]}" ""
is "no file is left" "$(ls -d "$folder" 2>/dev/null)" ""
smoke_done
