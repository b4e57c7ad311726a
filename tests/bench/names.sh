#!/bin/bash
# bench_names against an unbound of its own, in a private network namespace (needs root).
# usage: tests/bench/names.sh [SECONDS [NAMES]]     BUILD is the build folder (build).
set -euo pipefail
cd "$(dirname "$0")/../.."

space=slbench$$
tmp=$(mktemp -d /tmp/sluice-bench.XXXXXX)
pid=
ip netns add "$space"
trap '[ -z "$pid" ] || kill "$pid"; ip netns del "$space"; rm -rf "$tmp"' EXIT
ip -n "$space" link set lo up
ip -n "$space" addr add 198.51.100.53/32 dev lo
cat >"$tmp/unbound.conf" <<END
server:
	interface: 198.51.100.53
	access-control: 0.0.0.0/0 allow
	directory: "$tmp"
	pidfile: ""
	chroot: ""
	username: ""
	use-syslog: no
	local-zone: "example." redirect
	local-data: "example. 30 IN A 192.0.2.1"
remote-control:
	control-enable: no
END
ip netns exec "$space" unbound -d -c "$tmp/unbound.conf" >"$tmp/log" 2>&1 &
pid=$!
for ((i = 0; i < 100; i++)); do
	if ip netns exec "$space" dig +short +tries=1 +time=1 @198.51.100.53 a.example | grep -q 192.0.2.1; then break; fi
	sleep 0.05
done
ip netns exec "$space" "${BUILD:-build}/tests/bench/bench_names" 198.51.100.53 "$@"
