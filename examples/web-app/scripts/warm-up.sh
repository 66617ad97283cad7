#!/bin/sh
set -eu
echo "warming up as $(id -un) for $APPLICATION_NAME"
