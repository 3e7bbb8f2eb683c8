"""Names of few values for paths of many."""

from __future__ import annotations

import pytest

from otel_openstack.route import route, routed

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
        (f"/sdb1/512/AUTH_{HEX}/glance/{UUID}", "/sdb1/{id}/{account}/{container}/{object}"),
        ("/v2/images/cirros", "/v2/images/{image_id}"),
        ("/v2/schemas/images", "/v2/schemas/images"),
        ("/networking/v2.0/networks/n1", "/networking/v2.0/networks/{network_id}"),
        (f"/v2.0/qos/policies/{UUID}/rules", "/v2.0/qos/policies/{policy_id}/rules"),
        ("/v2.1/servers/detail", "/v2.1/servers/detail"),
        (f"/v3/{HEX}/volumes/nope/action", "/v3/{project_id}/volumes/{volume_id}/action"),
        (f"/v1/{HEX}/stacks/s1/{UUID}", "/v1/{project_id}/stacks/{stack_id}/{id}"),
        ("/images/cirros", "/images/cirros"),
        (f"/{UUID}", "/{id}"),
        ("", ""),
        ("*", "*"),
    ],
)
def test_ids_are_left_out_of_a_route(path: str, expected: str) -> None:
    """One operation has one route, whatever it works on."""
    assert route(path) == expected


def _routes(**named: object) -> dict[str, object]:
    return {"wsgiorg.routing_args": ((), named)}


class _Flask:
    """What Werkzeug's request tells."""

    class url_rule:  # noqa: N801  # the name is Werkzeug's
        rule = "/v3/users/<string:user_id>/tags/<tag>"


@pytest.mark.parametrize(
    ("path", "environ", "expected"),
    [
        ("/v2.1/flavors/f1", _routes(id="f1", action="show", controller=object()), "/v2.1/flavors/{flavor_id}"),
        (f"/v3/{HEX}/types/nope", _routes(project_id=HEX, id="nope"), "/v3/{project_id}/types/{type_id}"),
        ("/traits/CUSTOM_X", _routes(name="CUSTOM_X"), "/traits/{name}"),
        ("/v2.1/servers/detail", _routes(action="detail"), "/v2.1/servers/detail"),
        ("/v1/s1/{id}/x", _routes(stack_name="s1", path="a/b"), "/v1/{stack_name}/{id}/x"),
        ("/identity/v3/users/u/tags/t", {"werkzeug.request": _Flask, "SCRIPT_NAME": "/identity"},
         "/identity/v3/users/{user_id}/tags/{tag}"),
        ("/v3/nobody", {"werkzeug.request": None}, "/v3/nobody"),
        ("/v1/anybody/c/o/p", {"swift.trans_id": "tx1"}, "/v1/{account}/{container}/{object}"),
        ("/info", {"swift.trans_id": "tx1"}, "/info"),
        ("/v1", {"swift.trans_id": "tx1"}, "/v1"),
        ("/v2/images/i", {"wsgiorg.routing_args": "nonsense"}, "/v2/images/{image_id}"),
        ("/v2/images/i", {"wsgiorg.routing_args": ((), None)}, "/v2/images/{image_id}"),
    ],
)  # fmt: skip
def test_the_services_own_router_knows_better(path: str, environ: dict[str, object], expected: str) -> None:
    """Where it has left what it found."""
    assert routed(path, environ) == expected
