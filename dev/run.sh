#!/bin/bash
# Opens the Fob just built with its built-in demo: on this desktop, or on a virtual one where there is no display.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(uname)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  echo "fob: there is no display here: taking a tour on a virtual one"
  mkdir -p build/run
  exec dev/desktop.sh --size 1280x800 -- dev/tour.sh build/run
fi
# An agent of an earlier build would answer in place of the new one. Its logins are in the keychain and stay.
build/fob --no-start stop >/dev/null 2>&1 || true
if ! build/fob demo >/dev/null; then
  build/fob doctor >&2 || true
  exit 1
fi
exec build/fob-app --profile Demo
