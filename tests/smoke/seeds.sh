#!/bin/bash
# The STATIC, workload-selector and WorkloadEntry examples that the project was asked from (kgateway's
# post on ServiceEntry, Istio's reference), with documentation addresses in place of theirs, carry traffic.
set -euo pipefail
# shellcheck source=tests/smoke/_lib.sh
. "$(dirname "$0")/_lib.sh"

# Without addresses: a client may have resolved the host to anything, the port decides.
example_se() {
	cat <<-'END'
	apiVersion: networking.istio.io/v1
	kind: ServiceEntry
	metadata:
	  name: example-se
	  namespace: gwtest
	spec:
	  hosts:
	  - se.example.com
	  ports:
	  - number: 80
	    name: http
	    protocol: TCP
	  resolution: STATIC
	  location: MESH_INTERNAL
	END
}

example_static() {
	example_se
	cat <<-'END'
	  endpoints:
	  - address: 198.51.100.11
	    locality: r1/z1/sz1
	  - address: 198.51.100.12
	    locality: r1/z1/sz1
	  - address: 198.51.100.13
	    locality: r3/z3/sz3
	END
}

example_selector() { # LABEL
	example_se
	printf '  workloadSelector:\n    labels:\n      app: %s\n' "$1"
}

pod() { # NAME APP ADDRESS READY
	cat <<-END
	---
	apiVersion: v1
	kind: Pod
	metadata:
	  name: $1
	  namespace: gwtest
	  labels:
	    app: $2
	spec:
	  containers:
	  - name: main
	    image: registry.example.com/reviews:v1
	status:
	  phase: Running
	  podIP: $3
	  conditions:
	  - type: Ready
	    status: "$4"
	END
}

# The second one has only a network: no gateway of that network is known, so it gets nothing.
workload_entries() {
	cat <<-'END'
	---
	apiVersion: networking.istio.io/v1
	kind: WorkloadEntry
	metadata:
	  name: reviews-workloadentry-1
	  namespace: gwtest
	  labels:
	    app: reviews-workloadentry
	spec:
	  address: 198.51.100.11
	  locality: r1/z1/sz1
	  ports:
	    http: 8080
	---
	apiVersion: networking.istio.io/v1
	kind: WorkloadEntry
	metadata:
	  name: reviews-workloadentry-2
	  namespace: gwtest
	  labels:
	    app: reviews-workloadentry
	spec:
	  network: external-network
	  locality: r2/z2/sz2
	  ports:
	    http: 8080
	END
}

# A CIDR with host bits, as it is written there.
mongocluster() {
	cat <<-'END'
	---
	apiVersion: networking.istio.io/v1
	kind: ServiceEntry
	metadata:
	  name: external-svc-mongocluster
	spec:
	  hosts:
	  - mymongodb.somedomain
	  addresses:
	  - 203.0.113.192/24
	  ports:
	  - number: 27018
	    name: mongodb
	    protocol: MONGO
	    targetPort: 8080
	  location: MESH_INTERNAL
	  resolution: STATIC
	  endpoints:
	  - address: 198.51.100.12
	  - address: 198.51.100.13
	END
}

httpbin() {
	cat <<-'END'
	apiVersion: networking.istio.io/v1
	kind: ServiceEntry
	metadata:
	  name: httpbin
	  namespace: httpbin-ns
	spec:
	  hosts:
	  - httpbin.com
	  location: MESH_INTERNAL
	  ports:
	  - number: 80
	    name: http
	    protocol: HTTP
	  resolution: STATIC
	  endpoints:
	  - address: 198.51.100.12
	  - address: 198.51.100.13
	  subjectAltNames:
	  - "spiffe://cluster.local/ns/httpbin-ns/sa/httpbin-service-account"
	END
}

details() {
	local n
	for n in 1 2; do
		cat <<-END
		---
		apiVersion: networking.istio.io/v1
		kind: WorkloadEntry
		metadata:
		  name: details-vm-$n
		spec:
		  serviceAccount: details
		  address: 198.51.100.1$n
		  labels:
		    app: details
		    instance-id: vm$n
		END
	done
	cat <<-'END'
	---
	apiVersion: networking.istio.io/v1
	kind: ServiceEntry
	metadata:
	  name: details-svc
	spec:
	  hosts:
	  - details.bookinfo.com
	  location: MESH_INTERNAL
	  ports:
	  - number: 80
	    name: http
	    protocol: HTTP
	  resolution: STATIC
	  workloadSelector:
	    labels:
	      app: details
	END
}

# Who answers on any address that is nobody's, for 40 requests.
who() { # PORT
	spread 40 "http://203.0.113.77:$1/" | awk '{ print $2 }' | sort | paste -sd' '
}

lab_up
servers_up 1
gateway_up

example_static | apply
is "static endpoints: all three servers answer, on an address that nobody declared" "$(who 80)" "server1 server2 server3"
is "also on another address" "$(curl_ -o /dev/null -w '%{http_code}' http://192.0.2.200/ || true)" "000"
like "which is routed here" "$(curl_ http://203.0.113.201/)" "^server"
is "and not on another port" "$(net client tcp 203.0.113.77 8080)" refused

{ example_selector reviews; pod reviews-v1-1 reviews 198.51.100.12 True; pod ratings-1 ratings 198.51.100.11 True
	pod reviews-v2-1 reviews 198.51.100.13 False; } | apply
is "workload selector: the pod with the label that is ready" "$(who 80)" "server2"
pod reviews-v2-1 reviews 198.51.100.13 True | apply
is "and the other one when it is ready too" "$(who 80)" "server2 server3"
like "describe says where an endpoint comes from" "$(ctl describe serviceentry example-se -n gwtest)" "Pod gwtest/reviews-v1-1"

{ example_selector reviews-workloadentry; workload_entries; } | apply
is "WorkloadEntry: the one with an address" "$(who 80)" "server1"
like "on the port that it gives for http" "$(curl_ http://203.0.113.77/)" "^server1 port 8080 "

mongocluster | apply
is "a CIDR address: every address in it" \
	"$({ spread 20 http://203.0.113.1:27018/; spread 20 http://203.0.113.254:27018/; } | awk '{ print $2 }' | sort -u | paste -sd' ')" \
	"server2 server3"
is "and none outside of it" "$(net client tcp 198.51.100.77 27018)" refused

ctl delete -n gwtest ServiceEntry example-se >/dev/null
httpbin | apply
is "httpbin: HTTP without addresses, by port" "$(who 80)" "server2 server3"
ctl delete -n httpbin-ns ServiceEntry httpbin >/dev/null
details | apply
is "details: two workloads" "$(who 80)" "server1 server2"
books
smoke_done
