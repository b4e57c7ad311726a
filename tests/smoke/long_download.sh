#!/bin/bash
# A long download survives endpoints being added and removed around it, its own endpoint included, and
# so does one that stays idle.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
lab_up
LONG_RATE=6m servers_up 32
gateway_up
service_web | apply

long_download() {
	curl_ --max-time 60 http://192.0.2.100/long/big | sha256sum >"$lab_tmp/sum"
}
long_download &
download=$!
flow() { ctl flows --to 192.0.2.100 --state established --limit 1 -o json | python3_ -c '
import json, sys
print(json.load(sys.stdin)[0]["endpoint"].split(":")[0])'; }
wait_for 10 flow
serving=$(flow)
lab_say "the download comes from $serving"
others=()
for address in 198.51.100.11 198.51.100.12 198.51.100.13; do
	[ "$address" = "$serving" ] || others+=("$address")
done

changes=0
while alive $download && [ $changes -lt 24 ]; do
	case $((changes % 4)) in
	0) service_web "${others[@]}" ;;            # its endpoint is gone
	1) service_web "${others[0]}" ;;
	2) service_web "$serving" "${others[@]}" ;; # and back, in another order
	3) service_web ;;
	esac | apply
	changes=$((changes + 1))
	if [ $((changes % 4)) = 1 ]; then
		got=$(curl_ http://192.0.2.100/ | awk '{ print $1 }')
		[ "198.51.100.1${got#server}" != "$serving" ] || not_ok "new flows avoid the removed endpoint" "$got"
	fi
	sleep 0.1
done
during=no
if alive $download; then during=yes; fi
is "24 changes happened during the download" "$during $changes" "yes 24"
rc=0
wait $download || rc=$?
is "the download ends well" $rc 0
is "and is the file, bit for bit" "$(cat "$lab_tmp/sum")" "$(sha256sum <"$lab_tmp/www/big")"
service_web 198.51.100.12 | apply
is "one endpoint is left: new flows go there" "$(spread 12 http://192.0.2.100/)" "12 server2"
books
smoke_done
