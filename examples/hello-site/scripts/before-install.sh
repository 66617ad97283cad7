#!/bin/sh
set -eu
echo "about to install $APPLICATION_NAME for group $DEPLOYMENT_GROUP_NAME"
