# shellcheck shell=bash
# The basic test, for the drivers and numbers of workers that source it: TCP and UDP through a VIP, the
# kernel's answers, a denial, and books that balance.
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/_lib.sh"

basic() {
	local got

	lab_up
	servers_up 4
	service_web >"$lab_tmp/resources/web.yaml"
	service_echo >"$lab_tmp/resources/echo.yaml"
	gateway_up
	lab_say "ports: $(ctl ports -o json | python3_ -c '
import json, sys
print(", ".join("{name} {driver} {rxQueues} queue(s)".format(**p) for p in json.load(sys.stdin)))')"

	check "the gateway answers ping" in_client ping -q -c 2 -i 0.2 -W 2 192.0.2.1
	got=$(spread 60 http://192.0.2.100/)
	lab_say "spread: ${got//$'\n'/, }"
	is "60 requests meet all three servers, and none fails" \
		"$(awk '{ print $2 }' <<<"$got" | sort | paste -sd' ')" "server1 server2 server3"
	like "UDP through the gateway" "$(net client ask 192.0.2.101 7 60)" "^answers 60: server1=[0-9]+ server2=[0-9]+ server3=[0-9]+$"
	is "a file of 4 MiB arrives whole" \
		"$(curl_ http://192.0.2.100/big | sha256sum)" "$(sha256sum <"$lab_tmp/www/big")"
	is "what nobody declared is refused" "$(net client tcp 192.0.2.100 81)" refused
	books
}
