# shellcheck shell=bash
# The lab: a private little network with one gateway, for the smoke tests and the demo.
#
#   client                gateway                        switch           server 1 2 3
#   192.0.2.10/24         192.0.2.1   198.51.100.1        (bridge)        198.51.100.11 .12 .13
#   eth0 ---------- dev-clients | sluice | dev-servers ---- uplink
#                       clients |        | servers          p1 p2 p3 ---- eth0  nginx, echo, iperf3 (1)
#                        (mirrors, what Linux sees)
#   VIPs: 192.0.2.100 ff. (in the clients' subnet), 203.0.113.0/24 (routed). Pool: 198.51.100.100/30
#
# Everything is in network namespaces named $lab-*, all files are in $lab_tmp, and lab_down (a trap,
# also on Ctrl-C) removes exactly what was made here: recorded processes, recorded namespaces.
#
# Settings:  DRIVER af_packet (default), af_xdp or tap; WORKERS (default 1); BUILD (default build)

lab=sl$$
lab_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lab_build=$(cd "$lab_root" && realpath -m "${BUILD:-build}")
lab_tmp=
lab_pids=()
lab_spaces=()
driver=${DRIVER:-af_packet}
workers=${WORKERS:-1}
sluice=$lab_build/app/sluice/sluice
sluicectl=$lab_build/app/sluicectl/sluicectl
sluice_pid=

lab_say() { echo "# $*"; }

# ---- waiting ----

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

