#!/bin/bash
# The basic test over net_af_xdp (copy mode on veth).
set -euo pipefail
export DRIVER=af_xdp
# shellcheck source=tests/smoke/_basic.sh
. "$(dirname "$0")/_basic.sh"
basic
smoke_done
