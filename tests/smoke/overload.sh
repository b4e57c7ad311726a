#!/bin/bash
# Too much of everything, one after the other: SYNs of made-up sources, a source that opens more than it may,
# a full table, no packet buffers left. Each has its reason in the counters and the log, connections that
# are there go on, and all is well again afterwards.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 4
# Endpoints that there are none of: who asks for them is held until ARP gives up.
nobody() {
	cat <<-END
	---
	apiVersion: networking.istio.io/v1
	kind: ServiceEntry
	metadata: {name: nobody, namespace: gwtest}
	spec:
	  hosts: [nobody.example.com]
	  addresses: [192.0.2.103]
	  ports: [{number: 9, name: udp, protocol: UDP}]
	  resolution: STATIC
	  endpoints: [$(printf '{address: 198.51.100.%s}, ' {120..249} | sed 's/, $//')]
	END
}
{ service_web; echo ---; service_echo; nobody; } >"$lab_tmp/resources/all.yaml"
MAX_FLOWS=1024 gateway_conf <<-END
	nextHop: {holdPackets: 65536}
	memory: {buffers: 1024}
END
sed -i 's/^flows:$/&\n  timeouts: {handshake: 2s, closing: 1s, reset: 1s, udp: 2s}/' "$lab_tmp/sluice.yaml"
gateway_up

