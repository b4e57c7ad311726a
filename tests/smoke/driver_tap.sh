#!/bin/bash
# The basic test over net_tap, bridged to the cables.
set -euo pipefail
export DRIVER=tap
# shellcheck source=tests/smoke/_basic.sh
. "$(dirname "$0")/_basic.sh"
basic
smoke_done
