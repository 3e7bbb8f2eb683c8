#!/bin/sh
# The calls of openstack in trace 0af7651916cd43dd8448eb211c80319c.
# Ids in it are those of the recording.
set -eu

ask() { curl --silent --show-error --globoff --path-as-is --proto '=http,https' "$@"; }

: "${OS_TOKEN:?is not in the recording: a token of message 1}"

# (1) POST /compute/v2.1/a;b#c/end: 500 Internal Server Error None
# A header that would not stay one was left out.
ask --include \
    --request POST \
    --header 'Cookie: '"$OS_TOKEN" \
    --header 'Accept:' \
    --header 'User-Agent:' \
    --header 'Content-Type:' \
    --data-raw '{"a": 1.00, "a": [1e400, 12345678901234567890], "b": "\u00e9\/", "c": {}, "d": [ ]}' \
    --url 'http://192.0.2.1/compute/v2.1/a;b#c/end'
echo

# (7) DELETE /: no answer
ask --include \
    --request DELETE \
    --header 'Accept:' \
    --header 'User-Agent:' \
    --url http://192.0.2.1/
echo
