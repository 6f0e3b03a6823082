#!/bin/bash
# Runs the tests that need more than Go: real keychain daemons, a real browser, an authorization server nobody here wrote, and the
# built programs on private desktops (dev/desktop.sh). `make e2e` builds the programs first. Arguments go to `go test` of ./e2e,
# for example: dev/e2e.sh -run TestWindow -v
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf 'fob: e2e: %s\n' "$*"; }
export FOB_BIN=${FOB_BIN:-$PWD/build} CGO_ENABLED=0

for program in fob fob-app; do
  [ -x "$FOB_BIN/$program" ] || { say "$FOB_BIN/$program is missing: run make build" >&2; exit 1; }
done

packages() { # packages DIR: installs what its package-lock.json says, unless that is there already
  cmp -s "$1/package-lock.json" "$1/node_modules/installed-lock.json" && return
  say "installing the npm packages of $1"
  (cd "$1" && npm ci --silent)
  cp "$1/package-lock.json" "$1/node_modules/installed-lock.json"
}
packages e2e
packages e2e/importers
# playwright-core wants Node.js 20, and Debian 12 has 18.
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  packages e2e/node
  FOB_E2E_NODE=$(ls "$PWD"/e2e/node/node_modules/node-linux-*/bin/node)
  export FOB_E2E_NODE
fi

tests() { # tests TAGS: each package with its test files
  go list -tags "$1" -f '{{.ImportPath}} {{.TestGoFiles}} {{.XTestGoFiles}}' ./... | sort
}
# The packages that the tag e2e adds tests to: what they have beside runs in `make unit`, and runs here again.
readarray -t with < <(comm -13 <(tests ci) <(tests 'ci e2e') | cut -d' ' -f1 | grep -v '/e2e$')
say "keychains, desktops and browsers: ${with[*]}"
dev/gotest.sh e2e-packages -tags 'ci e2e' -count=1 -timeout 4m "${with[@]}"
say "Fob from outside; pictures are left in build/e2e"
mkdir -p build/e2e
# Most of a test's time is waiting: for tokens to end, browsers to start.
dev/gotest.sh "$([ $# = 0 ] && echo e2e || echo e2e-part)" -tags 'ci e2e' -count=1 -timeout 8m -parallel 4 "$@" ./e2e
