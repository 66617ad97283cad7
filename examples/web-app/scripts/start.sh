#!/bin/sh
set -eu
touch /run/web-app.ready
