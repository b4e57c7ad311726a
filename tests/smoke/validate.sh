#!/bin/bash
# A file with three different mistakes: three diagnostics with the right line and column, exit status 1,
# offline and through the socket; the running gateway is untouched by it.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_web >"$lab_tmp/resources/web.yaml"
gateway_up

cat >"$lab_tmp/bad.yaml" <<'END'
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: example-se
  namespace: gwtest
spec:
  hosts:
  - se.example.com
  addresses:
  - 192.0.2.100
  ports:
  - number: 70000
    name: http
    protocol: TCP
  resolution: STATIK
  endpoint:
  - address: 198.51.100.12
END
errors_of() { grep -c ': error: ' || true; }
places_of() { sed -n 's/^[^:]*bad.yaml:\([0-9]*:[0-9]*\): error: .*/\1/p' | sort -n | paste -sd' '; }

rc=0
out=$("$sluicectl" validate -f "$lab_tmp/bad.yaml" 2>&1) || rc=$?
printf '%s\n' "$out" | sed 's/^/#   /'
is "validate: exit status 1" $rc 1
is "validate: three errors" "$(errors_of <<<"$out")" 3
is "validate: at the right lines and columns" "$(places_of <<<"$out")" "12:13 15:15 16:3"
like "validate: a suggestion for the unknown field" "$out" 'endpoints'

before=$(ctl get serviceentry -o json; ctl version -o json | python3_ -c '
import json, sys
print([r.get("generation") for r in json.load(sys.stdin)])')
rc=0
out=$(ctl apply -f "$lab_tmp/bad.yaml" 2>&1) || rc=$?
is "apply: exit status 1" $rc 1
is "apply: three errors" "$(errors_of <<<"$out")" 3
is "apply: at the right lines and columns" "$(places_of <<<"$out")" "12:13 15:15 16:3"
after=$(ctl get serviceentry -o json; ctl version -o json | python3_ -c '
import json, sys
print([r.get("generation") for r in json.load(sys.stdin)])')
is "the gateway's objects and snapshot are untouched" "$after" "$before"
like "and it serves" "$(curl_ http://192.0.2.100/)" "^server"

rc=0
"$sluice" -c "$lab_tmp/sluice.yaml" --check --profile-dir "$lab_root/drivers-config/nic" >"$lab_tmp/check" 2>&1 || rc=$?
is "sluice --check: the node's configuration is fine" $rc 0
sed 's/^pool:/pols:/' "$lab_tmp/sluice.yaml" >"$lab_tmp/wrong.yaml"
rc=0
out=$("$sluice" -c "$lab_tmp/wrong.yaml" --check --profile-dir "$lab_root/drivers-config/nic" 2>&1) || rc=$?
is "sluice --check: exit status 1 for a mistake" $rc 1
like "sluice --check: and where it is" "$out" "wrong.yaml:[0-9]+:1: error: .*pols"
sed -e 's/net_af_packet1/net_af_pakcet1/' -e 's/^- name: clients/&\n  profile: fast/' "$lab_tmp/sluice.yaml" >"$lab_tmp/wrong.yaml"
rc=0
out=$("$sluice" -c "$lab_tmp/wrong.yaml" --check --profile-dir "$lab_root/drivers-config/nic" 2>&1) || rc=$?
is "sluice --check: exit status 1 for a driver or a profile that is none" $rc 1
like "sluice --check: names the driver" "$out" "error: .*net_af_pakcet1"
like "sluice --check: names the profile" "$out" "error: .*fast"
rc=0
"$sluicectl" no-such-verb >/dev/null 2>&1 || rc=$?
is "wrong usage: exit status 2" $rc 2
smoke_done
