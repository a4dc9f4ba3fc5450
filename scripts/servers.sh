#!/usr/bin/env bash
# Installs the servers that the integration tests start, where that is allowed: for
# root, or when CI=true. Elsewhere those tests skip, and say so. When CI=true a server
# that cannot be installed is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

root=
if [ "$(id -u)" != 0 ]; then
	if [ "${CI:-}" != true ]; then
		echo "servers: not root, so nothing is installed; tests that find no server will skip"
		echo "servers: to have them: sudo scripts/install-servers.sh"
		exit 0
	fi
	root="sudo -n"
fi
if ! $root scripts/install-servers.sh; then
	[ "${CI:-}" != true ] || exit 1
	echo "servers: not installed; tests that find no server will skip"
fi
