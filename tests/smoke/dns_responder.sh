#!/bin/bash
# The DNS responder by itself, with real clients and servers: what it answers, what it forwards, whom it does
# not know, and that it survives what clients and servers do wrong.
#
#   client                          gateway
#   192.0.2.10-.12, .66             192.0.2.1, .2           dns_responder, several on ports of their own
#   2001:db8::10 ------------------ 2001:db8::1, ::2        nsd 198.51.100.53, odd server 198.51.100.54
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"

clients=(-c 192.0.2.0/27 -c 2001:db8::/64 -c 127.0.0.0/8)
responder_pid=

dns() { local space=$1; shift; in_space "$space" /usr/bin/python3 "$lab_root/tests/smoke/_dns_clients.py" "$@"; }

spaces_up() {
	local name

	space client
	space gateway
	cable client eth0 02:00:00:00:01:0a gateway eth0 02:00:00:00:01:01
	for name in client gateway; do
		in_space "$name" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6
			echo 0 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6; echo 0 >/proc/sys/net/ipv6/conf/lo/disable_ipv6'
	done
	for name in 10 11 12 66; do in_client ip addr add "192.0.2.$name/24" dev eth0; done
	in_client ip addr add 2001:db8::10/64 dev eth0 nodad
	for name in 192.0.2.1/24 192.0.2.2/24; do in_gateway ip addr add $name dev eth0; done
	for name in 2001:db8::1/64 2001:db8::2/64; do in_gateway ip addr add $name dev eth0 nodad; done
	for name in 53 54; do in_gateway ip addr add "198.51.100.$name/32" dev lo; done
}

# A zone with a name, a mail exchanger, a long text and a pointer.
nsd_up() {
	local home=$lab_tmp/nsd

	mkdir -p "$home"
	cat >"$home/up.example.zone" <<-END
	@ 300 IN SOA ns hostmaster 1 3600 900 86400 60
	@ 300 IN NS ns
	ns 300 IN A 198.51.100.53
	www 300 IN A 203.0.113.80
	@ 300 IN MX 10 mail
	mail 300 IN A 203.0.113.25
	$(for ((i = 0; i < 20; i++)); do echo "long 300 IN TXT \"$i $(printf '%0100d' 0)\""; done)
	END
	cat >"$home/2.0.192.in-addr.arpa.zone" <<-END
	@ 300 IN SOA ns.up.example. hostmaster.up.example. 1 3600 900 86400 60
	@ 300 IN NS ns.up.example.
	80 300 IN PTR www.up.example.
	END
	cat >"$home/nsd.conf" <<-END
	server:
	  ip-address: 198.51.100.53
	  username: ""
	  chroot: ""
	  zonesdir: "$home"
	  database: ""
	  pidfile: "$home/pid"
	  xfrdfile: "$home/xfrd.state"
	  zonelistfile: "$home/zone.list"
	  xfrdir: "$home"
	  server-count: 1
	remote-control:
	  control-enable: no
	$(for zone in up.example 2.0.192.in-addr.arpa; do printf 'zone:\n  name: %s\n  zonefile: %s.zone\n' $zone $zone; done)
	END
	start gateway "$home/log" nsd -d -c "$home/nsd.conf"
	wait_for 10 listens gateway udp 53 || { cat "$home/log" >&2; return 1; }
}

# responder PORT ARGUMENT...: one that listens on 192.0.2.1; its pid is in $responder_pid.
responder() {
	local port=$1 log=$lab_tmp/responder$1.log
	shift
	start gateway "$log" "$lab_build/tests/bench/dns_responder" -l "192.0.2.1@$port" "${clients[@]}" "$@"
	responder_pid=$started
	wait_for 10 grep -qx ready "$log" || { cat "$log" >&2; return 1; }
}

# count PORT NAME: a counter of the responder in $responder_pid.
count() {
	local log=$lab_tmp/responder$1.log before

	before=$(grep -c ^counters "$log" || true)
	kill -USR2 "$responder_pid"
	wait_for 5 more_lines "$log" "$before" || true
	grep ^counters "$log" | tail -n 1 | tr ' ' '\n' | sed -n "s/^$2=//p"
}
more_lines() { [ "$(grep -c ^counters "$1")" -gt "$2" ]; }

dig_() { in_client dig @192.0.2.1 +tries=1 +time=3 "$@" 2>&1 || true; }
short() { dig_ +short "$@" | sort | paste -sd' '; }
# The status, the flags and the numbers of records of an answer.
header() {
	dig_ +noall +comments "$@" | sed -nE 's/.*status: ([A-Z]+),.*/\1/p; s/^;; flags: ([a-z ]*);.*ANSWER: ([0-9]+),.*/\1 \2/p' |
		paste -sd' '
}

