#!/bin/sh
# Anything that would make the deployment fail later had better fail here, before a file is touched.
set -eu
getent passwd www-data >/dev/null
