#!/bin/bash
# Resolution NONE and the policy ALLOW_ANY keep the client's destination: by CIDR, by port, with a target
# port; what is not declared stays denied, and nothing leads to the gateway itself.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"

lab_up
servers_up 1
cat >"$lab_tmp/resources/all.yaml" <<-'END'
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: block, namespace: gwtest}
spec:
  hosts: [block.example.com]
  addresses: [198.51.100.12/31]
  ports:
  - {number: 80, name: http, protocol: TCP}
  - {number: 7, name: udp-echo, protocol: UDP}
  resolution: NONE
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: any, namespace: gwtest}
spec:
  hosts: [any.example.com]
  ports:
  - {number: 81, name: tcp, protocol: TCP, targetPort: 8080}
  resolution: NONE
END
gateway_up

like "an address of the CIDR is reached" "$(curl_ http://198.51.100.12/)" "^server2 port 80 from 198\.51\.100\.10[0-3]$"
like "and the other one" "$(curl_ http://198.51.100.13/)" "^server3 port 80 from 198\.51\.100\.10[0-3]$"
is "one outside is denied" "$(net client tcp 198.51.100.11 80)" refused
is "UDP too" "$(net client udp 198.51.100.13 7)" "answer server3 hello"
like "any address, with a target port" "$(curl_ http://198.51.100.11:81/)" "^server1 port 8080 from"
is "the gateway's own address stays the gateway's" "$(net client tcp 192.0.2.1 81)" refused
is "a flow shows where it goes" "$(ctl flows --to 198.51.100.11 -o json | python3_ -c '
import json, sys
print(json.load(sys.stdin)[0]["endpoint"])')" "198.51.100.11:8080"
is "what nobody declared is denied" "$(net client tcp 198.51.100.11 8080)" refused

echo "outboundPolicy: {mode: ALLOW_ANY}" | gateway_conf
check "ALLOW_ANY comes with a reload" ctl reload
like "then it is let through" "$(curl_ http://198.51.100.11:8080/)" "^server1 port 8080 from 198\.51\.100\.10[0-3]$"
is "but not to the gateway" "$(net client tcp 192.0.2.1 8080)" refused
gateway_conf </dev/null
check "and goes with the next" ctl reload
is "denied again" "$(net client tcp 198.51.100.11 8080)" refused
books
smoke_done
