#!/bin/bash
# Answers of our own (RST, ICMP) are rate-limited: a flood of denied packets is counted, and not echoed.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
gateway_conf <<<"outboundPolicy: {replyRate: 10}"
gateway_up
is "the first denial is answered" "$(net client tcp 203.0.113.9 443)" refused
in_client /usr/bin/python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(1000):
    s.sendto(b"x", ("203.0.113.9", 1000 + i))
    if i % 20 == 19:
        time.sleep(0.005)  # a ring that overflows is not what is tested here'
all() { [ "$(counter denied)" -ge 1001 ]; }
check "all are counted" wait_for 5 all
replies=$(counter replies)
[ "$replies" -le 40 ] && few=yes || few="$replies answers"
is "few are answered" "$few" yes
is "the rest is counted as limited" "$(($(counter replies) + $(counter replies_limited)))" "$(counter denied)"
books
smoke_done