lab_begin
spaces_up
nsd_up
start gateway "$lab_tmp/odd.log" /usr/bin/python3 "$lab_root/tests/smoke/_dns_clients.py" upstream 198.51.100.54 53
odd_is_up() { in_gateway dig @198.51.100.54 +tries=1 +time=1 ok.example; }
wait_for 10 odd_is_up
many=$(printf '198.18.7.%d,' {1..120})

# ---- what it answers, what it forwards ----

responder 53 -u 198.51.100.53 "www.example.com=240.240.0.1,2001:2::1" shop.example.com=240.240.0.2 \
	'*.wild.example.com=240.240.0.3' "many.example.com=${many%,}"
main_pid=$responder_pid
is "A over UDP" "$(short www.example.com)" 240.240.0.1
is "A over TCP" "$(short +tcp www.example.com)" 240.240.0.1
is "AAAA" "$(short www.example.com AAAA)" 2001:2::1
is "AAAA of a name that has only A: NOERROR and nothing" "$(header shop.example.com AAAA)" "NOERROR qr aa rd ra 0"
is "a wildcard" "$(short a.b.wild.example.com)" 240.240.0.3
is "letter case stays (0x20)" \
	"$(dig_ +noall +question wWw.eXample.cOM | awk '/^;w/ { print $1 }')" ";wWw.eXample.cOM."
is "a forwarded name's letter case too" \
	"$(dig_ +noall +question WwW.uP.ExAmPlE | awk '/^;W/ { print $1 }')" ";WwW.uP.ExAmPlE."
is "an unknown name is forwarded" "$(short www.up.example)" 203.0.113.80
is "over TCP as well" "$(short +tcp www.up.example)" 203.0.113.80
is "what the server says of a name that is not there" "$(header gone.up.example)" "NXDOMAIN qr aa rd 0"
is "MX is forwarded" "$(short up.example MX)" "10 mail.up.example."
is "a zone transfer is not: it is more than one answer" "$(header +tcp up.example AXFR)" "REFUSED qr ra 0"
is "PTR is forwarded" "$(short -x 192.0.2.80)" www.up.example.
is "another type of a name of ours is forwarded: the server refuses" "$(header www.example.com MX)" "REFUSED qr rd 0"
is "120 addresses without EDNS: cut" "$(header +noedns +ignore many.example.com | cut -d' ' -f1-5)" "NOERROR qr aa tc rd"
is "so dig asks over TCP and has all" "$(short +noedns many.example.com | wc -w)" 120
is "120 addresses fit into no 1232 bytes either" "$(header +bufsize=4096 +ignore many.example.com | cut -d' ' -f4)" tc
at_least "but more of them do" "$(short +bufsize=4096 +ignore many.example.com | wc -w)" 60
is "a long answer of the server: over TCP" "$(short +bufsize=512 long.up.example TXT | wc -w)" 40
like "200 queries in one write over TCP, one in two forwarded" \
	"$(dns client pipeline 192.0.2.1 53 200 www.example.com www.up.example)" "^answers 200 distinct 200 servfail 0 "
is "a query byte by byte" "$(dns client dribble 192.0.2.1 53 www.example.com)" "answers 240.240.0.1"

# ---- whom it answers ----

is "a stranger gets no answer over UDP" "$(short -b 192.0.2.66 +time=1 www.example.com | grep -c 'timed out')" 1
like "nor over TCP" "$(short -b 192.0.2.66 +tcp +time=1 www.example.com)" "reset|end of file"
at_least "strangers are counted" "$(count 53 strangers)" 2

# ---- what clients do wrong ----

like "20,000 datagrams of garbage, and streams" "$(dns client garbage 192.0.2.1 53 20000)" "^sent 20000"
at_least "are counted" "$(count 53 bad)" 10000
is "and it still answers" "$(short www.example.com)" 240.240.0.1
is "64 connections of one client, no more" "$(dns client crowd 192.0.2.1 53 70)" "open 64 turned_away 6"
start client "$lab_tmp/quiet" /usr/bin/python3 "$lab_root/tests/smoke/_dns_clients.py" quiet 192.0.2.1 53
quiet_pid=$started
is "while a slow reader is there others are answered" "$(short +tcp www.example.com)" 240.240.0.1

responder 5301 -u 198.51.100.53 -r 50 www.example.com=240.240.0.1
like "a client above 50 queries a second" "$(dns client burst 192.0.2.1 5301 500 www.example.com)" "^answers (5[0-9]|6[0-9]) servfail 0$"
is "another address is not held back by it" "$(short -p 5301 -b 192.0.2.11 www.example.com)" 240.240.0.1
at_least "held back ones are counted" "$(count 5301 limited)" 400

# ---- what servers do wrong ----

