#!/bin/bash
# Soaks the agent: kills it while its tokens rotate, with the disk full, with the keychain daemon gone (see dev/soak). SOAK_REFRESHES,
# SOAK_KILLS, SOAK_MINUTES, SOAK_CLIENTS and SOAK_SEED say how much; the figures are left in build/soak/report.json.
set -euo pipefail
cd "$(dirname "$0")/.."
dev/packages.sh build desktop
mkdir -p build/soak
export CGO_ENABLED=0
go build -trimpath -o build/soak/soak ./dev/soak
# The tag lets FOB_KILL_AT end the program at a named step; the program that is shipped has no such thing.
go build -trimpath -tags soak -o build/soak/fob ./cmd/fob
# A small disk of one's own needs no privilege in a user namespace.
within=()
[ "$(id -u)" = 0 ] || within=(unshare --map-root-user --mount)
exec "${within[@]}" build/soak/soak build/soak/fob
