#!/bin/bash
# The DNS examples that the project was asked from (Istio's reference, kgateway, Kmesh, the weather
# article), word for word as tests/conf/seeds has them: clients that ask the gateway for a plain name
# reach what that name resolves to, and nothing else.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"
# shellcheck source=tests/smoke/_dns.sh
. "$(dirname "$0")/_dns.sh"

seeds=$lab_root/tests/conf/seeds

# HTTP on the ports that the examples name, TLS on 443 with a certificate that says who it is.
nginx_more() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=server$1" \
		-keyout "$lab_tmp/nginx$1/key" -out "$lab_tmp/nginx$1/cert" 2>/dev/null
	cat <<-END
	listen 198.51.100.1$1:9080;
	listen 198.51.100.1$1:7080;
	listen 198.51.100.1$1:8000;
	listen 198.51.100.1$1:443 ssl;
	ssl_certificate $lab_tmp/nginx$1/cert;
	ssl_certificate_key $lab_tmp/nginx$1/key;
	location = /headers { return 200 "Host: \$http_host on server$1 port \$server_port\n"; }
	END
}

# tls_peer NAME: who answers at that name, and the address that the client was told.
tls_peer() {
	by_name timeout 10 openssl s_client -connect "$1:443" -servername "$1" </dev/null 2>/dev/null |
		sed -n 's/^subject=.*CN = *//p'
}
peers() { # NAME N
	local i
	for ((i = 0; i < $2; i++)); do tls_peer "$1"; done | sort -u | paste -sd' '
}
spread_name() { # N NAME
	local i
	for ((i = 0; i < $1; i++)); do curl_name "http://$2/" || echo failed; done | cut -d' ' -f1-3 | sort | uniq -c |
		awk '{ print $2, $3, $4 }'
}

lab_up
dns_up
servers_up 1
a=198.51.100.11 b=198.51.100.12 c=198.51.100.13
dns_set api.dropboxapi.com 30 $a
dns_set www.googleapis.com 30 $b
dns_set api.facebook.com 30 $c
dns_set us.foo.bar.com 30 $a
dns_set uk.foo.bar.com 30 $b
dns_set in.foo.bar.com 30 $c
dns_set httpbin.default.svc.cluster.local 30 $b
dns_set httpbin.org 30 $a $c
dns_set backend1.example.com 30 $a
dns_set backend2.example.com 30 $b
dns_set backend3.example.com 30 $c
dns_set api.weather.com 30 $c $b
dns_set se.example.com 30 $b
dns_set other.example.com 30 $a
cp "$seeds"/{istio-01-dns-https,istio-11-dns-endpoints}-v1beta1.yaml "$seeds"/kmesh-{1-dns-endpoint,2-dns,4-endpoints}.yaml \
	"$seeds"/{kgateway-4-dns,weather}.yaml "$lab_tmp/resources"
dns_conf </dev/null | gateway_conf
gateway_up
wait_for 10 grep -q 'ready node=' "$lab_tmp/sluice.log" || not_ok "ready" "$(tail -n 5 "$lab_tmp/sluice.log")"

# ---- names get virtual IPs, the same for everybody and each its own ----

names=(api.dropboxapi.com www.googleapis.com api.facebook.com foo.bar.com kmesh-fake.com httpbin.org multi-backend.example.com api.weather.com se.example.com)
vips=$(for name in "${names[@]}"; do vip_of "$name"; done)
is "each host has a virtual IP of its own" "$(sort -u <<<"$vips" | grep -c '^240\.240\.')" "${#names[@]}"
is "and it is the one that sluicectl shows" "$(ctl services -o json | python3_ -c '
import json, sys
vip = {r["host"]: r["vips"][0] for r in json.load(sys.stdin) if r["autoVip"]}
print("\n".join(vip[name] for name in sys.argv[1:]))' "${names[@]}")" "$vips"
answer=$(dig_ foo.bar.com A)
like "dig: an answer with authority, 30 s" "$answer" "flags: qr aa rd.*foo.bar.com.[[:space:]]+30[[:space:]]+IN[[:space:]]+A[[:space:]]+240.240."
like "dig AAAA: no error, no answer" "$(dig_ foo.bar.com AAAA)" "status: NOERROR.*ANSWER: 0"
is "a name that no object has is forwarded" "$(dig_ +short other.example.com)" $a
like "and one that nobody has does not exist" "$(dig_ nobody.example.com)" "status: NXDOMAIN"

# ---- three APIs by three hosts: each host only its own addresses ----

is "api.dropboxapi.com" "$(peers api.dropboxapi.com 4)" server1
is "www.googleapis.com" "$(peers www.googleapis.com 4)" server2
is "api.facebook.com" "$(peers api.facebook.com 4)" server3
is "api.weather.com: both of its addresses, no other" "$(peers api.weather.com 16)" "server2 server3"

# ---- foo.bar.com over three names, each with a port of its own ----

is "foo.bar.com" "$(spread_name 24 foo.bar.com)" "server1 port 8080
server2 port 9080
server3 port 7080"

# ---- Kmesh: a virtual host in front of another name, on port 8000 ----

virtual=kmesh-fake.com
is "$virtual: the Host header stays" "$(curl_name "http://$virtual/headers")" "Host: $virtual on server2 port 8000"
is "httpbin.org resolves itself" "$(spread_name 16 httpbin.org)" "server1 port 80
server3 port 80"
is "multi-backend.example.com over three names" "$(spread_name 24 multi-backend.example.com)" "server1 port 8080
server2 port 8080
server3 port 8080"

# ---- kgateway ----

is "se.example.com" "$(spread_name 4 se.example.com)" "server2 port 80"
like "explain names the name" "$(ctl explain --from 192.0.2.10 --to "$(vip_of se.example.com):80")" "se.example.com"
is "every object is resolved" "$(for se in external-svc-https external-svc-dns external-fake-svc external-httpbin-org \
	multi-endpoint-svc external-weather-api; do condition se $se default Resolved; done | sort -u | cut -d' ' -f1)" True
books
smoke_done
