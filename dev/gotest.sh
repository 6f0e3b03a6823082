#!/bin/bash
# Runs `go test ARGS`, prints what it always prints, and keeps the results in build/results/NAME.json for `make conformance`.
#   dev/gotest.sh NAME ARGS…
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1; shift
mkdir -p build/results
# Built first: what tells the results must not be compiled while the tests run against the clock.
CGO_ENABLED=0 go build -o build/conformance ./dev/conformance
verbose=
case " $* " in *" -v "*) verbose=-v;; esac
go test -json "$@" 2>&1 | tee build/results/"$name".json | build/conformance tell $verbose
