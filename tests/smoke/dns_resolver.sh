#!/bin/bash
# The resolver's real way, c-ares and sockets: a server that lies in every way, one that is killed and
# comes back, two of which one is silent, and source ports that change.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
# shellcheck source=tests/smoke/_dns.sh
. "$(dirname "$0")/_dns.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root (network namespaces)"
lab_tmp=$(mktemp -d "/tmp/sluice-lab.XXXXXX")
trap lab_down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
space dns
for n in 1 2 3; do in_space dns ip addr add "198.51.100.$n/32" dev lo; done

probe() { in_space dns "$lab_build/tests/smoke/dns_probe" "$@" 2>>"$lab_tmp/events"; }

# entry FILE NAME: "STATE ADDRESSES [REFUSED]" of the last line printed.
entry() {
	tail -n 1 "$1" | jq -r --arg name "$2" '.entries[] | select(.name == $name) |
		[.state] + .addresses + (.refused | map("!" + .)) | join(" ")'
}

# label | expected entry | counter that has to have moved
kinds() {
	cat <<-'END'
	good|fresh 192.0.2.1|dns_answers
	servfail|failed|dns_servfail
	refused|failed|dns_refused
	formerr|failed|dns_formerr
	notimp|failed|dns_notimp
	nxdomain|empty|dns_nxdomain
	nodata|empty|dns_nodata
	nxdomain-once|fresh 192.0.2.1|dns_unconfirmed
	silence|failed|dns_timeouts
	silence-once|fresh 192.0.2.1|dns_timeouts
	truncate|fresh 192.0.2.1|dns_tcp
	truncate-always|failed|dns_tcp
	ttl0|fresh 192.0.2.1|dns_answers
	hugettl|fresh 192.0.2.1|dns_answers
	wrong-id|failed|dns_timeouts
	wrong-question|failed|dns_timeouts
	oversized|fresh 192.0.2.1|dns_answers
	loop|failed|dns_bad
	garbage|failed|dns_timeouts
	short|failed|dns_timeouts
	delay80|fresh 192.0.2.1|dns_answers
	chain|fresh 192.0.2.1|dns_answers
	cname-loop|failed|dns_bad
	loopback|refused !127.0.0.1|dns_rejected
	linklocal|refused !169.254.1.1|dns_rejected
	multicast|refused !224.0.0.1|dns_rejected
	unspecified|refused !0.0.0.0|dns_rejected
	classe|refused !240.0.0.1|dns_rejected
	mixed|fresh 192.0.2.1 !127.0.0.1|dns_rejected
	END
}

liar dns 1 198.51.100.1
mapfile -t names < <(kinds | sed 's/|.*/.api.example/')
probe -s 198.51.100.1 -w 2500 "${names[@]}" >"$lab_tmp/kinds.json"
while IFS='|' read -r label expected counter; do
	is "$label" "$(entry "$lab_tmp/kinds.json" "$label.api.example")" "$expected"
	[ "$(jq ".counters.$counter" "$lab_tmp/kinds.json")" -gt 0 ] || not_ok "$label: $counter moved"
done < <(kinds)
is "private addresses by policy" "$(probe -s 198.51.100.1 -P -w 500 private.x.example >"$lab_tmp/p.json"
	entry "$lab_tmp/p.json" private.x.example)" "refused !10.1.2.3" # lint: it is the subject
is "AAAA" "$(probe -6 -s 198.51.100.1 good.example >"$lab_tmp/p.json"
	entry "$lab_tmp/p.json" good.example)" "fresh 2001:db8::1"
is "an IPv4-mapped address" "$(probe -6 -s 198.51.100.1 mapped.example -w 300 >"$lab_tmp/p.json"
	entry "$lab_tmp/p.json" mapped.example)" "refused !::ffff:192.0.2.1"
probe -s 198.51.100.1 -w 500 many.example >"$lab_tmp/p.json"
is "100 addresses: 64 of them" "$(jq '.entries[0].addresses | length' "$lab_tmp/p.json")" 64
like "and that is said" "$(cat "$lab_tmp/events")" "many.example: answer too large: A: 36 addresses over 64"

# Source ports: 300 questions, one after the other (a name each 10 ms would be the same socket without
# rotation only while some question is always under way: silence keeps one there).
probe -s 198.51.100.1 -w 3000 silence.api.example $(seq -f 'n%g.ttl1.example' 400) >"$lab_tmp/p.json"
ports=$(awk '$1 == "udp" && $4 ~ /ttl1/ { print $2 }' "$lab_tmp/liar1.log" | sort -u | wc -l)
at_least "source ports of 400 questions with one always open" "$ports" 40
at_least "channels" "$(jq .counters.dns_channels "$lab_tmp/p.json")" 4

# A second server that answers nothing: every name has its answer soon all the same.
liar dns 2 198.51.100.2
echo '* silence' >"$lab_tmp/liar2.ctl"
begin=$(now_ms)
probe -s 198.51.100.2,198.51.100.1 $(seq -f 'm%g.example' 200) >"$lab_tmp/p.json"
took=$(($(now_ms) - begin))
is "one silent server: all names" "$(jq '[.entries[] | select(.state == "fresh")] | length' "$lab_tmp/p.json")" 200
if [ $took -lt 1000 ]; then ok "in time ($took ms)"; else not_ok "in time" "took $took ms"; fi
probe -s 198.51.100.2,198.51.100.1 -w 4000 $(seq -f 'ttl1.m%g.example' 20) >"$lab_tmp/p.json"
is "it is set aside" "$(jq -r '.servers[0].state' "$lab_tmp/p.json")" aside

# The only server is killed for longer than the TTL, and comes back.
liar dns 3 198.51.100.3
pid=$started
echo '* ttl=1 a=192.0.2.3' >"$lab_tmp/liar3.ctl"
probe -s 198.51.100.3 -w 9000 -i 100 www.example >"$lab_tmp/kill.json" &
lab_pids+=($!)
probe_pid=$!
state_is() { [ "$(entry "$lab_tmp/kill.json" www.example)" = "$1" ]; }
check "an answer" wait_for 3 state_is "fresh 192.0.2.3"
stop "$pid" KILL || true
check "stale, once it is gone" wait_for 5 state_is "stale 192.0.2.3"
echo '* ttl=1 a=192.0.2.4' >"$lab_tmp/liar3.ctl"
liar dns 3 198.51.100.3
check "fresh, once it is back" wait_for 5 state_is "fresh 192.0.2.4"
wait "$probe_pid"
is "never without an address" "$(jq -r '.entries[0] | select(.state != "pending") | .addresses | length' \
	"$lab_tmp/kill.json" | sort -u | tr '\n' ' ')" "1 "
smoke_done
