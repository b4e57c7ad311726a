#!/bin/bash
# 10,000 services with 4 endpoints each through the socket: how long until they are published.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
gateway_up
services=${SERVICES:-10000}
python3_ - "$services" >"$lab_tmp/many.yaml" <<'END'
import sys
for i in range(int(sys.argv[1])):
    print(f"""---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: s{i}, namespace: many}}
spec:
  hosts: [s{i}.example.com]
  addresses: [203.0.113.{i % 250 + 1}]
  ports: [{{number: {10000 + i // 250}, name: http, protocol: TCP, targetPort: 80}}]
  resolution: STATIC
  endpoints:
  - address: 198.51.100.11
  - address: 198.51.100.12
  - address: 198.51.100.13
  - address: 198.51.100.11
    ports: {{http: 8080}}""")
END
begin=$(now_ms)
check "apply" ctl apply -f "$lab_tmp/many.yaml"
figure "apply of $services services x 4 endpoints, file to published" "$(($(now_ms) - begin)) ms"
begin=$(now_ms)
out=$(ctl apply -f "$lab_tmp/many.yaml")
figure "the same again, nothing changes" "$(($(now_ms) - begin)) ms"
is "all unchanged" "$(grep -c 'unchanged$' <<<"$out" || true)" "$services"
last=$((services - 1))
for i in 0 $((services / 2)) $last; do
	like "service $i serves" "$(curl_ "http://203.0.113.$((i % 250 + 1)):$((10000 + i / 250))/")" "^server"
done
begin=$(now_ms)
sed -n '/name: s0,/,/^---/p' "$lab_tmp/many.yaml" | sed '1i ---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry' |
	sed '$d; s/198.51.100.13/198.51.100.12/' >"$lab_tmp/one.yaml"
check "one of them changes" ctl apply -f "$lab_tmp/one.yaml"
figure "a change of one among $services" "$(($(now_ms) - begin)) ms"
lab_say "memory of the daemon: $(awk '/VmRSS/ { print $2 / 1024 " MiB" }' "/proc/$sluice_pid/status")"
books
smoke_done
