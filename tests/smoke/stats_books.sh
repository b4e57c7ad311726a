#!/bin/bash
# After traffic of every kind the books balance exactly: packets in = packets out + the sum of the drop
# reasons + punted (+ held), and what the kernel's counters of the cable say agrees with it.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 4
{ service_web; echo ---; service_echo; service_iperf; } >"$lab_tmp/resources/all.yaml"
gateway_up
spread 20 http://192.0.2.100/ >/dev/null
net client ask 192.0.2.101 7 20 >/dev/null
in_client iperf3 -c 192.0.2.102 -t 1 >/dev/null
in_client iperf3 -u -b 50M -l 1000 -c 192.0.2.102 -t 1 >/dev/null
in_client ping -q -c 3 -i 0.2 192.0.2.1 >/dev/null
for port in 81 82 83; do net client tcp 203.0.113.9 $port >/dev/null; done
net client udp 203.0.113.9 53 >/dev/null
# Broken ones, made by scapy: runt, wrong version, lengths that lie, a fragment, options, TTL 1.
in_client /usr/bin/python3 - <<'END'
from scapy.all import *
conf.verb = 0
eth = Ether(dst="02:00:00:00:01:01")
ip = dict(dst="192.0.2.100")
frames = [
    eth / Raw(b"\x45" * 4),
    eth / IP(version=5, **ip) / TCP(dport=80),
    eth / IP(len=2000, **ip) / TCP(dport=80),
    eth / IP(ihl=4, **ip) / TCP(dport=80),
    eth / IP(chksum=1, **ip) / TCP(dport=80),
    eth / IP(flags="MF", **ip) / TCP(dport=80),
    eth / IP(frag=100, **ip) / TCP(dport=80),
    eth / IP(options=IPOption_RR(), **ip) / TCP(dport=80, flags="S"),
    eth / IP(ttl=1, **ip) / TCP(dport=80, flags="S"),
    eth / IP(**ip) / TCP(dport=80, dataofs=15),
    eth / IP(src="127.0.0.1", **ip) / TCP(dport=80, flags="S"),
    eth / IP(src="255.255.255.255", **ip) / UDP(dport=80),
]
for frame in frames:
    sendp(frame, iface="eth0")
END
reasons=(bad_ip bad_csum bad_l4 ip_options ttl martian)
# A packet socket in a fanout group gets no fragments: the kernel puts them together first.
[ "$driver" = af_packet ] || reasons+=(fragment)
gained() { [ "$(counter martian)" -ge 2 ]; }
check "broken frames are counted" wait_for 5 gained
for reason in "${reasons[@]}"; do
	at_least "dropped: $reason" "$(counter "$reason")" 1
done
books
for worker in $(ctl workers -o json | python3_ -c 'import json,sys; [print(w["worker"]) for w in json.load(sys.stdin)]'); do
	lab_say "worker $worker: $(ctl stats --worker "$worker" -o json | python3_ -c '
import json, sys
print({r["name"]: r["value"] for r in json.load(sys.stdin) if r["kind"] == "drop"})')"
done
# The cable's other end counted what the gateway sent and received on `clients`.
quiet() { local a b; a=$(counter rx); sleep 0.3; b=$(counter rx); [ "$a" = "$b" ]; }
wait_for 5 quiet || true
read -r cable_tx cable_rx < <(in_client sh -c 'cd /sys/class/net/eth0/statistics; echo $(cat tx_packets) $(cat rx_packets)')
read -r port_rx port_tx port_missed < <(ctl ports -o json | python3_ -c '
import json, sys
p = [p for p in json.load(sys.stdin) if p["name"] == "clients"][0]
print(p["rxPackets"], p["txPackets"], p["rxMissed"])')
lab_say "cable: sent $cable_tx received $cable_rx; port: rx $port_rx tx $port_tx missed $port_missed"
is "the client received what the port sent" "$cable_rx" "$port_tx"
smoke_done
