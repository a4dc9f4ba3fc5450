#!/usr/bin/env bash
# Fails and prints the files that gofmt would change.
set -euo pipefail
cd "$(dirname "$0")/.."
unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
	printf 'gofmt -w these:\n%s\n' "$unformatted"
	exit 1
fi
