#!/bin/bash
# Locality: clients stay near while the near endpoints are healthy, spill over as Envoy's arithmetic says
# when they are not, and `distribute` splits by share.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"

service() {
	cat <<-'END'
	apiVersion: networking.istio.io/v1
	kind: ServiceEntry
	metadata: {name: web, namespace: gwtest}
	spec:
	  hosts: [web.example.com]
	  addresses: [203.0.113.50]
	  ports: [{number: 80, name: http, protocol: TCP}]
	  resolution: STATIC
	  workloadSelector: {labels: {app: web}}
	END
}

workload() { # N LOCALITY HEALTHY
	cat <<-END
	---
	apiVersion: networking.istio.io/v1
	kind: WorkloadEntry
	metadata:
	  name: web$1
	  namespace: gwtest
	  labels: {app: web}
	  annotations: {proxy.istio.io/health-checks-enabled: "true"}
	spec: {address: 198.51.100.1$1, locality: $2}
	status: {conditions: [{type: Healthy, status: "$3"}]}
	END
}

rule() { # POLICY
	cat <<-END | apply
	apiVersion: networking.istio.io/v1
	kind: DestinationRule
	metadata: {name: web, namespace: gwtest}
	spec:
	  host: web.example.com
	  trafficPolicy: $1
	END
}

who() { spread 60 http://203.0.113.50/ | awk '{ print $2 }' | sort | paste -sd' '; }

lab_up
servers_up 1
{ service; workload 1 r1/z1/s1 True; workload 2 r1/z2/s1 True; workload 3 r2/z1/s1 True; } >"$lab_tmp/resources/all.yaml"
gateway_conf <<<"node: {locality: r1/z1/s1}"
gateway_up

is "locality alone does nothing" "$(who)" "server1 server2 server3"
rule "{outlierDetection: {}}"
is "with outlierDetection the nearest is used" "$(who)" "server1"
workload 1 r1/z1/s1 False | apply
is "the next zone when it is not healthy" "$(who)" "server2"
workload 2 r1/z2/s1 False | apply
is "the next region after that" "$(who)" "server3"
{ workload 1 r1/z1/s1 True; workload 2 r1/z1/s1 False; } | apply
# Half of the nearest two are healthy: 140 * 1/2 = 70 % stay, 30 % go on to the other region.
got=$(spread 200 http://203.0.113.50/)
lab_say "1 of 2 near ones healthy, spread of 200: ${got//$'\n'/, }"
is "half healthy: the nearest and the other region" "$(awk '{ print $2 }' <<<"$got" | sort | paste -sd' ')" "server1 server3"
# 140 and 60 expected; the bounds are five standard deviations away
at_least "about 70 % stay" "$(awk '$2 == "server1" { print $1 }' <<<"$got")" 108
at_least "about 30 % go" "$(awk '$2 == "server3" { print $1 }' <<<"$got")" 28

{ workload 1 r1/z1/s1 True; workload 2 r1/z2/s1 True; } | apply
rule '{loadBalancer: {localityLbSetting: {distribute: [{from: "r1/*", to: {"r1/z2/*": 80, "r2/*": 20}}]}}}'
got=$(spread 200 http://203.0.113.50/)
lab_say "distribute 80 : 20, spread of 200: ${got//$'\n'/, }"
is "distribute: who gets no share gets nothing" "$(awk '{ print $2 }' <<<"$got" | sort | paste -sd' ')" "server2 server3"
at_least "the larger share" "$(awk '$2 == "server2" { print $1 }' <<<"$got")" 132
at_least "the smaller share" "$(awk '$2 == "server3" { print $1 }' <<<"$got")" 12
rule '{loadBalancer: {localityLbSetting: {failover: [{from: r1, to: r2}]}}, outlierDetection: {}}'
{ workload 1 r1/z1/s1 False; workload 2 r3/z1/s1 True; } | apply
is "failover names the region that follows" "$(who)" "server3"
books
smoke_done
