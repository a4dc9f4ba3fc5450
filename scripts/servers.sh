#!/usr/bin/env bash
# Installs what the integration tests start, if it runs as root or with
# CI=true. It says so first; SERVERS=no prevents it. Otherwise it prints the command that
# installs them, and tests without a server are skipped. With CI=true it fails if a
# server cannot be installed.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=$(scripts/install-servers.sh missing)
[ -n "$missing" ] || exit 0

skip() {
	echo "servers: not installed: $missing; the tests that need them skip"
	if command -v apt-get >/dev/null; then
		echo "servers: to have them: sudo scripts/install-servers.sh"
	elif command -v brew >/dev/null; then
		echo "servers: to have them: brew install redis postgresql mariadb softhsm nginx node"
	else
		echo "servers: to have them: install Redis, PostgreSQL, MariaDB, SoftHSM, nginx, Chromium and Node.js, with their programs in the PATH"
	fi
}

if [ "${SERVERS:-}" = no ]; then
	skip
	exit 0
fi
sudo=
if [ "$(id -u)" != 0 ]; then
	if [ "${CI:-}" != true ]; then
		skip
		exit 0
	fi
	sudo="sudo -n"
fi
echo "servers: installing with apt-get and npm: $missing (no service is started)"
echo "servers: to refuse: make test SERVERS=no"
if [ -t 0 ]; then
	echo "servers: in five seconds; Ctrl-C stops it"
	sleep 5
fi
if ! $sudo scripts/install-servers.sh; then
	[ "${CI:-}" != true ] || exit 1
	skip
fi