# storm syn|udp ADDRESS PORT FLOWS [SOURCES]: that many first packets, of so many sources behind the client.
storm() {
	in_client /usr/bin/python3 - "$@" <<-'END'
	import socket, struct, sys
	kind, dst, port, n = sys.argv[1], socket.inet_aton(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
	sources = int(sys.argv[5]) if len(sys.argv) > 5 else n
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	s.bind(("eth0", 0))
	eth = bytes.fromhex("020000000101" "02000000010a" "0800")
	def csum(b):
	    t = sum(struct.unpack("!%dH" % (len(b) // 2), b))
	    while t >> 16:
	        t = (t & 0xffff) + (t >> 16)
	    return ~t & 0xffff
	for i in range(n):
	    src = struct.pack("!I", 0xc6120000 + i % sources)
	    sport = 1024 + i // sources % 60000
	    if kind == "syn":
	        l4 = struct.pack("!HHIIBBHHH", sport, port, i, 0, 0x50, 2, 1000, 0, 0)
	        pseudo = src + dst + struct.pack("!BBH", 0, 6, 20)
	        l4 = l4[:16] + struct.pack("!H", csum(pseudo + l4)) + l4[18:]
	    else:
	        l4 = struct.pack("!HHHH", sport, port, 18, 0) + b"0123456789"
	    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(l4), 0, 0, 64, 6 if kind == "syn" else 17, 0) + src + dst
	    ip = ip[:10] + struct.pack("!H", csum(ip)) + ip[12:]
	    s.send(eth + ip + l4)
	END
}

worker_field() { ctl workers -o json | python3_ -c 'import json, sys; print(sum(w[sys.argv[1]] for w in json.load(sys.stdin)))' "$1"; }
port_field() { ctl ports -o json | python3_ -c 'import json, sys; print(max(p[sys.argv[1]] for p in json.load(sys.stdin)))' "$1"; }
is_zero() { [ "$("$@")" = 0 ]; }
said() { grep -q "WARN .*$1" "$lab_tmp/sluice.log"; }
# limit LINE: of flows, instead of the last one.
limit() { sed -i -e '/newPerSource\|maxUnanswered\|maxHalfOpen/d' -e "s/^flows:$/&\n  $1/" "$lab_tmp/sluice.yaml"; }
reload() { limit "$1" && ctl reload >/dev/null; }
is_of_all() { [ "$(worker_field "$1")" = $((1024 * $2 / 100)) ]; }

# ---- SYNs of made-up sources, while a client downloads ----
in_gateway ip route add 198.18.0.0/15 dev clients 2>/dev/null || true
like "a client is there" "$(curl_ http://192.0.2.100/)" "^server"
in_client curl -sS --max-time 60 --limit-rate 2M --noproxy '*' -o /dev/null http://192.0.2.100/long/big &
download=$!
lab_pids+=("$download")
storm syn 192.0.2.100 80 20000
at_least "SYNs beyond the share are refused" "$(counter embryonic_limit)" 1
is "the share is a quarter of the table" "$(worker_field halfOpenMax)" 256
most=$(worker_field halfOpen)
check "and it is not exceeded ($most)" [ "$most" -le 256 ]
storm syn 192.0.2.100 80 20000 &
flood=$!
answered=0
for _ in 1 2 3 4 5; do
	if curl_ http://192.0.2.100/ >/dev/null; then answered=$((answered + 1)); fi
done
is "a client that had a connection gets new ones meanwhile" "$answered" 5
wait "$flood"
status=0
wait "$download" || status=$?
is "the download goes on to its end" "$status" 0
check "the log says so" wait_for 5 said embryonic_limit
check "the half-open flows end" wait_for 15 is_zero worker_field halfOpen
books "the books balance after the flood"

# ---- one source ----
reload "newPerSource: {rate: 20, burst: 40}"
before=$(counter flows_created)
storm udp 192.0.2.101 7 400 1
wait_for 5 said source_limit || true
made=$(($(counter flows_created) - before))
check "a source opens no more than its burst and its rate ($made)" [ "$made" -ge 40 -a "$made" -le 200 ]
at_least "the others are refused" "$(counter source_limit)" 200
like "another source is served" "$(net client ask 192.0.2.101 7 1)" "server"

# ---- a full table ----
reload "maxUnanswered: 100"
check "the flows end" wait_for 15 is_zero worker_field flows
# Again where the machine is so busy that the first flows have ended before there are enough.
for _ in 1 2 3; do
	storm udp 192.0.2.101 7 3000
	[ "$(counter flow_table_full)" = 0 ] || break
done
at_least "a full table refuses" "$(counter flow_table_full)" 1
check "the log says so" wait_for 5 said flow_table_full
check "and it empties" wait_for 15 is_zero worker_field flows
like "and serves again" "$(net client ask 192.0.2.101 7 1)" "server"

# ---- limits that are changed, by command and by signal, and wrong ones ----
reload "maxHalfOpen: 10"
check "a new limit of half-open flows is in force" wait_for 5 is_of_all halfOpenMax 10
limit "maxUnanswered: 5"
kill -HUP "$sluice_pid"
check "one of unanswered flows by SIGHUP" wait_for 5 is_of_all unansweredMax 5
check "and what is not given is the default again" wait_for 5 is_of_all halfOpenMax 25
storm udp 192.0.2.101 7 3000
most=$(worker_field unanswered)
check "and is not exceeded ($most)" [ "$most" -le 51 ]
limit "maxUnanswered: 101"
line=$(grep -n maxUnanswered "$lab_tmp/sluice.yaml" | cut -d: -f1)
status=0
out=$(ctl reload 2>&1) || status=$?
is "a wrong limit is refused" "$status" 1
like "with its place" "$out" "sluice.yaml:$line:18: error: sluice.yaml: flows.maxUnanswered: 101 is out of range"
limit "newPerSource: {rate: -1}"
line=$(grep -n newPerSource "$lab_tmp/sluice.yaml" | cut -d: -f1)
kill -HUP "$sluice_pid"
logged() { grep -q "sluice.yaml:$line:24: error: sluice.yaml: flows.newPerSource.rate: " "$lab_tmp/sluice.log"; }
check "by SIGHUP the log has it" wait_for 5 logged
check "the limits are what they were" is_of_all unansweredMax 5
limit "newPerSource: {burst: 9}"
like "one without effect is a warning" "$(ctl reload 2>&1)" "warning: .*flows.newPerSource.burst: no effect"
sed -i 's/^pool:$/&\n  reserve: 5/' "$lab_tmp/sluice.yaml"
like "one that takes a restart too" "$(ctl reload 2>&1)" "warning: .*pool.reserve: changed, which takes a restart"
reload "maxUnanswered: 100" || true # that is still said
check "the flows end" wait_for 15 is_zero worker_field flows

# ---- no buffers ----
free=$(port_field buffersFree)
at_least "there are buffers" "$free" 512
for _ in 1 2 3 4; do storm udp 192.0.2.103 9 900; done # the same flows: 16 packets a next hop are held
lab_say "free buffers: $(port_field buffersFree), no buffer for a device: $(port_field rxNoBuffer), held $(counter held)"
check "the log says that there are none" wait_for 5 said no_buffer
check "the daemon lives" gateway_ready
check "what was held is given up" wait_for 15 is_zero counter held
enough() { [ "$(port_field buffersFree)" -ge 512 ]; }
check "the buffers are back" wait_for 5 enough
like "and it serves again" "$(curl_ http://192.0.2.100/)" "^server"
check "all flows end" wait_for 15 is_zero worker_field flows
books "the books balance in the end"
smoke_done
