#!/bin/bash
# curl through the VIP of a three-endpoint STATIC ServiceEntry meets all three servers, whichever the
# order, and each sees an address of the egress pool.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_web >"$lab_tmp/resources/web.yaml"
gateway_up

got=$(spread 150 http://192.0.2.100/)
lab_say "spread of 150: ${got//$'\n'/, }"
is "three servers answer, no request fails" \
	"$(awk '{ print $2 }' <<<"$got" | sort | paste -sd' ')" "server1 server2 server3"
# Equal weights: each gets 50 of 150; 20 is more than five standard deviations away.
at_least "the least used one has its share" "$(awk '{ n = $1 } END { print n }' <<<"$got")" 20
like "servers see the egress pool, not the client" "$(curl_ http://192.0.2.100/)" \
	"^server[123] port 80 from 198\.51\.100\.10[0-3]$"
flows=$(ctl flows --to 192.0.2.100 -o json | python3_ -c '
import json, sys
flows = json.load(sys.stdin)
print(len(flows), all(f["vip"] == "192.0.2.100:80" and f["client"].startswith("192.0.2.10:")
                      and f["proto"] == "tcp" for f in flows))')
like "its flows are shown with client and VIP" "$flows" "^[1-9][0-9]* True$"
is "a filter that matches nothing shows nothing" "$(ctl flows --to 192.0.2.99 -o json | tr -d ' \n')" "[]"
books
smoke_done
