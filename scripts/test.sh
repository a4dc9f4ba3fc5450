#!/usr/bin/env bash
# Runs the tests of every module. The root module and the stores, where goroutines share
# memory, run with the race detector. The other modules run without it, because it would
# slow down much third-party code.
set -euo pipefail
cd "$(dirname "$0")/.."

race=-race
if ! command -v "$(go env CC)" >/dev/null; then
	echo "test: no C compiler, so no race detector; install gcc to have it"
	race=
fi

failed=()
for dir in $(scripts/modules.sh); do
	case $dir in
	. | ./stores/*) flags=$race ;;
	*) flags= ;;
	esac
	echo "-- $dir: go test $flags ./..."
	# shellcheck disable=SC2086 # no flag is no argument
	(cd "$dir" && go test $flags -timeout 20m ./...) || failed+=("$dir")
done
if [ ${#failed[@]} != 0 ]; then
	echo "test: failed in ${failed[*]}"
	exit 1
fi
