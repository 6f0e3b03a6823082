#!/bin/bash
# Runs every fuzz target of the repository, FUZZTIME (60s) each, one after the other. What makes one fail is left in its package's
# testdata/fuzz, where `make unit` runs it from then on: commit it with the repair. Arguments are packages; all when there are none.
#   FUZZTIME=10s dev/fuzz.sh ./oauth
# KEEP=6 copies that many of the inputs that were found to reach new code there, too: small ones of different sizes, for a target
# that has none yet.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
[ $# != 0 ] || set -- ./...

keep() { # keep PACKAGE TARGET
  local to found n=${KEEP:-0}
  to=$(go list -tags ci -f '{{.Dir}}' "$1")/testdata/fuzz/$2
  found=$(go env GOCACHE)/fuzz/$1/$2
  [ "$n" != 0 ] && [ ! -e "$to" ] && [ -d "$found" ] || return 0
  mkdir -p "$to"
  find "$found" -type f -size -400c -printf '%s %f\n' | sort -n | cut -d' ' -f2 >"$to.list"
  local total; total=$(wc -l <"$to.list")
  for i in $(seq 1 "$n"); do
    cp "$found/$(sed -n "$(( (total - 1) * i / n + 1 ))p" "$to.list")" "$to/"
  done
  rm "$to.list"
}

listed=$(go test -tags ci -list '^Fuzz' "$@") # the names of a package, then "ok", the package, the time
names=() failed=()
while read -r first package _; do
  case $first in
    Fuzz*) names+=("$first");;
    ok)
      for name in ${names[@]+"${names[@]}"}; do
        printf 'fob: fuzz: %s %s\n' "$package" "$name"
        go test -tags ci -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-60s}" "$package" || failed+=("$package $name")
        keep "$package" "$name"
      done
      names=();;
  esac
done <<<"$listed"
[ ${#failed[@]} = 0 ] || { printf 'fob: fuzz: failed: %s\n' "${failed[@]}" >&2; exit 1; }
