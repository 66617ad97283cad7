#!/bin/sh
# The deployment succeeds on this host only if this script does.
set -eu
test -e /run/web-app.ready
/opt/web-app/bin/serve
