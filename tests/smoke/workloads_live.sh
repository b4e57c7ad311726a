#!/bin/bash
# A WorkloadEntry that is added, relabelled, marked unhealthy or removed takes effect at once, and no flow
# breaks by it: a download and steady UDP flows go on all the while.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"

services() {
	local spec
	for spec in "web 192.0.2.100 80 TCP" "echo 192.0.2.101 7 UDP"; do
		# shellcheck disable=SC2086 # four words
		set -- $spec
		cat <<-END
		---
		apiVersion: networking.istio.io/v1
		kind: ServiceEntry
		metadata: {name: $1, namespace: gwtest}
		spec:
		  hosts: [$1.example.com]
		  addresses: [$2]
		  ports: [{number: $3, name: $1, protocol: $4}]
		  resolution: STATIC
		  workloadSelector: {labels: {app: vm}}
		END
	done
}

# Round robin: who has a download of its own would be chosen less often.
round_robin() {
	cat <<-'END'
	---
	apiVersion: networking.istio.io/v1
	kind: DestinationRule
	metadata: {name: web, namespace: gwtest}
	spec:
	  host: web.example.com
	  trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}
	END
}

workload() { # N APP [HEALTHY]
	cat <<-END
	---
	apiVersion: networking.istio.io/v1
	kind: WorkloadEntry
	metadata:
	  name: vm$1
	  namespace: gwtest
	  labels: {app: $2}
	  annotations: {proxy.istio.io/health-checks-enabled: "true"}
	spec:
	  address: 198.51.100.1$1
	status:
	  conditions:
	  - {type: Healthy, status: "${3:-True}"}
	END
}

who() { spread 40 http://192.0.2.100/ | awk '{ print $2 }' | sort | paste -sd' '; }

lab_up
servers_up 32
{ services; round_robin; workload 1 vm; workload 2 vm; } >"$lab_tmp/resources/all.yaml"
gateway_up
is "two workloads" "$(who)" "server1 server2"

curl_ --max-time 60 -o "$lab_tmp/got" http://192.0.2.100/long/big &
download=$!
mkfifo "$lab_tmp/end"
net client sticky 192.0.2.101 7 12 <"$lab_tmp/end" >"$lab_tmp/sticky" &
asking=$!
exec 9>"$lab_tmp/end"
wait_for 5 grep -q ready "$lab_tmp/sticky"

workload 3 vm | apply
is "one more is used at once" "$(who)" "server1 server2 server3"
workload 1 other | apply
is "one that lost its label is not used any more" "$(who)" "server2 server3"
workload 2 vm False | apply
is "nor is one that is not healthy" "$(who)" "server3"
like "endpoints says why" "$(ctl endpoints -o json | tr -d '\n')" '"198\.51\.100\.12"[^}]*"UNHEALTHY"'
workload 2 vm True | apply
is "until it is healthy again" "$(who)" "server2 server3"
check "one is deleted" ctl delete -n gwtest WorkloadEntry vm3
is "and gone" "$(who)" "server2"
check "so is the other: nothing is left" ctl delete -n gwtest WorkloadEntry vm1
# vm2 came from the file; the file's own version of vm1 has the label again.
is "a file's object is in force again" "$(who)" "server1 server2"

echo >&9
exec 9>&-
wait $asking
like "no UDP flow lost an answer or changed its server" "$(tail -n 1 "$lab_tmp/sticky")" "^flows 12 sent [0-9]+ lost 0 strayed 0$"
rc=0
wait $download || rc=$?
is "the download ended well" "$rc" 0
is "and is the file" "$(sha256sum <"$lab_tmp/got")" "$(sha256sum <"$lab_tmp/www/big")"
books
smoke_done
