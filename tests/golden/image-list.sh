#!/bin/sh
# The calls of openstack in trace 0af7651916cd43dd8448eb211c80319c.
# Ids in it are those of the recording.
set -eu

ask() { curl --silent --show-error --globoff --path-as-is --proto '=http,https' "$@"; }

# (1) POST /identity/v3/auth/tokens: 201 CREATED /identity/v3/auth/tokens
OS_TOKEN=$(ask --dump-header - --output /dev/null \
    --request POST \
    --header 'Accept: application/json' \
    --header 'Content-Type: application/json' \
    --header 'User-Agent:' \
    --data-raw '{"auth": {"identity": {"methods": ["password"]}, "scope": {}}}' \
    --url http://192.0.2.1/identity/v3/auth/tokens |
    sed -n 's/^[Xx]-[Ss]ubject-[Tt]oken: *//p' | tr -d '\r')
: "${OS_TOKEN:?did not come with the answer}"

# (3) GET /v2/images: 200 OK /v2/images
ask --include \
    --request GET \
    --header 'X-Auth-Token: '"$OS_TOKEN" \
    --header 'Accept;' \
    --header 'User-Agent:' \
    --url 'http://192.0.2.1:9292/v2/images?limit=1'
echo
