#!/bin/sh
set -eu
echo "$DEPLOYMENT_ID" > /srv/hello-site/.up
echo "the site is up"
