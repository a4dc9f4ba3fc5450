#!/usr/bin/env bash
# Installs what the integration tests start: servers, a browser, and the JWT libraries of
# other languages. They come from Debian's packages, and the JavaScript packages from npm.
# Changes nothing if all are present, and starts no service. With the argument "missing"
# it only prints what it would install.
set -euo pipefail
cd "$(dirname "$0")/.."

# A package, and a program or file that exists if the package is installed.
wanted=(
	"redis-server redis-server"
	"redis-sentinel redis-sentinel"
	"postgresql postgres"
	"mariadb-server mariadbd"
	"softhsm2 softhsm2-util"
	"pgbouncer pgbouncer"
	"nginx-light nginx"
	"chromium chromium"
	"python3-flask /usr/lib/python3/dist-packages/flask"
	"python3-python-flask-jwt-extended /usr/lib/python3/dist-packages/flask_jwt_extended"
	"python3-redis /usr/lib/python3/dist-packages/redis"
	"python3-jwt /usr/lib/python3/dist-packages/jwt"
	"ruby ruby"
	"ruby-jwt /usr/share/rubygems-integration/all/gems/jwt-*"
	"ruby-rbnacl /usr/lib/ruby/vendor_ruby/rbnacl.rb"
	"curl curl"
)
# The JavaScript packages, and the list that npm leaves of what it installed.
node=internal/integration/clients/node

# In Debian PostgreSQL's programs are not in the PATH.
present() {
	case $1 in
	/*) compgen -G "$1" >/dev/null && return ;;
	esac
	PATH="$PATH:/usr/sbin:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')" command -v "$1" >/dev/null
}

node_present() {
	[ "$node/node_modules/.package-lock.json" -nt "$node/package-lock.json" ]
}

missing=()
for line in "${wanted[@]}"; do
	read -r package program <<<"$line"
	present "$program" || missing+=("$package")
done
command -v npm >/dev/null || missing+=(npm)
if [ "${1:-}" = missing ]; then
	node_present || missing+=("$node")
	echo "${missing[*]:-}"
	exit 0
fi
# Installs the JavaScript packages; none of them runs a script of its own.
install_node() {
	node_present && return
	(cd "$node" && npm ci --silent && touch node_modules/.package-lock.json)
	echo "install-servers: installed $node/node_modules"
}
if [ ${#missing[@]} = 0 ]; then
	install_node
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
install_node
