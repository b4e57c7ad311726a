# shellcheck shell=bash
# A DNS server of the lab whose answers change while it runs, and clients that ask by name. Sourced after _lib.sh.
# Sets dns_pid, dns_space.
# shellcheck disable=SC2034,SC2154 # who sources it has _lib.sh's variables, and uses these

dns_address=198.51.100.11

# dns_up [SPACE ADDRESS]: unbound, which knows what dns_set tells it and nothing else.
dns_up() {
	local space=${1:-server1} address=${2:-$dns_address} home=$lab_tmp/unbound

	mkdir -p "$home"
	cat >"$home/unbound.conf" <<-END
	server:
	  interface: $address
	  port: 53
	  do-daemonize: no
	  chroot: ""
	  username: ""
	  directory: "$home"
	  pidfile: "$home/pid"
	  use-syslog: no
	  logfile: ""
	  num-threads: 1
	  access-control: 0.0.0.0/0 allow
	  do-ip6: no
	  module-config: "iterator"
	  local-zone: "." static
	remote-control:
	  control-enable: yes
	  control-use-cert: no
	  control-interface: $home/control
	END
	start "$space" "$home/log" unbound -d -c "$home/unbound.conf"
	dns_pid=$started
	dns_space=$space
	wait_for 5 dns_control status
}

dns_control() { in_space "$dns_space" unbound-control -c "$lab_tmp/unbound/unbound.conf" "$@"; }

# dns_set NAME TTL ADDRESS...: its A records from now on.
dns_set() {
	local name=$1 ttl=$2 address
	shift 2
	dns_control local_data_remove "$name" >/dev/null
	for address; do echo "$name $ttl IN A $address"; done | dns_control local_datas >/dev/null
}

dig_() { in_client dig +short +time=2 +tries=1 @192.0.2.1 "$@"; }

# named COMMAND...: in the client, whose resolver is the gateway.
named() {
	[ -f "$lab_tmp/resolv.conf" ] || echo "nameserver 192.0.2.1" >"$lab_tmp/resolv.conf"
	in_client unshare -m sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' "$lab_tmp/resolv.conf" "$@"
}
