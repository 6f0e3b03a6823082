#!/bin/bash
# Measures the programs in build/ on a desktop of their own and prints medians. Takes about four minutes; `dev/bench.sh token proxy`
# measures these alone; `dev/bench.sh long` watches an agent with 10,000 logins for 40 minutes (BENCH_MINUTES, BENCH_PROFILES).
set -euo pipefail
cd "$(dirname "$0")/.."
dev/packages.sh build desktop
CGO_ENABLED=0 go build -trimpath -o build/bench ./dev/bench
printf 'fob: bench: %s, %s cores, %s\n' "$(go env GOOS GOARCH | paste -sd/)" "$(nproc)" "$(go version)"
[ "${1-}" != long ] || exec build/bench build long
CGO_ENABLED=0 go test -run "^$" -bench "CallbackToStored|Step" -benchtime 300x ./internal/session | grep ^Benchmark
exec dev/desktop.sh -- build/bench build "$@"
