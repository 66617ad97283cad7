#!/bin/sh
# Installs ministack, an emulator of AWS whose functions of Lambda really run, into a cache outside of the repository.
# Scenarios that need it are named as not run where it is missing. Running this again costs nothing.
set -eu
version=1.5.33
folder="${XDG_CACHE_HOME:-$HOME/.cache}/slipway-tests/ministack"
[ "$(cat "$folder/installed" 2>/dev/null)" = "$version" ] && exit 0
rm -rf "$folder"
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check "ministack==$version"
# Written last: an installation that was cut off has none.
echo "$version" >"$folder/installed"
