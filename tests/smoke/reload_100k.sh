#!/bin/bash
# 100,000 ServiceEntries in a folder of 100 files: one that changes, in a file or through the socket, is in
# force at once, and the rest is not even read again. Figures only say how fast.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
/usr/bin/python3 - "$lab_tmp/resources" <<'END'
import sys

for part in range(100):
    with open(f"{sys.argv[1]}/part{part:02}.yaml", "w") as out:
        for n in range(part * 1000, part * 1000 + 1000):
            out.write(f"""---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: s{n}, namespace: gwtest}}
spec:
  hosts: [s{n}.example.com]
  addresses: [198.18.{n // 250 % 256}.{n % 250 + 1}]
  ports: [{{number: {1000 + n // 64000}, name: tcp, protocol: TCP, targetPort: 80}}]
  resolution: STATIC
  endpoints: [{{address: 198.51.100.11}}, {{address: 198.51.100.12}}]
""")
END
gateway_conf <<<"flows: {max: 65536, maxEndpoints: 524288}" 2>/dev/null
sed -i '/^flows:$/,/^  max: /d' "$lab_tmp/sluice.yaml"
begun=$(now_ms)
gateway_start
wait_for 60 gateway_ready || { tail -n 20 "$lab_tmp/sluice.log"; exit 1; }
figure "start with 100,000 services" "$(($(now_ms) - begun)) ms"

is "the last one is served" "$(curl_ -o /dev/null -w '%{http_code}' http://198.18.0.1:1000/)" 200
is "all are there" "$(ctl get serviceentries -o name | wc -l)" 100000

# What the daemon says of its own time: without the client's start and the socket.
took() { grep "ctl: $1: done" "$lab_tmp/sluice.log" | tail -n 1 | sed 's/.*took_ms=//'; }

sed -i '0,/198.51.100.11/s//198.51.100.13/' "$lab_tmp/resources/part42.yaml"
check "one changed endpoint in one of the files" ctl reload
figure "reload after it" "$(took reload) ms"
like "it is in force" "$(ctl endpoints --service s42000.example.com)" "198\.51\.100\.13:80"
sed -i '0,/addresses: \[198.18/s//addresses: [198.19/' "$lab_tmp/resources/part43.yaml"
check "one changed VIP" ctl reload
figure "reload after it" "$(took reload) ms"
check "nothing changed" ctl reload
figure "reload after that" "$(took reload) ms"
service_web | apply
figure "apply of one more" "$(took apply) ms"
like "it is served" "$(curl_ http://192.0.2.100/)" "^server"
check "and deleted" ctl delete -n gwtest ServiceEntry example-se
figure "delete of one" "$(took delete) ms"
books
smoke_done
