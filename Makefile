# imapvigil. "make" alone lists what there is to make.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 10s
BENCH    ?= .
# SYSTEMD=no leaves out of make test what lives in a Debian of its own, booted or not, which takes
# root and a machine that lets it make namespaces.
SYSTEMD  ?= yes
# Debian packages for test-servers and test-systemd, beside those in .ci/packages.
servers   = debootstrap postfix dovecot-lmtpd notmuch
systemd   = debootstrap systemd-container iproute2 lintian ansible-core rpm cpio bash-completion zsh fish
booting   = $(filter-out no,$(SYSTEMD))
tool      = $(GO) tool -modfile=.tools/go.mod
# Of what fails 200 lines are printed. A test that hangs is ended after an hour: Go's ten minutes
# are too few for the longest ones on a machine that does other things too. "go test" vets too, a
# little, and with each set of flags all libraries again: "make vet" and "make lint" have done it.
gotest    = .ci/brief $(GO) test -timeout 1h -vet=off
# Where there is no race detector, all is compiled as packaging/build does it, and once.
compiled  = CGO_ENABLED=0 GOFLAGS='$(GOFLAGS) -trimpath'

.PHONY: help demo check quick test test-packages test-servers test-systemd without-systemd vet lint unit program trouble edits kills storm build packages bench soak fuzz format deadcode vendor clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## watch a server fail and recover, in under a minute, with nothing to install
	$(GO) run ./cmd/imapvigil demo

# One after the other, also under make -j: each fills the machine, and some look at the clock.
.NOTPARALLEL:

check: ## before each commit, in three minutes: vet, lint and the tests that need no server, container, root or real time
	@$(MAKE) --no-print-directory --keep-going vet lint quick

# Test files that begin with "//go:build !quick" are left out: their tests need a real server or
# another Debian package, the daemon as a process of its own, or minutes. No test is skipped: it is
# built, or not. Results are taken from Go's cache where nothing has changed.
quick:
	$(compiled) .ci/brief $(GO) test -tags quick ./...

# Tests that boot a Debian, or kill the daemon, wait most of the time: they run beside those that
# compute. Those that look at memory run alone, last.
test: ## everything that must pass: vet, lint and all tests; on Debian installs what they need; SYSTEMD=no boots nothing
	@failed=0; \
	.ci/beside vet -- test-packages || failed=1; \
	.ci/beside lint unit program -- $(if $(booting),test-systemd test-servers,without-systemd) kills || failed=1; \
	$(MAKE) --no-print-directory --keep-going edits storm || failed=1; \
	exit $$failed

test-packages: ## install the Debian packages that the tests need
	@.ci/packages $(if $(booting),$(servers) $(systemd))

vet: ## go vet
	$(compiled) $(GO) vet ./...

lint: ## golangci-lint with .golangci.yml
	$(compiled) $(tool) golangci-lint run

unit: ## the tests of all rooms under the race detector, none from the cache: they depend on real servers
	$(gotest) -race -count=1 $$($(GO) list ./... | grep -v /cmd/)

program: ## the tests of the program, likewise: the real daemon, real servers, and the clock
	$(gotest) -race -count=1 ./cmd/...

trouble: edits kills storm ## 1,000 edits, 10,000 reloads, 200 kills at random moments, 10,000 failures within a second

edits:
	$(compiled) $(gotest) -run 'TestThousandEdits|TestNothingGrows' -count=1 ./daemon

kills:
	$(compiled) $(gotest) -run TestKilledAtRandom -tags soak -count=1 ./cmd/imapvigil

storm:
	$(compiled) $(gotest) -run TestStorm -tags soak -count=1 ./cmd/imapvigil

test-servers: ## the probe against Dovecot 2.4, Cyrus and Courier, which each live in a Debian of their own, and mail through Postfix; needs root
	@.ci/packages $(servers)
	$(compiled) $(gotest) -count=1 -tags servers -run TestReal ./daemon/probe ./notifiers/email

test-systemd: packages ## the packages on booted Debian 12 and 13: installed, reloaded, killed, upgraded, removed, by hand and by Ansible; needs root
	@.ci/packages $(systemd)
	$(compiled) $(gotest) -count=1 -parallel 6 -tags systemd ./packaging

without-systemd:
	@echo "SYSTEMD=no: the packages were not tried on a booted Debian, nor the probe on Cyrus, Courier and Dovecot 2.4, nor mail through Postfix"

build: ## the program, as ./imapvigil
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o imapvigil ./cmd/imapvigil

packages: ## deb, rpm and apk for amd64 and arm64, in dist
	@GO=$(GO) packaging/build

bench: ## all benchmarks; BENCH=name for some
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

soak: test-packages ## an hour and a half of trouble: the daemon killed 2,000 times, 10,000 failures watched to their end, 10,000 courses of five nodes, 500 rounds of five machines and three servers with faults
	$(GO) test -run 'TestKilledAtRandom|TestStorm' -tags soak -count=1 -timeout 2h -v ./cmd/imapvigil -soak
	$(GO) test -run TestSimulation -count=1 -timeout 2h ./daemon/agree -rapid.checks=10000
	$(GO) test -run TestRealFaults -count=1 -timeout 3h -v ./daemon/cluster -real-rounds=500

fuzz: ## every fuzz target for FUZZTIME (10s)
	@grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | tr ':' ' ' | while read -r file _ target; do \
		echo "$$target in $$(dirname $$file)"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$(dirname $$file)" || exit 1; \
	done

format: ## gofumpt and sorted imports, in place
	$(tool) golangci-lint fmt

vendor: ## fetch the scripts of others that the status page serves, as their manifests name them; needs npm
	@daemon/web/pages/vendor

deadcode: ## functions that nothing reaches, tests included
	$(tool) deadcode -test -tags soak,systemd,servers ./...

clean: ## remove what make build made
	rm -rf imapvigil dist
