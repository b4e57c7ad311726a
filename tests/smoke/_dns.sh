# shellcheck shell=bash disable=SC2154 # lab_tmp, started: of _lab.sh
# A DNS server in the lab, unbound at 198.51.100.53, whose answers are changed while it runs, and a client
# whose resolver is the gateway.
#
#   lab_up; dns_up; dns_set www.example.com 5 198.51.100.11 198.51.100.12; dns_conf | gateway_conf
#
# After _lab.sh; dns_field, dns_is and condition want _lib.sh.

dns_address=198.51.100.53
unbound_pid=

dns_space() { # the namespace of a DNS server, on the switch; once
	space dns
	cable dns eth0 02:00:00:00:02:53 switch pdns 02:00:00:00:03:53
	in_space switch ip link set pdns master bridge
	in_space dns ip addr add $dns_address/24 dev eth0
	in_space dns ip route add default via 198.51.100.1
}

dns_up() {
	[ -d "$lab_tmp/unbound" ] || { dns_space; mkdir -p "$lab_tmp/unbound"; }
	cat >"$lab_tmp/unbound/unbound.conf" <<-END
	server:
		directory: "$lab_tmp/unbound"
		chroot: ""
		username: ""
		pidfile: "$lab_tmp/unbound/pid"
		use-syslog: no
		do-daemonize: no
		interface: $dns_address
		access-control: 0.0.0.0/0 allow
		module-config: iterator
		num-threads: 1
		minimal-responses: yes
		local-zone: "." static
		include: "$lab_tmp/unbound/data"
	remote-control:
		control-enable: yes
		control-interface: "$lab_tmp/unbound/ctl"
	END
	touch "$lab_tmp/unbound/data"
	start dns "$lab_tmp/unbound/log" unbound -d -c "$lab_tmp/unbound/unbound.conf"
	# shellcheck disable=SC2034 # for who sources this
	unbound_pid=$started
	wait_for 10 unbound_control status
}

unbound_control() { in_space dns unbound-control -q -c "$lab_tmp/unbound/unbound.conf" "$@"; }

# dns_set NAME TTL ADDRESS...: from now on these are its addresses, and no others. Survives a restart.
dns_set() {
	local name=$1 ttl=$2 address type
	shift 2
	dns_del "$name"
	for address; do
		type=A
		[[ $address != *:* ]] || type=AAAA
		echo "local-data: \"$name. $ttl IN $type $address\"" >>"$lab_tmp/unbound/data"
		unbound_control local_data "$name. $ttl IN $type $address"
	done
}

# dns_del NAME: there is no such name any more.
dns_del() {
	sed -i "/\"$1\\. /d" "$lab_tmp/unbound/data"
	unbound_control local_data_remove "$1."
}

# The part of sluice.yaml: unbound is asked, clients are answered. Further lines of `dns` come in.
dns_conf() {
	cat <<-END
	clients:
	- cidrs: [192.0.2.0/24]
	  namespace: ${CLIENT_NAMESPACE:-default}
	dns:
	  servers: [$dns_address]
	  responder:
	    listen: [192.0.2.1]
	END
	[ -t 0 ] || sed 's/^/  /'
}

dig_() { in_client dig +time=3 +tries=1 @192.0.2.1 "$@"; }
# The virtual IP of a host, as a client gets it.
vip_of() { dig_ +short "$1" A | head -n 1; }

# by_name COMMAND...: in the client, with the gateway as its only resolver.
by_name() {
	echo "nameserver 192.0.2.1" >"$lab_tmp/resolv.conf"
	# shellcheck disable=SC2016 # for the inner shell
	in_client unshare --mount sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' \
		"$lab_tmp/resolv.conf" "$@"
}
curl_name() { by_name curl -sS --max-time 10 --noproxy '*' "$@"; }

# liar SPACE N ADDRESS [ARGUMENT...]: lying_dns.py N; what it does is in $lab_tmp/liarN.ctl, what it was asked in
# liarN.log, its pid in $started and liarN.pid.
liar() {
	local space=$1 n=$2 address=$3
	shift 3
	start "$space" "$lab_tmp/liar$n.out" /usr/bin/python3 "$lab_root/tests/smoke/lying_dns.py" \
		-l "$lab_tmp/liar$n.log" -c "$lab_tmp/liar$n.ctl" "$@" "$address"
	echo "$started" >"$lab_tmp/liar$n.pid"
	wait_for 5 grep -q ready "$lab_tmp/liar$n.out"
}

# dns_field NAME FIELD: of the entry for IPv4, lists joined by spaces, sorted.
dns_field() {
	ctl dns "$1" -o json | python3_ -c '
import json, sys
rows = [r for r in json.load(sys.stdin) if r["family"] == "A"]
value = rows[0].get(sys.argv[1]) if rows else None
print(" ".join(sorted(value)) if isinstance(value, list) else value)' "$2"
}
dns_is() { [ "$(dns_field "$1" "$2")" = "$3" ]; }

# condition KIND NAME NAMESPACE TYPE: its status and reason.
condition() {
	ctl describe "$1" "$2" -n "$3" -o json | python3_ -c '
import json, sys
rows = json.load(sys.stdin)
row = rows[0] if isinstance(rows, list) else rows
for c in row["conditions"]:
    if c["type"] == sys.argv[1]:
        print(c["status"], c.get("reason") or "")' "$4"
}
