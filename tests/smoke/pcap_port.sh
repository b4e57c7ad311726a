#!/bin/bash
# net_pcap ports: frames out of a file go through the gateway into a file. scapy, which knows nothing of
# Sluice, wrote the one and checks the other: translation, TTL and every checksum.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
cat >"$lab_tmp/frames.py" <<'END'
import sys
from scapy.all import *
conf.verb = 0
if sys.argv[1] == "write":
    mac = dict(dst="02:00:00:00:01:01", src="02:00:00:00:01:0a")
    frames = [Ether(**mac) / IP(src="192.0.2.10", dst="192.0.2.101", ttl=9) / UDP(sport=5000 + i, dport=7) / (b"x" * i)
              for i in range(20)]
    frames.append(Ether(**mac) / IP(src="192.0.2.10", dst="192.0.2.101") / UDP(sport=6000, dport=7, chksum=0) / b"bare")
    frames.append(Ether(**mac) / IP(src="192.0.2.10", dst="203.0.113.9") / UDP(sport=6001, dport=7) / b"denied")
    wrpcap(sys.argv[2], frames)
else:
    good = bare = 0
    sources = set()
    for frame in rdpcap(sys.argv[2]):
        if UDP not in frame or frame[IP].dst != "198.51.100.11":
            continue
        ip, udp = frame[IP], frame[UDP]
        again = IP(bytes(ip))
        del again.chksum
        if udp.chksum:
            del again[UDP].chksum
        else:
            bare += 1
        ok = (bytes(again) == bytes(ip) and udp.dport == 7 and ip.src.startswith("198.51.100.10") and
              ip.ttl in (8, 63) and frame.dst == "02:00:00:00:02:11" and frame.src == "02:00:00:00:02:01")
        good += ok
        sources.add((ip.src, udp.sport))
        if not ok:
            print(frame.summary(), file=sys.stderr)
    print(good, bare, len(sources))
END
python3_ "$lab_tmp/frames.py" write "$lab_tmp/in.pcap"
service_echo | sed '/198.51.100.1[23]/d' >"$lab_tmp/resources/echo.yaml"
ports_conf() {
	cat <<-END
	- name: clients
	  device: "net_pcap0,rx_pcap=$lab_tmp/in.pcap,tx_pcap=$lab_tmp/out-clients.pcap"
	  mac: "02:00:00:00:01:01"
	  addresses: [192.0.2.1/24]
	  neighbours: [{address: 192.0.2.10, mac: "02:00:00:00:01:0a"}]
	- name: servers
	  device: "net_pcap1,tx_pcap=$lab_tmp/out-servers.pcap"
	  mac: "02:00:00:00:02:01"
	  addresses: [198.51.100.1/24]
	  neighbours: [{address: 198.51.100.11, mac: "02:00:00:00:02:11"}]
	END
}
gateway_up
done_() { [ "$(counter forwarded)" -ge 21 ]; }
check "21 frames are forwarded" wait_for 10 done_
at_least "and one is denied" "$(counter denied)" 1
books
rc=0
stop "$sluice_pid" || rc=$?
is "it stops cleanly (and the file is written)" $rc 0
is "21 good frames, one of them without UDP checksum, 21 source ports" \
	"$(python3_ "$lab_tmp/frames.py" check "$lab_tmp/out-servers.pcap")" "21 1 21"
smoke_done
