#!/usr/bin/env bash
# Runs every fuzz target of the root module for FUZZTIME each.
set -euo pipefail
cd "$(dirname "$0")/.."
fuzztime=${FUZZTIME:-30s}
count=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# fuzz runs one target. The go command reports a run as failed when the time is up while
# an input is still being tried; such a run has written no failing input and passes.
fuzz() {
	if go test -run '^$' -fuzz "^$1\$" -fuzztime "$fuzztime" "$2" >"$log" 2>&1; then
		tail -n 2 "$log"
		return
	fi
	cat "$log"
	! grep -q 'Failing input written' "$log" && grep -q '^ *context deadline exceeded$' "$log"
}

while read -r dir; do
	targets=$(grep -ho '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go 2>/dev/null | sed 's/^func //' || true)
	for target in $targets; do
		echo "-- .${dir#"$PWD"}: $target for $fuzztime"
		fuzz "$target" "$dir"
		count=$((count + 1))
	done
done < <(go list -f '{{.Dir}}' ./...)
if [ "$count" = 0 ]; then
	echo "fuzz: found no target" >&2
	exit 1
fi
echo "fuzz: $count targets, $fuzztime each, nothing found"