responder 5302 -u 198.51.100.54 -t 1000
is "a server that is no friend of EDNS sizes: cut" "$(header -p 5302 +noedns +ignore big.example | cut -d' ' -f1-5)" "NOERROR qr aa tc rd"
is "whole for a client that takes it" "$(short -p 5302 +bufsize=4096 +ignore big.example | wc -w)" 100
is "and over TCP" "$(short -p 5302 +noedns big.example | wc -w)" 100
is "a wrong id, then the right one" "$(short -p 5302 id.example)" 198.18.0.1
is "a wrong question, then the right one" "$(short -p 5302 question.example)" 198.18.0.1
is "the question in another letter case is no answer" "$(header -p 5302 CASE.example)" "SERVFAIL qr rd ra 0"
is "nor over TCP" "$(header -p 5302 +tcp CASE.example)" "SERVFAIL qr rd ra 0"
is "misfits are counted" "$(count 5302 misfits)" 4
is "any rcode counts" "$(header -p 5302 refused.example | cut -d' ' -f1)" REFUSED
is "silence is SERVFAIL" "$(header -p 5302 mute.example)" "SERVFAIL qr rd ra 0"
is "over TCP too" "$(header -p 5302 +tcp mute.example)" "SERVFAIL qr rd ra 0"
asked=$(for _ in {1..20}; do short -p 5302 echo.example TXT; done)
is "each query has a port of its own" "$(awk '{ print $3 }' <<<"$asked" | sort -u | wc -l)" 20
at_least "and an id of its own" "$(awk '{ print $4 }' <<<"$asked" | sort -u | wc -l)" 19
is "TCP stays TCP" "$(short -p 5302 +tcp echo.example TXT | awk '{ print $2 }')" tcp

responder 5303 -u 192.0.2.1@5399 -t 2000
before=$(now_ms)
is "a closed port is SERVFAIL" "$(header -p 5303 ok.example)" "SERVFAIL qr rd ra 0"
figure "which is said after" "$(($(now_ms) - before)) ms"
is "over TCP too" "$(header -p 5303 +tcp ok.example)" "SERVFAIL qr rd ra 0"
responder 5304 -u 192.0.2.1@5399 -u 198.51.100.53 -u 198.51.100.99 -t 300
is "one that lives is enough, 20 of 20" "$(for _ in {1..20}; do short -p 5304 www.up.example; done | sort | uniq -c | awk '{ print $1, $2 }')" "20 203.0.113.80"
# Six silent servers would take 3 s.
start gateway "$lab_tmp/mute.log" /usr/bin/python3 -c '
import signal, socket
kept = []
for port in range(5401, 5407):
    for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
        kept.append(socket.socket(socket.AF_INET, kind))
        kept[-1].bind(("198.51.100.54", port))
        kind == socket.SOCK_STREAM and kept[-1].listen()
print("ready", flush=True)
signal.pause()'
wait_for 10 grep -qx ready "$lab_tmp/mute.log"
mapfile -t mute < <(printf -- '-u\n198.51.100.54@%d\n' {5401..5406})
responder 5312 "${mute[@]}" -t 500
for way in +notcp +tcp; do
	before=$(now_ms)
	is "silent servers have twice the time of one together, $way" "$(header -p 5312 +time=5 "$way" mute.example)" "SERVFAIL qr rd ra 0"
	like "about" "$(($(now_ms) - before))" '^(9..|1[0-4]..)$'
done
responder 5305 -u 198.51.100.54 -t 1500 -p 40
dns client burst 192.0.2.1 5305 50 mute.example >"$lab_tmp/burst" &
burst_pid=$!
lab_pids+=("$burst_pid")
all_wait() { [ "$(count 5305 forwarded)" -ge 10 ]; }
wait_for 5 all_wait
is "another client is not held back by it" "$(short -p 5305 -b 192.0.2.11 ok.example)" 198.18.0.1
wait_for 5 gone "$burst_pid" || true
like "no more than 10 of a client wait, a quarter of all; the others hear SERVFAIL" "$(cat "$lab_tmp/burst")" \
	"^answers 50 servfail 50$"
is "as too many" "$(count 5305 full)" 40
is "as unanswered" "$(count 5305 failed)" 10

# Descriptors for a few more: clients that wait, queries that can't be asked, and all is well afterwards.
responder 5311 -u 198.51.100.54 -t 500 www.example.com=240.240.0.1
prlimit --pid "$responder_pid" --nofile=20
like "without descriptors it says SERVFAIL" "$(dns client burst 192.0.2.1 5311 50 mute.example)" "^answers 50 servfail 50$"
at_least "as too many" "$(count 5311 full)" 30
like "without them connections wait" "$(dns client crowd 192.0.2.1 5311 20)" "^open 20 "
answers_tcp() { [ "$(short -p 5311 +tcp www.example.com)" = 240.240.0.1 ]; }
is "names of ours need none" "$(short -p 5311 www.example.com)" 240.240.0.1
check "and when there are some again so is TCP" wait_for 5 answers_tcp

