#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Take a picture of a waveform as GTKWave shows it, on a display of its own.
#
#   scripts/screenshot_waves.sh [PIPELINE [FILE.png]]     (default: naive docs/pictures/waves.png)
set -eu
cd "$(dirname "$0")/.."

pipeline=${1:-naive}
picture=${2:-docs/pictures/waves.png}
width=1600
height=1040

missing=
for need in gtkwave:gtkwave Xvfb:xvfb xdotool:xdotool import:imagemagick; do
    command -v "${need%%:*}" >/dev/null || missing="$missing ${need#*:}"
done
if [ -n "$missing" ]; then
    echo "missing programs; on Debian: apt-get install$missing" >&2
    exit 1
fi

make -s .venv/ready
.venv/bin/python scripts/waves.py "$pipeline" --out build/waves --size "$width" "$height"

scratch=$(mktemp -d)
viewer= server=
trap 'kill $viewer $server 2>/dev/null || true; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

# Not to be reset when its last client leaves: xdotool is one.
Xvfb -noreset -displayfd 3 -screen 0 "${width}x${height}x24" 3>"$scratch/display" 2>/dev/null &
server=$!
wait_for() {
    for _ in $(seq 100); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    echo "gave up waiting for: $*" >&2
    exit 1
}
wait_for test -s "$scratch/display"
DISPLAY=":$(cat "$scratch/display")"
export DISPLAY

# A home without settings, so that the picture is the same everywhere.
(cd build/waves && HOME=$scratch exec gtkwave --rcvar 'splash_disable 1' \
    --dump "$pipeline.vcd" --save "$pipeline.gtkw" >"$scratch/log" 2>&1) &
viewer=$!
wait_for xdotool search --onlyvisible --pid "$viewer"
sleep 2

mkdir -p "$(dirname "$picture")"
import -window root +dither -colors 128 -define png:compression-level=9 -strip "$picture"
echo "$picture"
