#!/usr/bin/env bash
# Prints the statement coverage of the packages gate and keys. Fails if a statement is
# not covered.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if ! go test -coverpkg=.,./keys -coverprofile="$scratch/profile" . ./keys >"$scratch/log"; then
	cat "$scratch/log"
	exit 1
fi
report=$(go tool cover -func="$scratch/profile")
total=$(awk '$1 == "total:" { print $NF }' <<<"$report")
echo "cover: $total of the statements in gate and keys"
if [ "$total" != 100.0% ]; then
	awk '$NF != "100.0%"' <<<"$report"
	exit 1
fi
