#!/bin/sh
# The deployment succeeds on this host only if this script does.
set -eu
test -f /srv/hello-site/.up
grep -q "Hello from Slipway" /srv/hello-site/index.html
echo "the site says hello"
