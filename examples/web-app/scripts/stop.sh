#!/bin/sh
# Runs from the revision that is on the host already: on a first deployment it does not run at all.
set -eu
rm -f /run/web-app.ready
echo "stopped for deployment $DEPLOYMENT_ID"
