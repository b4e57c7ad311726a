#!/bin/bash
# UDP through the VIP: a flow keeps its server, flows spread, payloads come back as they were.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_echo >"$lab_tmp/resources/echo.yaml"
gateway_up

like "90 flows spread over three servers" "$(net client ask 192.0.2.101 7 90)" \
	"^answers 90: server1=[0-9]+ server2=[0-9]+ server3=[0-9]+$"
like "socat speaks through it" "$(echo hello | in_client socat -t 2 - UDP4:192.0.2.101:7)" "^server[123] hello$"
is "a burst of one flow is answered whole" "$(net client burst 192.0.2.101 7 16)" "answers 16"
# A sender that computes no UDP checksum (0): it stays 0, and the packet arrives.
is "a UDP checksum of zero stays zero" "$(in_client /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 11, 1)  # SO_NO_CHECK
s.settimeout(3)
s.sendto(b"bare", ("192.0.2.101", 7))
print(s.recv(100).split()[1].decode())')" bare
at_least "the flow table shows UDP flows" "$(ctl flows --proto udp --count -o json | python3_ -c '
import json, sys
print(sum(r["count"] for r in json.load(sys.stdin)))')" 90
books
smoke_done
