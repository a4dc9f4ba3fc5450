#!/usr/bin/env bash
# Runs every fuzz target of the root module for FUZZTIME each.
set -euo pipefail
cd "$(dirname "$0")/.."
fuzztime=${FUZZTIME:-30s}
count=0
while read -r dir; do
	targets=$(grep -ho '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go 2>/dev/null | sed 's/^func //' || true)
	for target in $targets; do
		echo "-- .${dir#"$PWD"}: $target for $fuzztime"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$fuzztime" "$dir"
		count=$((count + 1))
	done
done < <(go list -f '{{.Dir}}' ./...)
if [ "$count" = 0 ]; then
	echo "fuzz: found no target" >&2
	exit 1
fi
echo "fuzz: $count targets, $fuzztime each, nothing found"
