#!/bin/bash
# The basic test over net_af_xdp (copy mode on veth).
set -euo pipefail
export DRIVER=af_xdp
# shellcheck source=tests/smoke/_basic.sh
. "$(dirname "$0")/_basic.sh"
/usr/bin/python3 -c 'import socket; socket.socket(44, socket.SOCK_RAW)' 2>/dev/null ||
	skip_all "this kernel has no AF_XDP"
basic
smoke_done
