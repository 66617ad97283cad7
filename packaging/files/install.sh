#!/bin/sh
# Installs Slipway from its archive: ./install.sh, as root; ./install.sh --remove takes it away. Settings and data stay.
set -eu
# Whatever root's own is: everybody runs the program.
umask 022

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
if [ "$(id -u)" != 0 ]; then
  echo 'install.sh: only root can install to /usr; run it with sudo' >&2
  exit 1
fi
if command -v dpkg-query >/dev/null && dpkg-query --show slipway >/dev/null 2>&1; then
  echo 'install.sh: Slipway is installed as a Debian package here; use apt-get' >&2
  exit 1
fi
if command -v rpm >/dev/null && rpm --query slipway >/dev/null 2>&1; then
  echo 'install.sh: Slipway is installed as a package of RPM here; use dnf, zypper or rpm' >&2
  exit 1
fi

case ${1-} in
--remove)
  if [ -x /usr/lib/slipway/scripts/before-remove ]; then /usr/lib/slipway/scripts/before-remove; fi
  while IFS= read -r path; do rm -f "/$path"; done <"$here/files.txt"
  rm -rf /usr/lib/slipway
  if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
  echo 'removed; settings and data are kept'
  ;;
'')
  # Each beside what is there, then in its place: nothing that runs meanwhile finds half a file.
  while IFS= read -r path; do
    mkdir -p "/$(dirname -- "$path")"
    cp -a "$here/root/$path" "/$path.slipway-new"
    # Somebody else may have unpacked the archive, and must not own what root runs.
    chown -h 0:0 "/$path.slipway-new"
    mv -fT "/$path.slipway-new" "/$path"
  done <"$here/files.txt"
  /usr/lib/slipway/scripts/after-install
  echo "installed: $(/usr/bin/slipway --version)"
  ;;
*)
  echo 'usage: ./install.sh [--remove]' >&2
  exit 2
  ;;
esac