# wait_for SECONDS COMMAND...: until it succeeds, looked at every 20 ms.
wait_for() {
	local until=$(($(now_ms) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt $until ] || return 1
		sleep 0.02
	done
}

alive() { kill -0 "$1" 2>/dev/null; }
gone() { ! alive "$1"; }

# ---- processes ----

# Runs a command in the background, in a namespace of the lab, and records it: start NAME LOG CMD...
# Its pid is in $started.
start() {
	local space=$1 log=$2
	shift 2
	ip netns exec "$lab-$space" "$@" >"$log" 2>&1 </dev/null &
	started=$!
	lab_pids+=("$started")
}

# stop PID [SIGNAL]: ends a recorded process and waits for it; status is the process's.
stop() {
	local rc=0
	kill "-${2:-TERM}" "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || rc=$?
	return $rc
}

in_space() {
	local space=$1
	shift
	ip netns exec "$lab-$space" "$@"
}
in_client() { in_space client "$@"; }
in_gateway() { in_space gateway "$@"; }
in_server() {
	local n=$1
	shift
	in_space "server$n" "$@"
}

# ---- network ----

space() {
	ip netns add "$lab-$1"
	lab_spaces+=("$lab-$1")
	in_space "$1" ip link set lo up
	# Quiet: no router solicitations or neighbour discovery among the frames that tests count.
	in_space "$1" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
		echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6' 2>/dev/null || true
}

# cable SPACE1 NAME1 MAC1 SPACE2 NAME2 MAC2
# A veth leaves checksums to a hardware that is not there: a gateway that takes the frames as they are
# would see (and forward) unfinished ones. So both ends compute theirs, and send no giant frames.
cable() {
	ip -n "$lab-$1" link add "$2" address "$3" type veth \
		peer name "$5" address "$6" netns "$lab-$4"
	for end in "$1 $2" "$4 $5"; do
		# shellcheck disable=SC2086 # two words
		set -- $end
		in_space "$1" ethtool -K "$2" rx off tx off tso off gso off gro off >/dev/null 2>&1 || true
		in_space "$1" ip link set "$2" mtu "${LAB_MTU:-1500}" up
	done
}

# What every lab begins with: a folder, and an end.
lab_begin() {
	[ "$(id -u)" = 0 ] || { echo "the lab needs root (network namespaces)" >&2; return 1; }
	lab_tmp=$(mktemp -d "/tmp/sluice-lab.XXXXXX")
	mkdir -p "$lab_tmp/resources" "$lab_tmp/state" "$lab_tmp/www"
	trap lab_down EXIT
	# A shell that ends by a signal runs no EXIT trap on its own.
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	trap 'exit 141' PIPE # who reads our output is gone
}

lab_up() {
	local n

	lab_begin
	space client
	space gateway
	space switch
	cable client eth0 02:00:00:00:01:0a gateway dev-clients 02:00:00:00:01:01
	cable switch uplink 02:00:00:00:02:fe gateway dev-servers 02:00:00:00:02:01
	in_client ip addr add 192.0.2.10/24 dev eth0
	in_client ip route add default via 192.0.2.1
	in_space switch ip link add bridge type bridge forward_delay 0 mcast_snooping 0
	in_space switch ip link set uplink master bridge
	in_space switch ip link set bridge up
	for n in 1 2 3; do
		space "server$n"
		cable "server$n" eth0 "02:00:00:00:02:1$n" switch "p$n" "02:00:00:00:03:1$n"
		in_space switch ip link set "p$n" master bridge
		in_server "$n" ip addr add "198.51.100.1$n/24" dev eth0
	done
	# The kernel takes up to a second to call a new link up.
	for n in dev-clients dev-servers; do
		wait_for 5 in_gateway grep -q up "/sys/class/net/$n/operstate"
	done
}

# ---- servers ----

# Each nginx says who it is. /long/big is the same file on all of them, sent slowly enough that
# much can happen meanwhile.
nginx_conf() {
	local n=$1 home=$lab_tmp/nginx$1

	cat <<-END
	user root;
	worker_processes 1;
	daemon off;
	pid $home/pid;
	error_log $home/error.log;
	events { worker_connections 4096; }
	http {
		access_log off;
		client_body_temp_path $home/body;
		proxy_temp_path $home/proxy;
		fastcgi_temp_path $home/fastcgi;
		uwsgi_temp_path $home/uwsgi;
		scgi_temp_path $home/scgi;
		default_type text/plain;
		keepalive_requests 1000000;
		server {
			listen 198.51.100.1$n:80 backlog=4096;
			listen 198.51.100.1$n:8080;
			listen 198.51.100.1$n:9090;
			root $lab_tmp/www;
			location = / { return 200 "server$n port \$server_port from \$remote_addr\n"; }
			location /long/ { alias $lab_tmp/www/; limit_rate ${LONG_RATE:-8m}; }
		}
	}
	END
}

listens() { # SPACE tcp|udp PORT
	local flag=-lnt
	[ "$2" = tcp ] || flag=-lnu
	[ -n "$(in_space "$1" ss -H $flag "sport = :$3")" ]
}

# The size of /big, in MiB.
servers_up() {
	local n

	head -c "${1:-48}M" /dev/urandom >"$lab_tmp/www/big"
	for n in 1 2 3; do
		mkdir -p "$lab_tmp/nginx$n"
		nginx_conf "$n" >"$lab_tmp/nginx$n/nginx.conf"
		start "server$n" "$lab_tmp/nginx$n/out" nginx -p "$lab_tmp/nginx$n" -c "$lab_tmp/nginx$n/nginx.conf"
		start "server$n" "$lab_tmp/echo$n.log" /usr/bin/python3 "$lab_root/tests/smoke/_net.py" \
			echo "198.51.100.1$n" 7 "server$n"
	done
	start server1 "$lab_tmp/iperf3.log" iperf3 -s -p 5201
	for n in 1 2 3; do
		if ! wait_for 10 listens "server$n" tcp 80 || ! wait_for 10 listens "server$n" udp 7; then
			echo "server $n does not come up:" >&2
			cat "$lab_tmp/nginx$n/out" "$lab_tmp/nginx$n/error.log" "$lab_tmp/echo$n.log" >&2
			return 1
		fi
	done
	wait_for 10 listens server1 tcp 5201
}

# ---- objects ----

# The three-endpoint STATIC ServiceEntry that the project began with, with a VIP.
# service_web [ENDPOINT-ADDRESS...]
service_web() {
	local address
	[ $# -gt 0 ] || set -- 198.51.100.11 198.51.100.12 198.51.100.13

	cat <<-'END'
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
	  - number: 80
	    name: http
	    protocol: TCP
	  resolution: STATIC
	  location: MESH_INTERNAL
	  endpoints:
	END
	for address; do
		echo "  - address: $address"
		case $address in *.13) echo "    locality: r3/z3/sz3" ;; *) echo "    locality: r1/z1/sz1" ;; esac
	done
}

# Several ports, a target port, ports and weights of endpoints, on a VIP that is routed to the gateway.
service_shop() {
	cat <<-'END'
	apiVersion: networking.istio.io/v1
	kind: ServiceEntry
	metadata:
	  name: shop
	  namespace: gwtest
	spec:
	  hosts:
	  - shop.example.com
	  addresses:
	  - 203.0.113.50
	  ports:
	  - number: 80
	    name: http
	    protocol: TCP
	  - number: 8000
	    name: admin
	    protocol: TCP
	    targetPort: 9090
	  resolution: STATIC
	  endpoints:
	  - address: 198.51.100.11
	    weight: 1
	    ports:
	      http: 8080
	  - address: 198.51.100.12
	    weight: 3
	    ports:
	      http: 8080
	END
}

service_echo() {
	cat <<-'END'
	apiVersion: networking.istio.io/v1
	kind: ServiceEntry
	metadata:
	  name: echo
	  namespace: gwtest
	spec:
	  hosts:
	  - echo.example.com
	  addresses:
	  - 192.0.2.101
	  ports:
	  - number: 7
	    name: udp-echo
	    protocol: UDP
	  resolution: STATIC
	  endpoints:
	  - address: 198.51.100.11
	  - address: 198.51.100.12
	  - address: 198.51.100.13
	END
}

