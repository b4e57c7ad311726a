#!/bin/bash
# Two workers that share nothing: whichever worker a frame arrives at, its flow's owner handles it.
set -euo pipefail
export WORKERS=2
# shellcheck source=tests/smoke/_basic.sh
. "$(dirname "$0")/_basic.sh"
# More than one queue of net_af_packet is for the asking: see its profile.
ports_conf() {
	cat <<-END
	- name: clients
	  device: "$(device clients)"
	  addresses: [192.0.2.1/24]
	  rxQueues: 2
	- name: servers
	  device: "$(device servers)"
	  addresses: [198.51.100.1/24]
	  rxQueues: 2
	END
}
basic
is "two workers run" "$(ctl workers -o json | python3_ -c '
import json, sys
print(sum(w["state"] == "running" for w in json.load(sys.stdin)))')" 2
is "with a queue each, they hand off what is another's" "$(ctl workers -o json | python3_ -c '
import json, sys
print(" ".join(sorted({a for w in json.load(sys.stdin) for a in w["affinity"]})))')" "clients=partition servers=partition"
net client ask 192.0.2.101 7 200 >"$lab_tmp/asked"
like "200 UDP flows over both" "$(cat "$lab_tmp/asked")" "^answers 200:"
start client "$lab_tmp/wrk" wrk -t1 -c32 -d2s -H 'Connection: close' http://192.0.2.100/
wait "$started" || true
lab_say "wrk: $(grep -E 'requests in|Socket errors|Non-2xx' "$lab_tmp/wrk" | paste -sd';')"
is "new HTTP connections under load: none failed" "$(grep -cE 'Socket errors|Non-2xx' "$lab_tmp/wrk" || true)" 0
lab_say "$(ctl workers -o json | python3_ -c '
import json, sys
print(", ".join("worker {worker}: rx {rx}, forwarded {forwarded}, flows {flows}".format(**w) for w in json.load(sys.stdin)))')"
books "the books of both in sum balance"
smoke_done
