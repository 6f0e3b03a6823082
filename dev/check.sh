#!/bin/bash
# What must hold of the code as it stands: form, vet, static analysis, races, and that other systems' code compiles.
set -euo pipefail
cd "$(dirname "$0")/.."
STATICCHECK=honnef.co/go/tools/cmd/staticcheck@v0.8.2
step() { printf 'fob: check: %s\n' "$*"; }

step gofmt
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "$unformatted"; exit 1; }
step "vet, on every system that can be compiled from here"
PURE=$(go list ./... | grep -vE '^fob(/ui.*)?$')
CGO_ENABLED=0 go vet -tags ci ./...
CGO_ENABLED=0 go vet -tags 'ci e2e' ./...
CGO_ENABLED=0 GOOS=windows go vet $PURE
CGO_ENABLED=0 GOOS=darwin go vet $PURE
CGO_ENABLED=0 GOOS=windows go build -o /dev/null ./cmd/fob
step staticcheck
CGO_ENABLED=0 go run $STATICCHECK -tags 'ci e2e' -checks inherit,ST1000,ST1003,ST1016,ST1020,ST1021,ST1022 ./...
step "races"
go test -race -tags ci ./oauth/... ./loopback/... ./profiles/... ./internal/...
