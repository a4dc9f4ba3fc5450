#!/usr/bin/env bash
# Runs the benchmarks that compare the gate with other libraries, and the stores with
# their bare clients. Each comparison runs in one process. ROUNDS is the number of
# rounds; ONLY selects benchmarks by a part of their name.
set -euo pipefail
cd "$(dirname "$0")/.."
export ROUNDS="${ROUNDS:-100}"
for dir in internal/integration/bench internal/integration/storebench; do
	(cd "$dir" && go test -count=1 -timeout 2h -v .)
done
# Memory and lookup time of gatemem, compared with a bare table, a map and a sync.Map.
case revocation/memory in
*"${ONLY:-}"*)
	(cd stores/gatemem && GATE_BENCH_LARGE=1 go test -run '^$' -bench Blocked -benchtime "${ROUNDS}x" -timeout 1h .)
	;;
esac
