#!/usr/bin/env bash
# Prints the folder of every module of this repository, the root first.
set -euo pipefail
cd "$(dirname "$0")/.."
find . -name go.mod -not -path '*/testdata/*' -not -path './.cache/*' -printf '%h\n' | sort