# iperf3 uses TCP and UDP on one port number; the two must meet the same server.
service_iperf() {
	local protocol
	for protocol in TCP UDP; do
		cat <<-END
		---
		apiVersion: networking.istio.io/v1
		kind: ServiceEntry
		metadata:
		  name: iperf-${protocol,,}
		  namespace: gwtest
		spec:
		  hosts:
		  - ${protocol,,}.iperf.example.com
		  addresses:
		  - 192.0.2.102
		  ports:
		  - number: 5201
		    name: ${protocol,,}-iperf
		    protocol: $protocol
		  resolution: STATIC
		  endpoints:
		  - address: 198.51.100.11
		END
	done
}

# ---- gateway ----

device() { # PORT-NAME: the DPDK device string; the driver's profile adds the rest
	local n=0

	[ "$1" = clients ] || n=1
	case $driver in
	af_packet | af_xdp) echo "net_$driver$n,iface=dev-$1" ;;
	tap) echo "net_tap$n,iface=tap-$1" ;;
	*) echo "DRIVER=$driver: af_packet, af_xdp or tap" >&2; return 1 ;;
	esac
}

# A test with other ports has its own function of this name.
ports_conf() {
	cat <<-END
	- name: clients
	  device: "$(device clients)"
	  addresses: [192.0.2.1/24]
	- name: servers
	  device: "$(device servers)"
	  addresses: [198.51.100.1/24]
	END
}

# What a test adds comes in as YAML: gateway_conf <<<"outboundPolicy: {deny: silent}"
gateway_conf() {
	{
		echo "ports:"
		ports_conf
		cat <<-END
		workers:
		  count: $workers
		pool:
		  addresses: [198.51.100.100/30]
		flows:
		  max: ${MAX_FLOWS:-65536}
		control:
		  socket: $lab_tmp/control.sock
		resources: [$lab_tmp/resources]
		stateDir: $lab_tmp/state
		END
		[ -t 0 ] || cat
	} >"$lab_tmp/sluice.yaml"
}

ctl() { "$sluicectl" -s "$lab_tmp/control.sock" "$@"; }

# apply [FILE]: `sluicectl apply`, heard of only when it fails.
apply() {
	local out
	out=$(ctl apply -f "${1:--}" 2>&1) || { printf '%s\n' "$out" >&2; return 1; }
}

# gateway_start [ARGUMENT...]: starts the daemon and returns at once.
gateway_start() {
	[ -x "$sluice" ] || { echo "$sluice is not built" >&2; return 1; }
	[ -f "$lab_tmp/sluice.yaml" ] || gateway_conf </dev/null
	start gateway "$lab_tmp/sluice.log" "$sluice" -c "$lab_tmp/sluice.yaml" \
		--profile-dir "$lab_root/drivers-config/nic" "$@"
	sluice_pid=$started
}

gateway_ready() { alive "$sluice_pid" && ctl version; }

gateway_up() {
	gateway_start "$@"
	wait_for 15 gateway_ready || {
		echo "sluice does not come up:" >&2
		tail -n 40 "$lab_tmp/sluice.log" >&2
		return 1
	}
	[ "$driver" != tap ] || tap_bridges
}

# net_tap makes a netdev of its own: a bridge ties it to the cable. The kernel stays out of it: the bridge
# answers no ARP, and the netdev gets another MAC than the port, which the bridge would take for its own.
tap_bridges() {
	local name mac=1
	for name in clients servers; do
		in_gateway ip link set "tap-$name" address "02:00:00:00:04:0$mac"
		in_gateway ip link add "br-$name" type bridge forward_delay 0 mcast_snooping 0
		in_gateway ip link set "br-$name" arp off
		in_gateway ip link set "dev-$name" master "br-$name"
		in_gateway ip link set "tap-$name" master "br-$name"
		in_gateway ip link set "tap-$name" up
		in_gateway ip link set "br-$name" up
		mac=$((mac + 1))
	done
}

# ---- the end ----

lab_down() {
	local rc=$? pid space

	trap '' INT TERM HUP PIPE
	trap - EXIT
	set +e
	type -t lab_at_exit >/dev/null && lab_at_exit $rc
	for pid in "${lab_pids[@]}"; do kill "$pid" 2>/dev/null; done
	for pid in "${lab_pids[@]}"; do
		wait_for 3 gone "$pid" || kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	for space in "${lab_spaces[@]}"; do
		# What a recorded process left behind in a namespace of ours (it is nobody else's).
		for pid in $(ip netns pids "$space" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null; done
		ip netns del "$space"
	done
	# The run folder of a testpmd that had this prefix.
	[ ! -d "/run/dpdk/$lab" ] || rm -rf "/run/dpdk/$lab"
	[ -z "$lab_tmp" ] || rm -rf "$lab_tmp"
	exit "$rc"
}
