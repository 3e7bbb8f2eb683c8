"""The table of references beside the routers of the services themselves, where these can be read without a cloud."""

import re
import subprocess
from functools import cache

import pytest

from otel_openstack.render.references import operations
from tests.cloud.environment import prepare_apis
from tests.cloud.progress import Progress
from tests.render import routers

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(600)]

SERVICES = {
    "keystone": "identity",
    "glance": "image",
    "nova": "compute",
    "placement": "placement",
    "cinder": "block-storage",
}
# What the references describe although no router has it: others serve it, or it is written otherwise than it is asked
UNROUTED = {
    "GET /versions",  # of glance, and the next of nova: above their versions
    "GET /{api_version}",
    "GET /v3/{project_id}/snapshot/{snapshot_id}/metadata/{key}",
    "GET /v3/policies/{policy_id}/OS-ENDPOINT-POLICY/policy",
    "HEAD /v3/policies/{policy_id}/OS-ENDPOINT-POLICY/policy",
    "GET /v3/auth/OS-FEDERATION/identity_providers/{idp_id}/protocol/{protocol_id}/websso",
}
_VERSION = re.compile(r"^/v\d+(?:\.\d+)?(?=/|$)")
# {id}, {project_id:[0-9a-f]+}, <string:user_id>, :(id), :id
_PLACEHOLDER = re.compile(r"\{[^}]*\}|<[^>]*>|:\(\w+\)|(?<=/):\w+")


@cache
def routes(service: str) -> list[tuple[str, re.Pattern[str]]]:
    """Return the methods and paths of a router; what stands for a placeholder may be anything."""
    python = prepare_apis(Progress(quiet=True)).program("python")
    done = subprocess.run([python, routers.__file__, service], capture_output=True, text=True, check=True)
    lines = [line.partition(" ") for line in done.stdout.splitlines()]
    return [
        (method, re.compile("[^/]+".join(map(re.escape, _PLACEHOLDER.split(_VERSION.sub("", path).rstrip("/"))))))
        for method, _, path in lines
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_what_the_table_has_is_what_the_router_routes(service: str) -> None:
    """By method and path, whatever the placeholders are called."""
    known = routes(service)
    assert len(known) > 30
    missing = set()
    for method, path in operations(SERVICES[service]):
        below = _VERSION.sub("", path).rstrip("/")
        paths = {below, re.sub(r"^/\{\w*project_id\}", "", below)}
        if not any(had in (method, "*") and shape.fullmatch(one) for had, shape in known for one in paths):
            missing.add(f"{method} {path}")
    assert missing <= UNROUTED
