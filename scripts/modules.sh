#!/usr/bin/env bash
# Prints the folder of every module of this repository, the root first. With the
# argument "public" it prints only the modules that other projects can use.
set -euo pipefail
cd "$(dirname "$0")/.."
find . -name go.mod -not -path '*/testdata/*' -not -path './.cache/*' -not -path '*/node_modules/*' |
	sed 's#/go\.mod$##' | sort |
	if [ "${1:-}" = public ]; then grep -Ev '^\./(internal|examples)/'; else cat; fi
