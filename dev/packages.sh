#!/bin/bash
# Installs what is missing to build Fob (build), to run it without a display (desktop) and to test it end to end (e2e), from the
# system's package manager and nowhere else. Asks before it uses sudo; says nothing when nothing is missing.
#   dev/packages.sh build [desktop] [e2e]
set -euo pipefail

system() {
  case $(uname -s) in Darwin) echo macos; return;; esac
  . /etc/os-release
  case " $ID ${ID_LIKE:-} " in
    *" debian "*|*" ubuntu "*) echo debian;;
    *" fedora "*|*" rhel "*) echo fedora;;
    *" arch "*) echo arch;;
    *" alpine "*) echo alpine;;
    *) echo unknown;;
  esac
}
SYSTEM=$(system)

# What each purpose needs, by system. Names differ; the things are: a C compiler and the headers of GL, X11, Wayland and
# xkbcommon for Fyne; a virtual X server with window manager, panel, notification and keychain daemons; a browser and Node.
packages() {
  case $SYSTEM-$1 in
    debian-build) echo gcc libc6-dev make pkgconf ca-certificates libgl-dev libxcursor-dev libxi-dev libxinerama-dev libxrandr-dev libxxf86vm-dev libwayland-dev libxkbcommon-dev libegl-dev;;
    debian-desktop) echo xvfb dbus libgl1-mesa-dri openbox xfce4-panel xfconf dunst gnome-keyring libglib2.0-bin xdotool xclip imagemagick x11-utils x11-xserver-utils wmctrl fonts-dejavu-core curl chromium librsvg2-common;;
    debian-e2e) echo python3-requests python3-pip skopeo openssh-server openssh-client wget git desktop-file-utils bash-completion zsh fish httpie python3-oauthlib age; command -v npm >/dev/null || echo nodejs npm; command -v kubectl >/dev/null || echo kubernetes-client;;
    *-keepassxc) echo keepassxc;;
    fedora-build) echo gcc make pkgconf mesa-libGL-devel mesa-libEGL-devel libXcursor-devel libXi-devel libXinerama-devel libXrandr-devel libXxf86vm-devel wayland-devel libxkbcommon-devel;;
    fedora-desktop) echo xorg-x11-server-Xvfb dbus-daemon mesa-dri-drivers openbox xfce4-panel xfconf dunst gnome-keyring glib2 xdotool xclip ImageMagick xorg-x11-utils xset wmctrl dejavu-sans-fonts curl chromium;;
    fedora-e2e) echo python3-requests python3-pip skopeo openssh-server openssh-clients wget git desktop-file-utils bash-completion zsh fish httpie age /usr/bin/script python3-oauthlib python3-cryptography python3-jwt nodejs npm; command -v kubectl >/dev/null || echo kubernetes-client;;
    arch-build) echo gcc make pkgconf libglvnd libxcursor libxi libxinerama libxrandr libxxf86vm wayland libxkbcommon;;
    arch-desktop) echo xorg-server-xvfb dbus mesa openbox xfce4-panel xfconf dunst gnome-keyring glib2 xdotool xclip imagemagick xorg-xprop xorg-xsetroot wmctrl ttf-dejavu curl chromium;;
    arch-e2e) echo python-requests python-pip kubectl skopeo openssh wget git desktop-file-utils bash-completion zsh fish httpie age python-oauthlib python-cryptography python-pyjwt nodejs npm;;
    alpine-build) echo gcc musl-dev make pkgconf bash mesa-dev libxcursor-dev libxi-dev libxinerama-dev libxrandr-dev libxxf86vm-dev wayland-dev libxkbcommon-dev linux-headers;;
    alpine-desktop) echo xvfb dbus mesa-dri-gallium openbox xfce4-panel xfconf dunst gnome-keyring glib xdotool xclip imagemagick xprop xsetroot wmctrl font-dejavu curl chromium;;
    alpine-e2e) echo py3-requests py3-pip kubectl skopeo openssh wget git desktop-file-utils bash-completion zsh fish httpie age util-linux-misc py3-oauthlib py3-cryptography py3-jwt nodejs npm;;
    macos-*) ;;
    *) echo "fob: this system is not one whose packages are known here; see docs/building.md for what is needed" >&2;;
  esac
}

installed() {
  case $SYSTEM in
    debian) dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed';;
    fedora) rpm -q --whatprovides "$1" >/dev/null 2>&1;;
    arch) pacman -Qq "$1" >/dev/null 2>&1;;
    alpine) apk info -e "$1" >/dev/null 2>&1;;
  esac
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; return; fi
  command -v sudo >/dev/null || { echo "fob: needs root: $*" >&2; exit 1; }
  if [ "${ASKED:-}" != 1 ]; then
    if [ ! -t 0 ]; then echo "fob: these packages are missing; install them and try again: $*" >&2; exit 1; fi
    read -r -p "fob: may sudo run: $* ? [y/N] " answer
    case $answer in [yY]*) ASKED=1;; *) echo "fob: nothing was installed" >&2; exit 1;; esac
  fi
  sudo "$@"
}

install() {
  echo "fob: installing $*" >&2
  case $SYSTEM in
    debian)
      as_root apt-get update -qq >/dev/null
      as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null;;
    fedora) as_root dnf install -y -q "$@";;
    arch) as_root pacman -S --needed --noconfirm -q "$@";;
    alpine) as_root apk add -q "$@";;
  esac
}

go_usable() {
  command -v go >/dev/null || return 1
  # From 1.21 on, Go fetches the version that go.mod names through the module proxy by itself.
  local v; v=$(go env GOVERSION 2>/dev/null | sed 's/^go1\.//; s/[^0-9].*//')
  [ "${v:-0}" -ge 21 ]
}

[ -d /usr/local/go/bin ] && PATH=$PATH:/usr/local/go/bin
missing=()
for purpose in "$@"; do
  for p in $(packages "$purpose"); do installed "$p" || missing+=("$p"); done
done
if ! go_usable; then
  case $SYSTEM in
    debian) missing+=(golang-go);; fedora) missing+=(golang);; arch|alpine) missing+=(go);;
    macos) command -v brew >/dev/null && brew install -q go;;
  esac
fi
[ ${#missing[@]} = 0 ] || install "${missing[@]}"
if [ "$SYSTEM" = macos ] && ! xcode-select -p >/dev/null 2>&1; then
  echo "fob: the command line tools are missing; run: xcode-select --install" >&2; exit 1
fi
if ! go_usable; then
  echo "fob: Go 1.21 or later is needed, and this system's packages have none; on Debian 12 take golang from bookworm-backports" >&2
  exit 1
fi
