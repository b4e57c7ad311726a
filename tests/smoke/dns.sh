#!/bin/bash
# A service by name, from end to end: its host resolved by the daemon, reached by its virtual IP, which clients get
# from the gateway's own DNS. A changed answer moves new connections within TTL + 50 ms, and a download goes on.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
# shellcheck source=tests/smoke/_dns.sh
. "$(dirname "$0")/_dns.sh"

service_api() { # [ON-REMOVE]
	cat <<-END
	apiVersion: networking.istio.io/v1
	kind: ServiceEntry
	metadata:
	  name: api
	  namespace: gwtest
	  annotations: {sluice.io/dns-on-remove: ${1:-keep}}
	spec:
	  hosts: [api.example.com]
	  ports:
	  - {number: 80, name: http, protocol: TCP}
	  - {number: 7, name: udp-echo, protocol: UDP}
	  resolution: DNS
	END
}

# field NAME: of the row that `dns` has for api.example.com.
field() { ctl dns api.example.com -o json | python3_ -c 'import json, sys; print(json.load(sys.stdin)[0][sys.argv[1]])' "$1"; }
has() { [ "$(field "$1")" = "$2" ]; }
logged() { grep -q "$1" "$lab_tmp/sluice.log"; }
established() { [ "$(ctl flows --to "$vip" --proto tcp --state established --count)" -gt 0 ]; }

lab_up
LONG_RATE=6m servers_up 24
dns_up
dns_set api.example.com 2 198.51.100.11
dns_set elsewhere.example.org 60 203.0.113.77
service_api >"$lab_tmp/resources/api.yaml"
gateway_conf <<-END
	dns:
	  servers: [$dns_address]
	  responder:
	    listen: [192.0.2.1]
	    ttl: 20s
	    clients: [192.0.2.0/24]
	END
gateway_up
check "it is ready once the name has its answer" wait_for 5 logged 'daemon: ready'
figure "ms from the start of the daemon to ready" "$(grep -o 'start_ms=[0-9]*' "$lab_tmp/sluice.log" | tr -dc 0-9)"
is "and knows it" "$(field state) $(field addresses)" "fresh ['198.51.100.11']"

vip=$(dig_ +short api.example.com)
like "dig at the gateway gives a virtual IP" "$vip" '^240\.240\.[0-9]+\.[0-9]+$'
like "the one that services shows" "$(ctl services --service api.example.com -o wide)" "$vip"
is "AAAA is empty, not an error" "$(in_client dig +noall +comments @192.0.2.1 AAAA api.example.com | grep -o 'status: [A-Z]*')" "status: NOERROR"
is "other names are forwarded" "$(dig_ +short elsewhere.example.org)" "203.0.113.77"
is "over TCP too" "$(dig_ +short +tcp elsewhere.example.org)" "203.0.113.77"
like "curl by name" "$(by_name curl -sS --max-time 5 --noproxy '*' http://api.example.com/)" "^server1 port 80 from 198\.51\.100\.10"

curl_ --max-time 60 "http://$vip/long/big" | sha256sum >"$lab_tmp/sum" &
download=$!
check "a download runs" wait_for 5 established
dns_set api.example.com 2 198.51.100.12
changed=$(now_ms)
moved=$(net client turn "$vip" 7 server2)
took=$((moved - changed))
figure "ms from the change in unbound to the first new flow, TTL 2 s" $took
is "new connections go there" "$(spread 6 "http://$vip/")" "6 server2"
check "the download still runs" alive $download
rc=0
wait $download || rc=$?
is "and ends well" "$rc $(cat "$lab_tmp/sum")" "0 $(sha256sum <"$lab_tmp/www/big")"
like "events tell it" "$(ctl events --for api.example.com)" "api\.example\.com.*198\.51\.100\.12"
like "describe too" "$(ctl describe se api -n gwtest)" "Resolved +True"
like "stats counts it" "$(ctl stats)" "dns +dns_changes +[1-9]"

# An answer that holds for long, and an order to ask at once.
dns_set api.example.com 600 198.51.100.12
ctl dns refresh api.example.com >/dev/null
check "the answer with another TTL is there" wait_for 2 has ttlSeconds 300
dns_set api.example.com 600 198.51.100.13
is "it holds for its TTL" "$(spread 3 "http://$vip/")" "3 server2"
ctl dns refresh api.example.com >/dev/null
moved=$(net client turn "$vip" 7 server3)
like "dns refresh asks now" "$moved" '^[0-9]+$'
is "a name that nobody uses is none" "$(ctl dns refresh nobody.example.com 2>&1 || true)" \
	"sluicectl: no service uses the name nobody.example.com"

# reset: the flows of an address that is gone end with it.
service_api reset | apply
{ curl_ --max-time 30 -o /dev/null "http://$vip/long/big" 2>"$lab_tmp/reset" || true; } &
download=$!
check "another download runs" wait_for 5 established
began=$(now_ms)
dns_set api.example.com 600 198.51.100.11
ctl dns refresh api.example.com >/dev/null
wait $download
like "on-remove: reset ends it" "$(cat "$lab_tmp/reset")" "reset by peer|Recv failure"
figure "ms from the order to ask until the download was cut" $(($(now_ms) - began))
like "and an event says so" "$(ctl events --for se/api -n gwtest)" "Reset +gwtest/api\.example\.com"
books

ttl() { in_client dig +noall +answer +time=2 +tries=1 @192.0.2.1 api.example.com | awk '{ print $2 }'; }
is "the TTL of the gateway's answers" "$(ttl)" 20
sed -i 's/ttl: 20s/ttl: 40s/' "$lab_tmp/sluice.yaml"
check "reload" ctl reload
has_ttl() { [ "$(ttl)" = "$1" ]; }
check "is live for the responder" wait_for 2 has_ttl 40
ctl delete -n gwtest se api >/dev/null
rm "$lab_tmp/resources/api.yaml"
ctl reload >/dev/null
forgotten() { case $(vip_of api.example.com) in '' | 198.51.100.11) ;; *) return 1 ;; esac; }
check "a service that is gone is no name of the gateway's" wait_for 2 forgotten
like "and is not asked for any more" "$(ctl dns 2>&1)" "nothing found"
service_api >"$lab_tmp/resources/api.yaml"

# With a DNS server that is silent the gateway waits for its names, answers sluicectl, and stops when told to.
stop "$unbound_pid" || true
stop "$sluice_pid" || true
start dns "$lab_tmp/silent.log" socat -u "UDP4-RECV:53,bind=$dns_address" OPEN:/dev/null
wait_for 5 listens dns udp 53
gateway_start
check "sluicectl is served while it waits" wait_for 10 gateway_ready
check "the log says what it waits for" wait_for 5 logged 'waiting for the first answers names=1'
like "the name is pending" "$(ctl dns)" "api\.example\.com +A +pending"
like "get says why" "$(ctl get se -n gwtest -o wide)" "Unresolved.*api\.example\.com has no answer yet"
is "ready is not said before" "$(grep -c 'daemon: ready' "$lab_tmp/sluice.log" || true)" 0
rc=0
stop "$sluice_pid" || rc=$?
is "SIGTERM is heard while it waits" $rc 0
smoke_done
