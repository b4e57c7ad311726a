#!/bin/bash
# Four workers and ports of one queue: who polls the queue hands the frames out, and each worker carries a
# share of the flows.
set -euo pipefail
export WORKERS=4
# shellcheck source=tests/smoke/_basic.sh
. "$(dirname "$0")/_basic.sh"
basic

# of_workers EXPRESSION: over the rows `w` of sluicectl workers.
of_workers() { ctl workers -o json | python3_ -c "
import json, sys
rows = json.load(sys.stdin)
print($1)"; }

is "both ports are sprayed, each by another worker" \
	"$(of_workers '" ".join("{}:{}".format(w["worker"], a) for w in rows for a in w["affinity"])')" \
	"0:clients=spray 1:servers=spray"
like "sluicectl ports says why" "$(ctl ports -o json | python3_ -c '
import json, sys
print("; ".join(p["affinityWhy"] for p in json.load(sys.stdin)))')" "^1 RX queues for 4 workers; 1 RX queues for 4 workers$"
net client ask 192.0.2.101 7 400 >"$lab_tmp/asked"
like "400 UDP flows, each answered" "$(cat "$lab_tmp/asked")" "^answers 400:"
lab_say "flows of the workers: $(of_workers '" ".join(str(w["flows"]) for w in rows)')"
# Of 400 flows fewer than 40 for a worker of 4 is a chance of less than 1 in 10^9.
is "every worker has its share of them" "$(of_workers 'sum(w["flows"] >= 40 for w in rows)')" 4
start client "$lab_tmp/wrk" wrk -t1 -c32 -d2s -H 'Connection: close' http://192.0.2.100/
wait "$started" || true
lab_say "wrk: $(grep -E 'requests in|Socket errors|Non-2xx' "$lab_tmp/wrk" | paste -sd';')"
is "new HTTP connections under load: none failed" "$(grep -cE 'Socket errors|Non-2xx' "$lab_tmp/wrk" || true)" 0
is "and none was without its flow" "$(counter no_flow)" 0
lab_say "handed to the workers: $(of_workers '" ".join(str(w["handedIn"]) for w in rows)')"
is "each worker was handed frames" "$(of_workers 'sum(w["handedIn"] > 0 for w in rows)')" 4
check "what was handed off arrived" [ "$(counter handed_off)" = "$(counter handed_in)" ]
books
rc=0
stop "$sluice_pid" || rc=$?
is "they stop cleanly" $rc 0

for way in flow_rules rss; do
	sed "s/^workers:/&\n  affinity: $way/" "$lab_tmp/sluice.yaml" >"$lab_tmp/$way.yaml"
	rc=0
	in_gateway timeout 20 "$sluice" -c "$lab_tmp/$way.yaml" --profile-dir "$lab_root/drivers-config/nic" \
		>"$lab_tmp/$way.log" 2>&1 || rc=$?
	like "$way is refused where it cannot be: status, and why" \
		"$rc $(grep -o "port clients: affinity: .*" "$lab_tmp/$way.log")" \
		"^1 port clients: affinity: $way cannot be: fewer RX queues than workers"
done
smoke_done
