#!/bin/bash
# Runs every fuzz target of the repository, FUZZTIME (60s) each, one after the other. What makes one fail is left in its package's
# testdata/fuzz, where `make unit` runs it from then on: commit it with the repair. Arguments are packages; all when there are none.
#   FUZZTIME=10s dev/fuzz.sh ./oauth
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
[ $# != 0 ] || set -- ./...

listed=$(go test -tags ci -list '^Fuzz' "$@") # the names of a package, then "ok", the package, the time
names=() failed=()
while read -r first package _; do
  case $first in
    Fuzz*) names+=("$first");;
    ok)
      for name in ${names[@]+"${names[@]}"}; do
        printf 'fob: fuzz: %s %s\n' "$package" "$name"
        go test -tags ci -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-60s}" "$package" || failed+=("$package $name")
      done
      names=();;
  esac
done <<<"$listed"
[ ${#failed[@]} = 0 ] || { printf 'fob: fuzz: failed: %s\n' "${failed[@]}" >&2; exit 1; }
