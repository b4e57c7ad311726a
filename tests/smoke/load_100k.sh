#!/bin/bash
# 100,000 ServiceEntries with 10 endpoints each, in 100 files and then in one: the daemon serves the last of
# them, and a change of one takes what it always takes. Figures say how fast, and in how much memory: the
# process' own (what the kernel calls VmHWM) and its hugepages, which have the flow table, the packets and
# 16 bytes an endpoint.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1

write_entries() { # FILES
	rm -f "$lab_tmp"/resources/*.yaml
	/usr/bin/python3 - "$lab_tmp/resources" "$1" <<'END'
import sys

files = int(sys.argv[2])
each = 100000 // files
for part in range(files):
    with open(f"{sys.argv[1]}/part{part:02}.yaml", "w") as out:
        for n in range(part * each, part * each + each):
            # The last one is asked for: it has the server that is there alone.
            last = range(11, 12) if n == 99999 else range(11, 21)
            endpoints = "".join(f"  - address: 198.51.100.{i}\n" for i in last)
            out.write(f"""---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: s{n}
  namespace: gwtest
spec:
  hosts:
  - s{n}.example.com
  addresses:
  - 198.18.{n // 250 % 256}.{n % 250 + 1}
  ports:
  - number: {1000 + n // 64000}
    name: tcp
    protocol: TCP
    targetPort: 80
  resolution: STATIC
  endpoints:
{endpoints}""")
END
}

memory_mib() { awk -v key="$1:" '$1 == key { printf "%.0f", $2 / 1024 }' "/proc/$sluice_pid/status"; }
took() { grep "ctl: $1: done" "$lab_tmp/sluice.log" | tail -n 1 | sed 's/.*took_ms=//'; }

gateway_conf <<<"flows: {max: 65536, maxEndpoints: 1048576}" 2>/dev/null
sed -i '/^flows:$/,/^  max: /d' "$lab_tmp/sluice.yaml"
for files in 100 1; do
	write_entries $files
	begun=$(now_ms)
	gateway_start
	wait_for 60 gateway_ready || { tail -n 20 "$lab_tmp/sluice.log"; exit 1; }
	figure "start with 100,000 services x 10 endpoints in $files files, until ready" "$(($(now_ms) - begun)) ms"
	figure "memory of the process at its peak" "$(memory_mib VmHWM) MiB, and $(memory_mib HugetlbPages) MiB of hugepages"
	is "the last one is served" "$(curl_ -o /dev/null -w '%{http_code}' http://198.18.143.250:1001/)" 200
	is "all are there" "$(ctl get serviceentries -o name | wc -l)" 100000
	sed -i '0,/198.51.100.11/s//198.51.100.99/' "$lab_tmp/resources/part00.yaml"
	check "one changed endpoint" ctl reload
	figure "reload after it" "$(took reload) ms"
	like "it is in force" "$(ctl endpoints --service s0.example.com)" "198\.51\.100\.99:80"
	[ $files -eq 1 ] || stop "$sluice_pid"
done
smoke_done
