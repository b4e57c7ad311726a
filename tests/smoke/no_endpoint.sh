#!/bin/bash
# A service without endpoints says so at once: RST to TCP, ICMP port unreachable to UDP; it works as
# soon as it has one, and flows of a deleted service come to a defined end.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
gateway_up
without_endpoints() { sed '/endpoints:/,$d'; }
{ service_web | without_endpoints; echo ---; service_echo | without_endpoints; } >"$lab_tmp/empty.yaml"
check "services without endpoints are applied" ctl apply -f "$lab_tmp/empty.yaml"

is "TCP: RST" "$(net client tcp 192.0.2.100 80)" refused
is "UDP: port unreachable" "$(net client udp 192.0.2.101 7)" "icmp 3/3 from 192.0.2.101"
at_least "counted as no_endpoint" "$(counter no_endpoint)" 2
is "and not as denied" "$(counter denied)" 0
{ service_web; echo ---; service_echo; } | apply
like "TCP works as soon as there is one" "$(curl_ http://192.0.2.100/)" "^server"
like "UDP too" "$(net client udp 192.0.2.101 7)" "^answer server[123] hello$"
check "the service is deleted" ctl delete -n gwtest ServiceEntry example-se
is "then it is nobody's" "$(net client tcp 192.0.2.100 80)" refused
books
smoke_done
