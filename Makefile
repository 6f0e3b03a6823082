# Fob: `make run` to try it, `make test` to check it, `make help` for the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help

BUILD   := build
PREFIX  ?= /usr/local
VERSION := $(shell sed -n 's/^Version = "\(.*\)"/\1/p' FyneApp.toml)
# One set of flags for every target: Fyne takes minutes to compile, and other flags would compile it again.
LDFLAGS := -s -w -X main.version=$(VERSION) -X fob/internal/cli.version=$(VERSION)
FOB     := CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BUILD)/fob ./cmd/fob
WINDOW  := go build -trimpath -tags migrated_fynedo -ldflags '$(LDFLAGS)' -o $(BUILD)/fob-app .

.PHONY: help run build test unit e2e check conformance stale fuzz bench keepassxc soak install uninstall clean man

help: ## what there is
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: ## build Fob and open it with the built-in demo; without a display, on a virtual one
	@dev/packages.sh build $$([ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" != Linux ] || echo desktop)
	@$(MAKE) --no-print-directory build
	@dev/run.sh

build: ## build/fob (command line, agent, tray) and build/fob-app (window)
	@mkdir -p $(BUILD)
	$(FOB)
	$(WINDOW)

test: ## everything: checks, unit tests, end to end; installs what it needs
	@dev/packages.sh build desktop e2e
	@$(MAKE) --no-print-directory check unit e2e stale

unit: ## unit tests alone; no C compiler, no display
	CGO_ENABLED=0 dev/gotest.sh unit -tags ci ./...

e2e: build ## end to end: real servers, a real browser, a real desktop
	dev/e2e.sh

check: ## gofmt, vet, staticcheck, races, other systems
	dev/check.sh

conformance: ## write docs/conformance.md again: requirements, the tests that hold them, results of the last make test
	CGO_ENABLED=0 go run ./dev/conformance write docs/conformance.md $(wildcard $(BUILD)/results/*.json)

stale: ## whether docs/conformance.md says what the sources say; runs no test
	CGO_ENABLED=0 go run ./dev/conformance check docs/conformance.md

fuzz: ## every fuzz target for FUZZTIME (60s) each; not part of the tests
	dev/fuzz.sh

bench: build ## measurements, with medians; not part of the tests
	dev/bench.sh

keepassxc: ## the keychain's tests with the real KeePassXC
	@dev/packages.sh build desktop keepassxc
	CGO_ENABLED=0 go test -tags 'ci e2e keepassxc' -count=1 -timeout 8m -run KeePassXC -v ./internal/keychain

soak: ## kill the agent 1,000 times during 10,000 refreshes (SOAK_KILLS, SOAK_REFRESHES, SOAK_MINUTES); half an hour or more
	dev/soak.sh

man: ## write the man pages and the reference of profile fields again
	go run ./internal/cli/mangen assets/man
	go run ./dev/profiledoc docs/profiles.md

install: build ## install under PREFIX (/usr/local)
	dev/install.sh $(DESTDIR)$(PREFIX)

uninstall: ## remove what install put there
	dev/install.sh --remove $(DESTDIR)$(PREFIX)

clean: ## remove build/
	rm -rf $(BUILD)
