#!/bin/sh
set -eu
echo "installed:"
ls /srv/hello-site
