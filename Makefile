# Everything a developer runs. Needs Go, git, make and bash, with GNU or BSD tools; a C
# compiler adds the race detector, and the servers of scripts/install-servers.sh add the
# tests against them.

# Modules are built by themselves here, as their users get them; go.work is for
# editors and for go run.
export GOWORK := off

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
ROUNDS      ?= 100
FUZZTIME    ?= 30s

.PHONY: help test servers fmt build lint race next cover docs bench fuzz faults
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' Makefile

test: servers fmt build lint race next cover ## everything that must pass before a commit, in 30 minutes at most
	@echo "make test: all passed"

servers: ## as root: install the servers that tests start; SERVERS=no refuses
	@scripts/servers.sh

fmt: ## find files that gofmt would change
	@scripts/gofmt.sh

lint: ## go vet and staticcheck in every module
	@scripts/each.sh go vet ./...
	@scripts/each.sh go run $(STATICCHECK) ./...

race: ## the tests of every module, with the race detector where goroutines meet
	@scripts/test.sh

next: ## the tests of root and stores with the second Go release that is supported
	@scripts/next.sh

build: ## build every module
	@scripts/each.sh go build -o /dev/null ./...

cover: ## statement coverage of the packages gate and keys; must be 100 %
	@scripts/cover.sh

docs: ## render the documentation as a site that opens from disk, in bin/site
	@cd internal/site && go run . -o ../../bin/site

bench: ## compare with other libraries, side by side, in ROUNDS rounds (default 100)
	@ROUNDS=$(ROUNDS) scripts/bench.sh

fuzz: ## fuzz every target for FUZZTIME (default 30s)
	@FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

faults: ## the long tests, hours: killed servers, cut wires, models in larger bounds
	@scripts/faults.sh
