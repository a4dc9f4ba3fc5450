#!/usr/bin/env bash
# Installs the servers that the integration tests start, from Debian's packages. Changes
# nothing if all are present, and starts no service. With the argument "missing" it only
# prints the packages that it would install.
set -euo pipefail

# A package, and a program that exists if the package is installed.
wanted=(
	"redis-server redis-server"
	"redis-sentinel redis-sentinel"
	"postgresql postgres"
	"mariadb-server mariadbd"
	"softhsm2 softhsm2-util"
	"pgbouncer pgbouncer"
)

# In Debian PostgreSQL's programs are not in the PATH.
present() {
	PATH="$PATH:/usr/sbin:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')" command -v "$1" >/dev/null
}

missing=()
for line in "${wanted[@]}"; do
	read -r package program <<<"$line"
	present "$program" || missing+=("$package")
done
if [ "${1:-}" = missing ]; then
	echo "${missing[*]:-}"
	exit 0
fi
if [ ${#missing[@]} = 0 ]; then
	echo "install-servers: all present"
	exit 0
fi
if [ "$(id -u)" != 0 ]; then
	echo "install-servers: missing: ${missing[*]}; run this as root, or install them yourself" >&2
	exit 1
fi
if ! command -v apt-get >/dev/null; then
	echo "install-servers: missing: ${missing[*]}; no apt-get here, install them yourself" >&2
	exit 1
fi

# Debian starts the service of an installed package, unless this file forbids it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q --no-install-recommends "${missing[@]}"
for line in "${wanted[@]}"; do
	read -r package program <<<"$line"
	present "$program" || { echo "install-servers: $package is installed, but $program is not found" >&2; exit 1; }
done
echo "install-servers: installed ${missing[*]}"
