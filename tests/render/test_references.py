"""Links to the API reference and to that of the client."""

from urllib.parse import urljoin

import pytest

from otel_openstack.render.references import api_reference, command_reference

ID = "3856e92b-6c1c-48d6-9308-186ad966da6f"


@pytest.mark.parametrize(
    ("callee", "request_line", "body", "page"),
    [
        ("keystone", "POST /identity/v3/auth/tokens", None, "identity/v3/#authentication-and-token-management"),
        ("keystone", "GET /v3/auth/tokens", None, "identity/v3/#validate-and-show-information-for-token"),
        ("glance-api", f"GET /v2/images/{ID}/file", None, "image/v2/#download-binary-image-data"),
        ("glance-api", "GET /image/v2/images", None, "image/v2/#list-images"),
        ("swift-proxy-server", "GET /v1/AUTH_x/glance/a/b", None, "object-store/#get-object-content-and-metadata"),
        ("nova-api", "GET /v2.1/servers/detail", None, "compute/#list-servers-detailed"),
        ("nova-api", f"POST /v2.1/servers/{ID}/action", '{\n  "reboot": {', "compute/#reboot-server-reboot-action"),
        ("nova-api", f"POST /v2.1/servers/{ID}/action", b"\xff", "compute/"),
        ("neutron-server", "GET /networking/v2.0/ports", None, "network/v2/#list-ports"),
        ("placement", "GET /placement/allocation_candidates", None, "placement/#list-allocation-candidates"),
        ("cinder-api", f"POST /v3/{ID.replace('-', '')}/volumes", None, "block-storage/v3/#create-a-volume"),
        ("cinder-api", "POST /v3/volumes", None, "block-storage/v3/#create-a-volume"),
        ("cinder", f"POST /v3/volumes/{ID}/action", '{"os-extend"', "block-storage/v3/#volume-actions-volumes-action"),
        ("heat-api", "GET /v1/22c8d4e61a6f4a7e/stacks", None, "orchestration/v1/#list-stacks"),
        ("octavia-api", "GET /v2.0/lbaas/loadbalancers", None, "load-balancer/v2/#list-load-balancers"),
        ("designate-api", f"GET /dns/v2/zones/{ID}", None, "dns/dns-api-v2-index.html#show-a-zone"),
        ("ironic-api", "POST /baremetal/v1/nodes", None, "baremetal/#create-node"),
        ("manila-api", "GET /share/v2/shares/detail", None, "shared-file-system/#list-shares-with-details"),
        ("magnum-api", "POST /v1/clusters", None, "container-infrastructure-management/#create-new-cluster"),
        ("barbican-api", f"GET /v1/secrets/{ID}/payload", None,
         "../barbican/latest/api/reference/secrets.html#get-v1-secrets-uuid-payload"),
        ("barbican-api", f"GET /key-manager/v1/containers/{ID}/consumers", None,
         "../barbican/latest/api/reference/container_consumers.html#get-container-ref-consumers"),
    ],
)  # fmt: skip
def test_a_request_leads_to_its_operation(callee: str, request_line: str, body: str | bytes | None, page: str) -> None:
    """Wherever the service is mounted, whatever it works on."""
    method, _, path = request_line.partition(" ")
    assert api_reference(callee, method, path, body) == urljoin("https://docs.openstack.org/api-ref/", page)


@pytest.mark.parametrize(
    ("callee", "request_line"),
    [
        ("keystone", "GET /identity"),
        ("127.0.0.1:9292", "GET /v2/images"),
        ("glance-api", "BREW /v2/images"),
        ("glance-api", "GET /a/b/c/v2/images"),
    ],
)
def test_what_is_not_described_has_no_link(callee: str, request_line: str) -> None:
    """Rather than one that leads somewhere else."""
    method, _, path = request_line.partition(" ")
    assert api_reference(callee, method, path) == ""


@pytest.mark.parametrize(
    ("command", "page"),
    [
        ("/usr/bin/openstack --os-cloud demo image save --file x cirros", "image/v2/index.html#image-save"),
        ("openstack token issue", "identity/v3/index.html#token-issue"),
        ("openstack server group list", "compute/v2/index.html#server-group-list"),
        ("openstack --help", ""),
        ("glance image-list", ""),
        ("", ""),
    ],
)
def test_a_command_leads_to_its_page(command: str, page: str) -> None:
    """Of the current version of its API; options may stand first."""
    root = "https://docs.openstack.org/python-openstackclient/latest/cli/command-objects/"
    assert command_reference(command.split()) == (root + page if page else "")
