#!/bin/sh
# Runs from the revision that is on the host already: on a first deployment it does not run at all.
set -eu
echo "taking the site down for deployment $DEPLOYMENT_ID"
rm -f /srv/hello-site/.up
