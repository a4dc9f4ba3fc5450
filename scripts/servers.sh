#!/usr/bin/env bash
# Installs the servers that the integration tests talk to, where that is allowed:
# for root, or when CI=true. Elsewhere those tests skip, and say so.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${CI:-}" != true ] && [ "$(id -u)" != 0 ]; then
	echo "servers: not root and CI is not true, so nothing is installed; tests that find no server will skip"
	echo "servers: to install them: sudo scripts/install-servers.sh"
elif [ -x scripts/install-servers.sh ]; then
	scripts/install-servers.sh
fi
