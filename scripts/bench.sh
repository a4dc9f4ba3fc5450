#!/usr/bin/env bash
# Runs the benchmarks that compare, with everything side by side in one process:
# tokens and middleware beside other libraries, and stores beside their bare clients.
# ROUNDS says how often, ONLY picks bodies by a part of their name.
set -euo pipefail
cd "$(dirname "$0")/.."
export ROUNDS="${ROUNDS:-100}"
for dir in internal/integration/bench internal/integration/storebench; do
	(cd "$dir" && go test -count=1 -timeout 2h -v .)
done
# Memory and lookups of the store in memory, beside a bare table, a map and a sync.Map.
case revocation/memory in
*"${ONLY:-}"*)
	(cd stores/gatemem && GATE_BENCH_LARGE=1 go test -run '^$' -bench Blocked -benchtime "${ROUNDS}x" -timeout 1h .)
	;;
esac
