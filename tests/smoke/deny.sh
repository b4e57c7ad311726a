#!/bin/bash
# What nobody declared is denied so that the client knows at once: RST to TCP, ICMP administratively
# prohibited to UDP. A TCP segment of no flow gets a RST. All of it is counted.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_web >"$lab_tmp/resources/web.yaml"
gateway_up

is "TCP to an undeclared address: RST" "$(net client tcp 203.0.113.9 443)" refused
like "UDP to an undeclared address: administratively prohibited" "$(net client udp 203.0.113.9 53)" \
	"^icmp 3/13 from "
is "TCP to another port of a VIP: RST" "$(net client tcp 192.0.2.100 8443)" refused
is "the real servers can't be reached around the gateway's services" "$(net client tcp 198.51.100.11 80)" refused
is "a TCP segment that belongs to no flow: RST" "$(net client stray 192.0.2.100 80)" rst
at_least "denials are counted" "$(counter denied)" 3
at_least "the stray segment too" "$(counter no_flow)" 1
at_least "and the answers" "$(counter replies)" 4
like "the declared service works beside it" "$(curl_ http://192.0.2.100/)" "^server"
books
smoke_done
