#!/bin/bash
# iperf3 through the gateway. Figures only; what must be true is that bytes arrive and books balance.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_iperf >"$lab_tmp/resources/iperf.yaml"
gateway_up
rate() { python3_ -c '
import json, sys
end = json.load(sys.stdin)["end"]
s = end.get("sum_received") or end["sum"]
print("{:.2f} Gbit/s{}".format(s["bits_per_second"] / 1e9,
      ", {:.1f} % lost".format(end["sum"]["lost_percent"]) if "lost_percent" in end.get("sum", {}) else ""))'; }
tcp=$(in_client iperf3 -J -c 192.0.2.102 -t 3 | rate)
figure "TCP, client to server" "$tcp"
like "TCP bytes arrive" "$tcp" "[1-9]"
back=$(in_client iperf3 -J -R -c 192.0.2.102 -t 3 | rate)
figure "TCP, server to client" "$back"
like "TCP bytes arrive in reverse" "$back" "[1-9]"
udp=$(in_client iperf3 -J -u -b 500M -l 1400 -c 192.0.2.102 -t 3 | rate)
figure "UDP, 500 Mbit/s offered" "$udp"
like "UDP bytes arrive" "$udp" "[1-9]"
books
smoke_done
