#!/bin/bash
# SIGHUP reads sluice.yaml and the resource folders again: new objects serve, changed ones change, gone
# ones go, a broken one leaves its last good version, and a reload without changes writes nothing.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
servers_up 1
service_web >"$lab_tmp/resources/web.yaml"
gateway_up
generation() { ctl version -o json | python3_ -c '
import json, sys
print([r["generation"] for r in json.load(sys.stdin) if r.get("generation") is not None][0])'; }
hup() { kill -HUP "$sluice_pid"; }
web_is() { [ "$(spread 9 http://192.0.2.100/ | awk '{ print $2 }' | paste -sd' ')" = "$1" ]; }
shop_serves() { curl_ http://203.0.113.50/ | grep -q ^server; }
shop_refused() { [ "$(net client tcp 203.0.113.50 80)" = refused ]; }

before=$(generation)
check "a reload without changes" ctl reload
is "publishes nothing" "$(generation)" "$before"

service_shop >"$lab_tmp/resources/shop.yaml"
service_web 198.51.100.12 >"$lab_tmp/resources/web.yaml"
hup
check "SIGHUP: a new object serves" wait_for 5 shop_serves
check "SIGHUP: a changed one has changed" wait_for 5 web_is server2
sed 's/STATIC/STATIK/' "$lab_tmp/resources/shop.yaml" >"$lab_tmp/x"
cp "$lab_tmp/x" "$lab_tmp/resources/shop.yaml"
rc=0
out=$(ctl reload 2>&1) || rc=$?
is "an object that became invalid is reported" "$rc" 1
like "with its place" "$out" "shop.yaml:[0-9]+:[0-9]+: error"
check "its last good version stays in force" shop_serves
rm "$lab_tmp/resources/shop.yaml"
hup
check "SIGHUP: an object that is gone serves no more" wait_for 5 shop_refused
cp "$lab_tmp/sluice.yaml" "$lab_tmp/good.yaml"
echo "workers: [" >"$lab_tmp/sluice.yaml"
hup
cp "$lab_tmp/good.yaml" "$lab_tmp/sluice.yaml"
rc=0
ctl reload >/dev/null 2>&1 || rc=$?
is "a broken sluice.yaml is survived" $rc 0
check "the daemon is the same process" alive "$sluice_pid"
check "and it serves" web_is server2
books
smoke_done
