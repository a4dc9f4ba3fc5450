#!/usr/bin/env bash
# Runs a command in the folder of every module. Stops at the first failure.
set -euo pipefail
cd "$(dirname "$0")/.."
for dir in $(scripts/modules.sh); do
	echo "-- $dir: $*"
	(cd "$dir" && "$@")
done
