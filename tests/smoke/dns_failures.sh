#!/bin/bash
# What becomes of a name in every kind of failure, with the whole daemon: a table of kinds and situations,
# each cell a service of its own, replayed against a server that lies. Then what needs more than one server.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
# shellcheck source=tests/smoke/_dns.sh
. "$(dirname "$0")/_dns.sh"

# What is wrong, a line each: nothing when all is well, so what ends early has to say so.
table() {
	CTL="$sluicectl -s $lab_tmp/control.sock" python3_ "$lab_root/tests/smoke/_dns_table.py" "$@" ||
		echo "_dns_table.py $1: status $?"
}
# The 64 addresses of `many` are all server 3.
nginx_more() { [ "$1" != 3 ] || seq -f 'listen 198.18.0.%g:80;' 100; }

# service NAME VIP: of what wanted.example is.
service() {
	cat <<-END
	---
	apiVersion: networking.istio.io/v1
	kind: ServiceEntry
	metadata: {name: $1, namespace: default}
	spec:
	  hosts: [$1.example.com]
	  addresses: [$2]
	  ports: [{number: 80, name: tcp, protocol: TCP}]
	  resolution: DNS
	  endpoints: [{address: wanted.example}]
	END
}

dns_section() { # SERVERS [LINE...]
	cat <<-END
	dns:
	  servers: [$1]
	  hostsFile: $lab_tmp/hosts
	  timeout: 700ms
	  confirm: 200ms
	  privateAddresses: refuse
	  refresh: {min: 200ms, max: 1h}
	END
	shift
	printf '  %s\n' "$@"
}

lab_up
dns_space
in_space dns ip addr add 198.51.100.54/24 dev eth0
in_server 3 ip route add local 198.18.0.0/24 dev lo
servers_up 1
touch "$lab_tmp/hosts"
# More than was asked for (1232), in one frame: the driver of the lab would put fragments together into one that is
# too long for it.
liar dns 1 $dns_address -a 198.51.100.12 -o 1400
for column in within past strict robin; do
	echo "*.$column.example a=198.51.100.11 ttl=1"
done >"$lab_tmp/liar1.ctl"
dns_section $dns_address "retry: {min: 1h, max: 1h}" | gateway_conf
gateway_up
table objects | apply
in_gateway ip route add 198.18.0.0/24 via 198.51.100.13

# ---- the table ----

is "every name has a good answer, where one is wanted" "$(table wait 10 good)" ""
: >"$lab_tmp/liar1.ctl"
is "then each fails in its way, and its state is" "$(table wait 15 table)" ""
# shellcheck disable=SC2046 # words
net client served 80 $(table addresses) >"$lab_tmp/served"
table show "$lab_tmp/served" >"$lab_tmp/table"
grep '^#' "$lab_tmp/table"
is "state, new connections and conditions are as the table says" "$(grep -v '^#' "$lab_tmp/table" || true)" ""
is "each kind moves its counter, and no counter of another kind" "$(table counters)" ""
books

# ---- one name, three services, two servers ----

another() { # SERVERS [LINE...]: another daemon, which knows nothing yet
	stop "$sluice_pid" || true
	rm -rf "$lab_tmp/state"
	mkdir "$lab_tmp/state"
	dns_section "$@" | gateway_conf
	gateway_up
}
has() { dns_is wanted.example addresses "$1"; }
answers_from() { net client served 80 203.0.113.1 203.0.113.2 203.0.113.3 | awk '{ print $2 }' | sort | uniq -c | xargs; }

for n in 1 2 3; do service "se$n" "203.0.113.$n"; done >"$lab_tmp/resources/services.yaml"
liar dns 2 198.51.100.54 -a 198.51.100.13
echo '* ttl=3600' >"$lab_tmp/liar1.ctl"
echo '* silence' >"$lab_tmp/liar2.ctl"
: >"$lab_tmp/liar1.log"
another "198.51.100.54, $dns_address" "retry: {min: 200ms, max: 400ms}"
check "one of two servers is silent: the other's answer counts" wait_for 4 has 198.51.100.12
is "three services have it" "$(answers_from)" "3 server2"
is "and it was asked for once" "$(grep -c wanted "$lab_tmp/liar1.log")" 1

# What says that there is no such name is confirmed by another server, when there is one.
echo '* ttl=1 delay=100' >"$lab_tmp/liar1.ctl"
echo '* nxdomain soa=1' >"$lab_tmp/liar2.ctl"
another "198.51.100.54, $dns_address" "retry: {min: 200ms, max: 400ms}"
check "one says NXDOMAIN, the other has an answer: the answer counts" wait_for 5 has 198.51.100.12
contradicted() { [ "$(counter dns_unconfirmed)" -ge 1 ]; }
check "its NXDOMAIN was contradicted" wait_for 8 contradicted
is "and it was never empty" "$(ctl events --for wanted.example | grep -ci 'empty' || true)" 0
is "new connections work" "$(answers_from)" "3 server2"

# ---- killed and back ----

echo '* ttl=1' >"$lab_tmp/liar1.ctl"
another $dns_address "retry: {min: 200ms, max: 400ms}"
check "an answer" wait_for 4 has 198.51.100.12
stop "$(cat "$lab_tmp/liar1.pid")" KILL || true
check "the server is killed: stale" wait_for 5 dns_is wanted.example state stale
is "new connections work" "$(answers_from)" "3 server2"
echo '* ttl=1 a=198.51.100.13' >"$lab_tmp/liar1.ctl"
: >"$lab_tmp/liar1.log"
liar dns 1 $dns_address
check "it is back, with another answer" wait_for 5 has 198.51.100.13
is "new connections follow" "$(answers_from)" "3 server3"
ports() { [ "$(awk '{ print $2 }' "$lab_tmp/liar1.log" | sort -u | wc -l)" -ge 3 ]; }
many_ports() { ctl dns refresh wanted.example >/dev/null && ports; }
check "questions leave from one source port after the other" wait_for 5 many_ports

# ---- the hosts file ----

echo "198.51.100.11 wanted.example" >"$lab_tmp/hosts"
check "a name in the hosts file has that address" wait_for 3 has 198.51.100.11
is "new connections go there" "$(answers_from)" "3 server1"
: >"$lab_tmp/hosts"
check "and is asked for again when it is taken out" wait_for 4 has 198.51.100.13
smoke_done
