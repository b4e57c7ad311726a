# shellcheck shell=bash
# TAP for the lint scripts: each is `scripts/lint/NAME [BUILD-FOLDER]`, run anywhere in the tree.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
# Read by the scripts that source this.
# shellcheck disable=SC2034
build=${1:-build}
lint_cases=0
lint_failed=0
lint_tmp=$(mktemp -d)
trap 'rm -rf "$lint_tmp"' EXIT

ok() {
	lint_cases=$((lint_cases + 1))
	echo "ok $lint_cases - $1"
}

skip() {
	lint_cases=$((lint_cases + 1))
	echo "ok $lint_cases - $1 # SKIP $2"
}

not_ok() { # NAME, and what is wrong on standard input
	lint_cases=$((lint_cases + 1))
	lint_failed=$((lint_failed + 1))
	echo "not ok $lint_cases - $1"
	sed 's/^/# /'
}

# verdict NAME FILE: fails when FILE, which lists what is wrong, is not empty.
verdict() {
	if [ -s "$2" ]; then
		not_ok "$1" <"$2"
	else
		ok "$1"
	fi
}

lint_done() {
	echo "1..$lint_cases"
	[ $lint_failed -eq 0 ]
}

# Files of the tree, those not yet committed too, and nothing that git ignores.
files() { git ls-files -co --exclude-standard -- "$@" | while read -r f; do [ ! -f "$f" ] || echo "$f"; done; }

# The libraries, in layer order, as lib/meson.build declares them.
libraries() { sed -n "/^libs = \[/,/^\]/s/^  '\([a-z0-9]*\)'.*/\1/p" lib/meson.build; }
