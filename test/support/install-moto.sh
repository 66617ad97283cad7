#!/bin/sh
# Installs moto, the emulator of AWS that tests of SNS, CloudWatch and EC2 talk to, into a cache outside of the repository.
# Tests that need it are listed as not run where it is missing. Running this again costs nothing.
set -eu
version=5.2.5
folder="${XDG_CACHE_HOME:-$HOME/.cache}/slipway-tests/moto"
[ "$(cat "$folder/installed" 2>/dev/null)" = "$version" ] && exit 0
rm -rf "$folder"
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check "moto[server]==$version"
# Written last: an installation that was cut off has none.
echo "$version" >"$folder/installed"
