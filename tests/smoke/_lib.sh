# shellcheck shell=bash
# TAP and checks for the smoke tests. A test is one short script:
#
#   #!/bin/bash
#   # what it shows
#   set -euo pipefail
#   . "$(dirname "$0")/_lib.sh"
#   lab_up; servers_up; service_web >"$lab_tmp/resources/web.yaml"; gateway_up
#   is "what" "$got" "$expected"
#   smoke_done
#
# KEEP=1 leaves a failed lab running until a key is pressed.
# shellcheck source=tests/smoke/_lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/_lab.sh"

smoke_cases=0
smoke_failed=0
smoke_ended=

ok() {
	smoke_cases=$((smoke_cases + 1))
	echo "ok $smoke_cases - $1"
}

not_ok() { # NAME [LINE...]
	smoke_cases=$((smoke_cases + 1))
	smoke_failed=$((smoke_failed + 1))
	echo "not ok $smoke_cases - $1"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/# /'
}

# check NAME COMMAND...: passes when the command does.
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name" "status $? of: $*" "$out"
	fi
}

is() { # NAME GOT EXPECTED
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got:      $2" "expected: $3"; fi
}

like() { # NAME GOT EXTENDED-REGEX
	if [[ $2 =~ $3 ]]; then ok "$1"; else not_ok "$1" "got: $2" "expected to match: $3"; fi
}

at_least() { # NAME GOT MINIMUM
	if [ "$2" -ge "$3" ]; then ok "$1 ($2)"; else not_ok "$1" "got $2, expected at least $3"; fi
}

skip_all() {
	echo "ok 1 - ${0##*/} # SKIP $1"
	echo "1..1"
	smoke_ended=1
	exit 0
}

# A figure: printed, never judged.
figure() { echo "# FIGURE $1: $2"; }

# counter NAME: of all workers in sum, 0 when there is none.
counter() {
	ctl stats -a -o json | python3_ -c '
import json, sys
rows = json.load(sys.stdin)
print(sum(r["value"] for r in rows if r["name"] == sys.argv[1] and r["worker"] is None))' "$1"
}

python3_() { /usr/bin/python3 "$@"; }
net() { local space=$1; shift; in_space "$space" /usr/bin/python3 "$lab_root/tests/smoke/_net.py" "$@"; }

# The books balance exactly: rx = forwarded + punted + held + drops, tx = forwarded + replies + retried + injected.
books() { # [NAME]
	local out name=${1:-the books balance}

	if out=$(ctl stats -a -o json | python3_ -c '
import json, sys
rows = [r for r in json.load(sys.stdin) if r["worker"] is None]
c = {r["name"]: r["value"] for r in rows if r["kind"] == "counter"}
drops = {r["name"]: r["value"] for r in rows if r["kind"] == "drop" and r["value"]}
rx = c["forwarded"] + c["punted"] + c["held"] + sum(drops.values())
tx = c["forwarded"] + c["replies"] + c["retried"] + c["injected"]
print("rx {} = forwarded {} + punted {} + held {} + drops {} {}".format(
    c["rx"], c["forwarded"], c["punted"], c["held"], sum(drops.values()), drops or ""))
print("tx {} = forwarded {} + replies {} + retried {} + injected {}".format(
    c["tx"], c["forwarded"], c["replies"], c["retried"], c["injected"]))
sys.exit(not (c["rx"] == rx > 0 and c["tx"] == tx > 0))'); then
		ok "$name"
		printf '%s\n' "$out" | sed 's/^/#   /'
	else
		not_ok "$name" "$out"
	fi
}

curl_() { in_client curl -sS --max-time 10 --noproxy '*' "$@"; }

# spread N URL: N requests; prints "COUNT server" lines, most first.
spread() {
	local i
	for ((i = 0; i < $1; i++)); do
		curl_ "$2" || echo "failed"
	done | awk '{ print $1 }' | sort | uniq -c | sort -rn | awk '{ print $1, $2 }'
}

# What helps when a test failed.
lab_at_exit() {
	if [ -z "$smoke_ended" ]; then
		smoke_failed=$((smoke_failed + 1))
		smoke_cases=$((smoke_cases + 1))
		echo "not ok $smoke_cases - ${0##*/} ended early (status $1)"
		echo "1..$smoke_cases"
	fi
	[ $smoke_failed -gt 0 ] || return 0
	{
		echo "---- sluice.log"
		tail -n 60 "$lab_tmp/sluice.log"
		echo "---- sluicectl stats"
		timeout 5 "$sluicectl" -s "$lab_tmp/control.sock" stats
		timeout 5 "$sluicectl" -s "$lab_tmp/control.sock" flows --limit 10
		echo "---- neighbours and routes of the gateway"
		in_gateway ip neigh
		in_gateway ip route
	} 2>&1 | sed 's/^/# /'
	if [ -n "${KEEP:-}" ]; then
		echo "# kept: ip netns exec $lab-client bash; $sluicectl -s $lab_tmp/control.sock; Enter ends it"
		read -r </dev/tty
	fi
}

smoke_done() {
	smoke_ended=1
	echo "1..$smoke_cases"
	[ $smoke_failed -eq 0 ]
	exit
}
