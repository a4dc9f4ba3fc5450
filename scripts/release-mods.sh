#!/usr/bin/env bash
# Writes the go.mod files of a release. Each public module then requires this version of
# the other modules, and has no replace line, which go install would refuse. Use it for a
# commit that is tagged and not merged; docs/releasing.md has the steps.
set -euo pipefail
case ${1:-} in
v*.*.*) version=$1 ;;
*)
	echo "usage: scripts/release-mods.sh v1.2.3" >&2
	exit 2
	;;
esac
cd "$(dirname "$0")/.."
for dir in $(scripts/modules.sh public); do
	siblings=$(sed -nE 's#^(require)?[[:space:]]+(github\.com/jwtgate/gate[^[:space:]]*) v.*#\2#p' "$dir/go.mod")
	for sibling in $siblings; do
		(cd "$dir" && go mod edit -require="$sibling@$version" -dropreplace="$sibling")
		echo "$dir requires $sibling $version"
	done
done
