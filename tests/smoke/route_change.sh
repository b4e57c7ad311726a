#!/bin/bash
# A route of sluice.yaml is the kernel's on the mirror; when somebody else (ip, FRR) changes it there,
# traffic follows, new flows and old ones.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
ports_conf() {
	cat <<-END
	- name: clients
	  device: "$(device clients)"
	  addresses: [192.0.2.1/24]
	- name: servers
	  device: "$(device servers)"
	  addresses: [198.51.100.1/24]
	  routes: [{to: 203.0.113.77/32, via: 198.51.100.11}]
	END
}
lab_up
servers_up 1
# One address behind servers 1 and 2: who answers tells which way a packet went.
for n in 1 2; do
	in_server $n ip addr add 203.0.113.77/32 dev lo
	start "server$n" "$lab_tmp/behind$n.log" /usr/bin/python3 "$lab_root/tests/smoke/_net.py" \
		echo 203.0.113.77 7 "behind$n"
done
service_echo | sed '/198.51.100.1[23]/d; s/198.51.100.11/203.0.113.77/' >"$lab_tmp/resources/echo.yaml"
gateway_up
like "the kernel has the route of sluice.yaml" "$(in_gateway ip route show 203.0.113.77)" "via 198.51.100.11 dev servers"
check "traffic takes it" wait_for 5 bash -c "$(declare -f net in_space); lab=$lab lab_root=$lab_root
	[[ \$(net client ask 192.0.2.101 7 3) = 'answers 3: behind1=3' ]]"

net client gap 192.0.2.101 7 2 >"$lab_tmp/gap" &
asker=$!
net client turn 192.0.2.101 7 behind2 >"$lab_tmp/turned" &
turner=$!
in_traffic() { [ "$(counter forwarded)" -gt 400 ]; }
wait_for 5 in_traffic
# The new next hop is known, as it would be for a router in use.
in_gateway ping -q -c 1 -W 2 198.51.100.12 >/dev/null
begin=$(now_ms)
in_gateway ip route replace 203.0.113.77/32 via 198.51.100.12 dev servers
wait $turner
turned=$(cat "$lab_tmp/turned")
like "new flows take the new way" "$turned" '^[0-9]+$'
[ "$turned" = timeout ] || figure "route changed to first answer over it" "$((turned - begin)) ms"
wait $asker
got=$(cat "$lab_tmp/gap")
figure "a flow across the change" "$got (gap in ms)"
at_least "old flows go on over it" "$(awk '{ print $8 }' <<<"$got")" 100
is "and all of it takes the new way" "$(net client ask 192.0.2.101 7 5)" "answers 5: behind2=5"
in_gateway ip route replace unreachable 203.0.113.77/32
no_way() { net client udp 192.0.2.101 7 0.3; [ "$(counter no_route)" -ge 1 ]; }
check "without a way packets are dropped as no_route" wait_for 5 no_way
books
smoke_done
