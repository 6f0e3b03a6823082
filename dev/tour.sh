#!/bin/bash
# A tour of the real thing on the virtual desktop that dev/desktop.sh makes: opens the window, clicks "Log in", signs in to the
# demo server in Chromium, calls its API with the token, and leaves a picture of each step in the directory given.
set -euo pipefail
OUT=$(realpath "$1")
BIN=$(cd "$(dirname "$0")/.." && pwd)/build
say() { printf 'fob: %s\n' "$*"; }
shot() { import -window root "$OUT/$1.png"; say "picture: build/run/$1.png"; }
rm -f "$OUT"/*.png

window() { # window TITLE: waits until a window of that title is shown, and prints its id
  local id n=0
  until id=$(xdotool search --onlyvisible --name "$1" 2>/dev/null | tail -1) && [ -n "$id" ]; do
    n=$((n+1)); [ $n -lt 400 ] || { say "no window \"$1\" came" >&2; import -window root "$OUT/failed.png"; "$BIN/fob" status >&2; exit 1; }
    read -rt 0.05 <> <(:) || true
  done
  echo "$id"
}
settled() { # waits until two pictures of the screen in a row are the same
  local before="" now n=0
  until now=$(import -window root rgb:- | md5sum); [ "$now" = "$before" ] || [ $n -gt 40 ]; do before=$now; n=$((n+1)); read -rt 0.15 <> <(:) || true; done
}

# This desktop's browser: the system's Chromium with a profile of its own. Root may not use its sandbox.
mkdir -p "$HOME/browser"
cat > "$HOME/browser/xdg-open" <<EOF
#!/bin/sh
exec $(command -v chromium || command -v chromium-browser || command -v google-chrome) $([ "$(id -u)" = 0 ] && echo --no-sandbox) --user-data-dir="$HOME/browser/profile" --no-first-run \\
  --disable-gpu --disable-background-networking --disable-component-update --disable-sync --disable-quic --test-type \\
  --window-size=900,720 --window-position=190,30 "\$1" >/dev/null 2>&1
EOF
chmod +x "$HOME/browser/xdg-open"
export PATH="$HOME/browser:$PATH"

say "starting the agent with the demo server"
"$BIN/fob" demo
say "opening the window"
"$BIN/fob-app" --profile Demo &
APP=$!
fob=$(window '^Fob')
xdotool windowactivate --sync "$fob"
settled; shot 1-logged-out

say "logging in: Enter is the window's primary action"
xdotool key --window "$fob" Return
login=$(window 'Fob demo server')
settled; shot 2-login-page
say "signing in as the first demo account"
xdotool windowactivate --sync "$login" key --delay 120 Tab Return
window 'Allow' >/dev/null
settled; shot 3-consent
xdotool key --delay 120 Tab Return
window '· Fob ' >/dev/null
settled; shot 4-back
"$BIN/fob" status Demo
xdotool windowactivate --sync "$fob"
settled; shot 5-logged-in

say "calling the demo API with the token:"
API=$("$BIN/fob" profile show Demo --json | sed -n 's/.*"api_base_url": *"\([^"]*\)".*/\1/p')
"$BIN/fob" header Demo | curl -sS -H @- "$API"; echo

say "copying the token with Ctrl+C"
xdotool key --window "$fob" ctrl+c
settled; shot 6-copied
if [ "$(xclip -selection clipboard -o)" = "$("$BIN/fob" token Demo)" ]; then say "the clipboard holds the token"; else say "the clipboard does not hold the token" >&2; exit 1; fi

kill $APP; wait $APP 2>/dev/null || true
say "restarting the agent: the login is in the keychain"
"$BIN/fob" stop; "$BIN/fob" status Demo
"$BIN/fob" stop
say "done; the pictures are in build/run/"
