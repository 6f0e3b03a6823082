#!/bin/sh
# Draws every picture of Fob from assets/src. The results are committed, so that building Fob needs none of this.
# Debian: librsvg2-bin (rsvg-convert), icoutils (icotool).
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ico NAME SIZE...: one Windows icon from $work/SIZE.png
ico() {
	name=$1; shift
	files=
	for size; do files="$files $work/$size.png"; done
	icotool --create --output="$name" $files
}

mkdir -p app tray
for size in 512 256 128 64 48 32 16; do
	rsvg-convert --width=$size --height=$size --output="app/$size.png" src/app.svg
	cp "app/$size.png" "$work/$size.png"
done
rsvg-convert --width=24 --height=24 --output="$work/24.png" src/app.svg
ico app/fob.ico 16 24 32 48 64 256
cp src/app.svg app/app.fob.Fob.svg

# tray STATE BODY BADGE CUT PLACE: the icon of one state for each panel
tray() {
	for panel in light dark any; do
		case $panel in
		light) ink='#24292f' edge=none edgewidth=0 hollowedge=0 slashedge=0 ;;
		dark) ink='#f6f8fa' edge=none edgewidth=0 hollowedge=0 slashedge=0 ;;
		any) ink='#ffffff' edge='#24292f' edgewidth=4 hollowedge=6.4 slashedge=8.4 ;;
		esac
		{
			while IFS= read -r line; do
				case $line in
				*@CUT@*) [ -z "$4" ] || cat "src/$4" ;;
				*@BADGE@*) [ -z "$3" ] || cat "src/$3" ;;
				*@BODY@*) printf '%s' "${line%%@BODY@*}"; cat "src/$2"; printf '%s\n' "${line#*@BODY@}" ;;
				*) printf '%s\n' "$line" ;;
				esac
			done <src/tray.svg
		} | sed -e "s/@PLACE@/$5/; s/@INK@/$ink/g; s/@EDGE@/$edge/g; s/@EDGEWIDTH@/$edgewidth/g" \
			-e "s/@HOLLOWEDGE@/$hollowedge/g; s/@SLASHEDGE@/$slashedge/g; s/@DOTEDGE@/$edgewidth/g" >"$work/tray.svg"
		for size in 16 20 22 24 32 44 48; do
			rsvg-convert --width=$size --height=$size --output="$work/$size.png" "$work/tray.svg"
		done
		for size in 22 24 44 48; do cp "$work/$size.png" "tray/$1-$panel-$size.png"; done
		ico "tray/$1-$panel.ico" 16 20 24 32 48
	done
}

tray none body-hollow.svg '' '' ''
tray well body-solid.svg badge-check.svg cut-disc.svg 'translate(-4 0) '
tray expiring body-solid.svg badge-clock.svg cut-disc.svg 'translate(-4 0) '
tray login body-solid.svg badge-alert.svg cut-alert.svg 'translate(-4 0) '
tray offline body-solid.svg badge-slash.svg cut-slash.svg ''
