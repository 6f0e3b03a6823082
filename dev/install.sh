#!/bin/bash
# Installs what `make build` left in build/ under PREFIX, or removes exactly those files again. `make install` and `make uninstall`
# call it with $(DESTDIR)$(PREFIX).
#   dev/install.sh [--remove] PREFIX
set -euo pipefail

REMOVE=
if [ "${1:-}" = --remove ]; then REMOVE=1; shift; fi
if [ $# != 1 ] || [ -z "$1" ] || [ "${1#-}" != "$1" ]; then echo "usage: dev/install.sh [--remove] PREFIX" >&2; exit 2; fi
PREFIX=$(realpath -m -- "$1" 2>/dev/null) || case $1 in /*) PREFIX=$1;; *) PREFIX=$PWD/$1;; esac # macOS has no realpath -m
cd "$(dirname "$0")/.."
APP=app.fob.Fob

# Every file, once: where it goes under PREFIX, and the commands that write it to standard output. Both ways walk this list.
files() {
  echo "bin/fob|755|cat build/fob"
  echo "bin/fob-app|755|cat build/fob-app"
  local page size helper
  # Names under which other programs look for their credential helpers; see fob credential.
  for helper in git-credential-fob docker-credential-fob cargo-credential-fob terraform-credentials-fob; do
    echo "bin/$helper|link|fob"
  done
  for page in assets/man/*.1; do
    echo "share/man/man1/$(basename "$page").gz|644|gzip -9nc $page" # n: no name and no time, the same bytes at each build
  done
  echo "share/bash-completion/completions/fob|644|build/fob completion bash"
  echo "share/zsh/site-functions/_fob|644|build/fob completion zsh"
  echo "share/fish/vendor_completions.d/fob.fish|644|build/fob completion fish"
  for size in 16 32 48 64 128 256 512; do
    echo "share/icons/hicolor/${size}x$size/apps/$APP.png|644|cat assets/app/$size.png"
  done
  echo "share/icons/hicolor/scalable/apps/$APP.svg|644|cat assets/app/$APP.svg"
  echo "share/applications/$APP.desktop|644|cat assets/$APP.desktop"
  echo "share/metainfo/$APP.metainfo.xml|644|cat assets/$APP.metainfo.xml"
  echo "share/doc/fob/copyright|644|cat LICENSE"
}

if [ "$REMOVE" ]; then
  files | while IFS='|' read -r path _ _; do
    rm -f -- "$PREFIX/$path"
    # Directories that are empty now, up to PREFIX; one that others use too is not and stays.
    (cd "$PREFIX" 2>/dev/null && rmdir -p -- "$(dirname "$path")" 2>/dev/null) || true
  done
  echo "fob: removed from $PREFIX; logins stay in the keychain, settings in your own directories (fob logout and fob profile remove end them)"
  exit
fi

for program in fob fob-app; do
  [ -x build/$program ] || { echo "fob: build/$program is missing; run make build" >&2; exit 1; }
done
files | while IFS='|' read -r path mode command; do
  mkdir -p -- "$PREFIX/$(dirname "$path")"
  if [ "$mode" = link ]; then
    ln -sfn -- "$command" "$PREFIX/$path"
    continue
  fi
  # A new file in its place: one that runs cannot be written to, and keeps its old content.
  $command > "$PREFIX/$path.new"
  chmod "$mode" "$PREFIX/$path.new"
  mv -f -- "$PREFIX/$path.new" "$PREFIX/$path"
done
touch "$PREFIX/share/icons/hicolor" # an icon cache that is older than its directory is not asked
echo "fob: installed under $PREFIX"
case :$PATH: in *:"$PREFIX/bin":*) ;; *) echo "fob: hint: $PREFIX/bin is not in PATH";; esac
