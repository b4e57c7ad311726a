#!/bin/bash
# A dead endpoint costs no client a failed connect, whatever way it is dead: its port is closed (RST), its
# host swallows the handshake, its host says unreachable (ICMP), or no host has the address (no ARP).
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"

service() { # NAME VIP PORT ENDPOINT...
	local name=$1 vip=$2 port=$3 address
	shift 3
	cat <<-END
	---
	apiVersion: networking.istio.io/v1
	kind: ServiceEntry
	metadata: {name: $name, namespace: gwtest}
	spec:
	  hosts: [$name.example.com]
	  addresses: [$vip]
	  ports: [{number: 80, name: http, protocol: TCP, targetPort: $port}]
	  resolution: STATIC
	  endpoints:
	END
	for address; do echo "  - address: $address"; done
	cat <<-END
	---
	apiVersion: networking.istio.io/v1
	kind: DestinationRule
	metadata: {name: $name, namespace: gwtest}
	spec:
	  host: $name.example.com
	  trafficPolicy:
	    loadBalancer: {simple: ROUND_ROBIN}
	    connectionPool: {tcp: {connectTimeout: 300ms}}
	END
}

lab_up
servers_up 1
# server3: what 198.51.100.14 would answer is thrown away; nothing listens on .16; and it is the router to
# 203.0.113.200, of which it says that it cannot be reached.
for n in 4 6; do in_server 3 ip addr add "198.51.100.1$n/24" dev eth0; done
in_server 3 ip rule add from 198.51.100.14 blackhole
in_server 3 ip route add unreachable 203.0.113.200/32
in_server 3 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv4/icmp_ratelimit'
{
	service closed 192.0.2.100 80 198.51.100.11 198.51.100.16
	service silent 192.0.2.101 80 198.51.100.11 198.51.100.14
	service unreachable 192.0.2.102 80 198.51.100.11 203.0.113.200
	service absent 192.0.2.103 80 198.51.100.11 198.51.100.99
	service several 192.0.2.104 80 198.51.100.11 198.51.100.14 203.0.113.200 198.51.100.16 198.51.100.99
	service all-dead 192.0.2.105 80 198.51.100.14 198.51.100.16 203.0.113.200
} >"$lab_tmp/resources/all.yaml"
gateway_up
in_gateway ip route add 203.0.113.200/32 via 198.51.100.13 dev servers

n=0
for name in closed silent unreachable absent several; do
	before=$(counter handshakes_moved)
	is "$name: 20 requests, all answered by the one that lives" "$(spread 20 "http://192.0.2.10$n/")" "20 server1"
	at_least "$name: handshakes that moved on" "$(($(counter handshakes_moved) - before))" 8
	n=$((n + 1))
done
is "when all are dead the client hears of it" "$(net client tcp 192.0.2.105 80 5)" refused
# What a client waits for, when the endpoint is silent: the connect timeout, not its own retransmission.
figure "slowest of 10 connects with a silent endpoint, connectTimeout 300ms" "$(for _ in {1..10}; do
	curl_ -o /dev/null -w '%{time_connect}\n' http://192.0.2.101/; done | sort -n | tail -n 1) s"
at_least "handshakes that found no endpoint are counted" "$(counter handshakes_failed)" 1
books
smoke_done
