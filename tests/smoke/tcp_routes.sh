#!/bin/bash
# VirtualService tcp routes: weights, subsets of a DestinationRule, ports, destination subnets, and clients'
# labels; and what a DestinationRule says of balancing and limits.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"

LONG_RATE=100k # a file of 1 MiB takes ten seconds
lab_up
servers_up 1
in_client ip addr add 192.0.2.20/24 dev eth0
cat >"$lab_tmp/resources/all.yaml" <<-'END'
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: web, namespace: gwtest}
spec:
  hosts: [web.example.com]
  addresses: [203.0.113.50, 203.0.113.66]
  ports:
  - {number: 80, name: http, protocol: TCP}
  - {number: 8080, name: alt, protocol: TCP}
  - {number: 9090, name: third, protocol: TCP}
  resolution: STATIC
  endpoints:
  - {address: 198.51.100.11, labels: {version: v1}}
  - {address: 198.51.100.12, labels: {version: v2}}
  - {address: 198.51.100.13, labels: {version: v3}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: gwtest}
spec:
  host: web.example.com
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
  - {name: v3, labels: {version: v3}}
END
cat >"$lab_tmp/resources/routes.yaml" <<-'END'
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: gwtest}
spec:
  hosts: [web.example.com]
  tcp:
  - match: [{port: 8080, destinationSubnets: [203.0.113.64/28]}]
    route: [{destination: {host: web.example.com, subset: v3, port: {number: 80}}}]
  - match: [{port: 8080, sourceLabels: {tier: batch}}]
    route: [{destination: {host: web.example.com, subset: v2, port: {number: 80}}}]
  - match: [{port: 9090}]
    route: [{destination: {host: web.example.com, subset: gone, port: {number: 80}}}]
  - match: [{port: 80}]
    route:
    - {destination: {host: web.example.com, subset: v1, port: {number: 80}}, weight: 25}
    - {destination: {host: web.example.com, subset: v2, port: {number: 80}}, weight: 75}
END
gateway_conf <<-'END'
clients:
- {cidrs: [192.0.2.20/32], namespace: default, labels: {tier: batch}}
END
gateway_up

got=$(spread 200 http://203.0.113.50/)
lab_say "spread of 200 by 25 : 75: ${got//$'\n'/, }"
is "two subsets, nobody else" "$(awk '{ print $2 }' <<<"$got" | sort | paste -sd' ')" "server1 server2"
# 50 of 200 expected; 20 is five standard deviations away
at_least "the smaller share" "$(awk '$2 == "server1" { print $1 }' <<<"$got")" 20
at_least "the larger share" "$(awk '$2 == "server2" { print $1 }' <<<"$got")" 110
like "another port of the destination, for one subnet" "$(curl_ http://203.0.113.66:8080/)" "^server3 port 80 "
like "for clients with the label" "$(curl_ --interface 192.0.2.20 http://203.0.113.50:8080/)" "^server2 port 80 "
like "others keep the service's own endpoints" "$(spread 30 http://203.0.113.50:8080/ | wc -l)" "^3$"
is "a subset that is not there leads nowhere" "$(net client tcp 203.0.113.50 9090)" refused
like "and describe says so" "$(ctl describe virtualservice web -n gwtest)" "subset"

# ---- balancing and limits ----
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
rm "$lab_tmp/resources/routes.yaml"
ctl reload >/dev/null
rule "{loadBalancer: {simple: ROUND_ROBIN}}"
is "round robin: each exactly a third" "$(spread 30 http://203.0.113.50/ | awk '{ print $1 }' | paste -sd' ')" "10 10 10"
rule "{loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 65537}}}}"
one=$(spread 20 http://203.0.113.50/)
like "Maglev by source: a client has one server" "$one" "^20 server[123]$"
rc=0; stop "$sluice_pid" || rc=$?
is "the gateway ends well" "$rc" 0
gateway_up
is "and the client has the same one" "$(spread 20 http://203.0.113.50/)" "$one"
in_client ip addr add 192.0.2.64/27 dev eth0
servers=$(for n in {65..94}; do
	in_client ip addr add "192.0.2.$n/32" dev eth0
	curl_ --interface "192.0.2.$n" http://203.0.113.50/ | awk '{ print $1 }'
done | sort -u | paste -sd' ')
is "thirty clients meet all servers" "$servers" "server1 server2 server3"

rule "{connectionPool: {tcp: {maxConnections: 3}}}"
mkfifo "$lab_tmp/end"
net client hold 203.0.113.50 80 3 <"$lab_tmp/end" >"$lab_tmp/held" &
holder=$!
exec 9>"$lab_tmp/end"
wait_for 5 grep -q "held 3" "$lab_tmp/held"
is "the fourth connection is refused" "$(net client tcp 203.0.113.50 80)" refused
at_least "and counted" "$(counter connection_limit)" 1
exec 9>&-
wait $holder
room() { [ "$(net client tcp 203.0.113.50 80)" = connected ]; }
check "there is room when they are gone" wait_for 10 room

rule "{connectionPool: {tcp: {maxConnectionDuration: 1s}}}"
is "a download that takes longer than maxConnectionDuration is cut" \
	"$(curl_ --max-time 20 -o /dev/null http://203.0.113.50/long/big >/dev/null 2>&1; echo $?)" 56
books
smoke_done
