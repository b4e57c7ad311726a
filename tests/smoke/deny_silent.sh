#!/bin/bash
# outboundPolicy.deny: silent gives no answer, and counts all the same.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_web >"$lab_tmp/resources/web.yaml"
gateway_conf <<<"outboundPolicy: {deny: silent}"
gateway_up

is "TCP to an undeclared address: nothing" "$(net client tcp 203.0.113.9 443 0.6)" timeout
is "UDP to an undeclared address: nothing" "$(net client udp 203.0.113.9 53 0.6)" timeout
at_least "denials are counted" "$(counter denied)" 2
is "and nothing was answered" "$(counter replies)" 0
like "the declared service works beside it" "$(curl_ http://192.0.2.100/)" "^server"
books
smoke_done
