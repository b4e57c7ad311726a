#!/bin/bash
# Clients of two namespaces see different services at one VIP, and only those that are exported to them.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"

service() { # NAMESPACE NAME HOST VIP SERVER EXPORT-TO
	cat <<-END
	---
	apiVersion: networking.istio.io/v1
	kind: ServiceEntry
	metadata: {name: $2, namespace: $1}
	spec:
	  hosts: [$3]
	  addresses: [$4]
	  exportTo: ["$6"]
	  ports: [{number: 80, name: http, protocol: TCP}]
	  resolution: STATIC
	  endpoints: [{address: 198.51.100.1$5}]
	END
}

# from ADDRESS URL: what a client with that address gets.
from() { curl_ --interface "$1" "$2" 2>/dev/null | awk '{ print $1 }' || echo "status $?"; }
refused() { is "$1" "$(curl_ --interface "$2" -o /dev/null "$3" >/dev/null 2>&1; echo $?)" 7; }

lab_up
servers_up 1
in_client ip addr add 192.0.2.20/24 dev eth0
in_client ip addr add 192.0.2.40/24 dev eth0
{
	service team-a db db.example.com 192.0.2.100 1 .
	service team-b db db.example.com 192.0.2.100 2 .
	service team-a api api.example.com 192.0.2.101 3 "*"
	service team-a own own.example.com 192.0.2.102 1 .
	service shared nobody nobody.example.com 192.0.2.103 1 "~"
	service shared to-b to-b.example.com 192.0.2.104 2 team-b
} >"$lab_tmp/resources/all.yaml"
gateway_conf <<-'END'
clients:
- {cidrs: [192.0.2.10/32], namespace: team-a}
- {cidrs: [192.0.2.16/28], namespace: team-b}
END
gateway_up

is "team-a's db" "$(from 192.0.2.10 http://192.0.2.100/)" server1
is "team-b's db, at the same VIP" "$(from 192.0.2.20 http://192.0.2.100/)" server2
refused "a client of no namespace has neither" 192.0.2.40 http://192.0.2.100/
is "what is exported to all: team-a" "$(from 192.0.2.10 http://192.0.2.101/)" server3
is "team-b" "$(from 192.0.2.20 http://192.0.2.101/)" server3
is "everybody" "$(from 192.0.2.40 http://192.0.2.101/)" server3
is "team-a's own service" "$(from 192.0.2.10 http://192.0.2.102/)" server1
refused "is not team-b's" 192.0.2.20 http://192.0.2.102/
refused "what is exported to nobody" 192.0.2.10 http://192.0.2.103/
is "what is exported to team-b" "$(from 192.0.2.20 http://192.0.2.104/)" server2
refused "is not team-a's" 192.0.2.10 http://192.0.2.104/

sed -i 's/192.0.2.16\/28/192.0.2.40\/32/' "$lab_tmp/sluice.yaml"
check "the groups change with a reload" ctl reload
is "the newcomer has team-b's db" "$(from 192.0.2.40 http://192.0.2.100/)" server2
refused "who left has none" 192.0.2.20 http://192.0.2.100/
like "explain agrees" "$(ctl explain --from 192.0.2.40 --to 192.0.2.100:80 -o json | tr -d ' \n')" '"verdict":"forward".*"namespace":"team-b"'
like "also in what it denies" "$(ctl explain --from 192.0.2.20 --to 192.0.2.100:80 -o json | tr -d ' \n')" '"verdict":"deny"'
books
smoke_done
