"""Names of few values for paths of many."""

from __future__ import annotations

import pytest

from otel_openstack.instrument.route import route

UUID = "c919ba3a-fbd6-409f-90ea-bede7c6e1595"
HEX = "33bc66c6a3314c56afac3b1ab263e17e"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("/identity/v3/auth/tokens", "/identity/v3/auth/tokens"),
        (f"/v2/images/{UUID}/file", "/v2/images/{image_id}/file"),
        (f"/v2/images/{UUID.upper()}", "/v2/images/{image_id}"),
        (f"/v3/users/{HEX}/projects", "/v3/users/{user_id}/projects"),
        (f"/v3/{HEX}/volumes/{UUID}", "/v3/{project_id}/volumes/{volume_id}"),
        ("/v2.1/flavors/42", "/v2.1/flavors/{flavor_id}"),
        (f"/v2.0/security-groups/{UUID}", "/v2.0/security-groups/{security_group_id}"),
        (f"/v2.0/policies/{UUID}", "/v2.0/policies/{policy_id}"),
        (f"/v1/AUTH_{HEX}", "/v1/{account}"),
        (f"/v1/AUTH_{HEX}/glance", "/v1/{account}/{container}"),
        (f"/v1/AUTH_{HEX}/glance/{UUID}-00001", "/v1/{account}/{container}/{object}"),
        (f"/v1/AUTH_{HEX}/c/a/b/c", "/v1/{account}/{container}/{object}"),
        ("/v2/images/img1", "/v2/images/img1"),
        (f"/{UUID}", "/{id}"),
        ("", ""),
        ("*", "*"),
    ],
)
def test_ids_are_left_out_of_a_route(path: str, expected: str) -> None:
    """One operation has one route, whatever it works on."""
    assert route(path) == expected
