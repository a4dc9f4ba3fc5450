#!/usr/bin/env bash
# Prints the statement coverage of the packages gate and keys, and fails when a
# statement is not covered.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=$(mktemp)
trap 'rm -f "$profile"' EXIT
go test -coverpkg=.,./keys -coverprofile="$profile" . ./keys >/dev/null
report=$(go tool cover -func="$profile")
total=$(awk '$1 == "total:" { print $NF }' <<<"$report")
echo "cover: $total of the statements in gate and keys"
if [ "$total" != 100.0% ]; then
	awk '$NF != "100.0%"' <<<"$report"
	exit 1
fi
