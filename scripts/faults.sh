#!/usr/bin/env bash
# The long form of the fault tests: servers killed, frozen, cut off and emptied while
# tokens are revoked and checked. Hours; make test has the short form. SOAK=10m adds
# random faults for that long. Before that, the models of internal/model in their
# larger bounds: some minutes, and three gigabytes of memory; then the attacks of
# internal/integration/proofs, more often.
set -euo pipefail
cd "$(dirname "$0")/.."
MODEL=large go test -count=1 -timeout 1h -v ./internal/model/...
FAULTS=long go test -count=1 -timeout 1h -v ./internal/integration/proofs
cd internal/integration/faults
FAULTS=long go test -count=1 -timeout 0 -v ./...
