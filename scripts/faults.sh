#!/usr/bin/env bash
# Runs the long tests, which take hours; make test runs the short form.
# First it searches the models of internal/model with larger bounds, which takes minutes
# and three gigabytes of memory. Then it repeats the attacks of
# internal/integration/proofs. Then it kills, freezes, disconnects and empties servers
# while tokens are revoked and checked. SOAK=10m adds random faults for that time.
set -euo pipefail
cd "$(dirname "$0")/.."
MODEL=large go test -count=1 -timeout 1h -v ./internal/model/...
FAULTS=long go test -count=1 -timeout 1h -v ./internal/integration/proofs
cd internal/integration/faults
FAULTS=long go test -count=1 -timeout 0 -v ./...