# ---- where the servers come from, where it listens ----

echo "nameserver 192.0.2.2" >"$lab_tmp/resolv.conf"
responder 5306 -f "$lab_tmp/resolv.conf" -t 300
is "no server in resolv.conf answers" "$(header -p 5306 www.up.example)" "SERVFAIL qr rd ra 0"
{ echo "# the new one"; echo "nameserver 198.51.100.53"; } >"$lab_tmp/resolv.new"
mv "$lab_tmp/resolv.new" "$lab_tmp/resolv.conf"
asks_new() { [ "$(short -p 5306 www.up.example)" = 203.0.113.80 ]; }
check "another resolv.conf is followed" wait_for 5 asks_new

responder 5307 -u 192.0.2.1@5307 -t 300
is "a server that is itself is not asked" "$(header -p 5307 www.up.example)" "SERVFAIL qr rd ra 0"
check "and that is said" grep -q "left out server=192.0.2.1" "$lab_tmp/responder5307.log"
is "not even once" "$(count 5307 forwarded)" 0

responder 5308 -l 192.0.2.200@5308 -L 0.0.0.0@5308 -L ::@5308 www.example.com=240.240.0.1
in_gateway ip addr add 192.0.2.200/24 dev eth0
is "an address that was not there yet" "$(in_client dig @192.0.2.200 -p 5308 +short www.example.com)" 240.240.0.1
kill -HUP "$responder_pid"
check "it listens on other addresses from now on" wait_for 5 grep -qx configured "$lab_tmp/responder5308.log"
for name in 192.0.2.1 192.0.2.2 192.0.2.200 2001:db8::1 2001:db8::2; do
	is "an answer from where the query went to: $name" "$(in_client dig "@$name" -p 5308 +tries=1 +short www.example.com)" 240.240.0.1
done
in_client ip addr add 2001:db8::11/64 dev eth0 nodad
is "IPv6 clients of one /64 are one, and have 64 connections" \
	"$(dns client crowd 2001:db8::1 5308 70 2001:db8::10 2001:db8::11)" "open 64 turned_away 6"
is "an answer over TCP" "$(in_client dig @2001:db8::2 -p 5308 +tcp +short www.example.com)" 240.240.0.1
start gateway "$lab_tmp/second.log" "$lab_build/tests/bench/dns_responder" -l 192.0.2.1@5308
wait_for 5 gone "$started" || true
like "two do not share an address" "$(cat "$lab_tmp/second.log")" "192.0.2.1 port 5308 .*in use"

wait_for 30 gone "$quiet_pid" || true
like "who is quiet, or reads nothing, is closed after 10 s" "$(cat "$lab_tmp/quiet")" "^closed 1[01] 1[01] 1[0-2]$"

# ---- how fast ----

load() { # ARGUMENT...: dnsperf on the second CPU
	in_gateway taskset -c 1 dnsperf -s 127.0.0.1 -p 5309 -d "$lab_tmp/queries" -l "${SECONDS_OF_LOAD:-5}" "$@"
}
responder 5309 -l 127.0.0.1@5309 -C 0 -n 10000
for ((i = 0; i < 20000; i++)); do echo "h$((i % 10000)).bench.example A"; done >"$lab_tmp/queries"
load -q 40 >"$lab_tmp/perf"
figure "answers a second, 40 in flight" "$(sed -nE 's/.*Queries per second: *([0-9]+).*/\1/p' "$lab_tmp/perf")"
is "none is lost" "$(sed -nE 's/.*Queries lost: *([0-9]+) .*/\1/p' "$lab_tmp/perf")" 0
load -b 1000 -v -q 400 -Q 50000 | dns gateway p99 >"$lab_tmp/p99"
figure "ms, at 50,000 queries a second" "$(cat "$lab_tmp/p99")"
load -m tcp -c 8 -q 40 >"$lab_tmp/perf"
figure "answers a second over TCP, 8 connections" "$(sed -nE 's/.*Queries per second: *([0-9]+).*/\1/p' "$lab_tmp/perf")"
publish() { while :; do kill -USR1 "$responder_pid"; sleep 0.02; done; }
publish &
publish_pid=$!
lab_pids+=("$publish_pid")
load -b 1000 -v -q 400 -Q 20000 >"$lab_tmp/perf"
stop "$publish_pid" || true
figure "ms, at 20,000 a second, a table of 10,000 hosts published 50 times a second" "$(dns gateway p99 <"$lab_tmp/perf")"
is "none is lost while tables are published" "$(sed -nE 's/.*Queries lost: *([0-9]+) .*/\1/p' "$lab_tmp/perf")" 0

status=0
stop "$main_pid" || status=$?
is "it ends when it is told to" $status 0
smoke_done
