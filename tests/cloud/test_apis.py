"""Placement, nova, neutron and cinder, untouched under the stock launcher: one whole server span for each call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

from otel_openstack import attributes as names
from otel_openstack.otlp import Span, SpanKind
from otel_openstack.traces import open_source
from tests.cloud import apis, environment
from tests.cloud.cloud import Cloud
from tests.cloud.demo import STORE, receiver, record
from tests.cloud.progress import Progress

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(900)]

TOKEN = re.compile(r"gAAAAA[A-Za-z0-9_-]{20,}")
DIGEST = re.compile(r"\{SHA256\}[0-9a-f]{64}")
# What the openstack client is asked for, and which of its calls brings that: name of the span, path, body.
CALLS = {
    "placement": ("resource provider list", "GET /resource_providers", '{"resource_providers": []}'),
    "nova-api": ("flavor list", "GET /v2.1/flavors/detail", '{"flavors": []}'),
    "neutron-server": ("network list", "GET /v2.0/networks", '{"networks":[]}'),
    "cinder-api": ("volume list", "GET /v3/{project_id}/volumes/detail", '{"volumes": []}'),
}
# Things that are asked for by name, and the span of the first attempt: the name is in its path, not in its route.
NAMED = {
    "keystone": ("user show admin", "/identity/v3/users/admin", "GET /identity/v3/users/{user_id}"),
    "placement": (
        "--os-placement-api-version 1.6 trait show HW_CPU_X86_AVX",
        "/traits/HW_CPU_X86_AVX",
        "GET /traits/{name}",
    ),
    "nova-api": ("flavor show f1", "/v2.1/flavors/f1", "GET /v2.1/flavors/{flavor_id}"),
    "neutron-server": (
        "security group show default",
        "/v2.0/security-groups/default",
        "GET /v2.0/security-groups/{security_group_id}",
    ),
    "cinder-api": ("volume type show __DEFAULT__", "/types/__DEFAULT__", "GET /v3/{project_id}/types/{type_id}"),
}


@dataclass(frozen=True)
class Recorded:
    """One command on one API.

    :param server: the service that was asked.
    :param spans: every span of its trace.
    :param document: the document of the same trace.
    """

    server: str
    spans: Sequence[Span]
    document: str

    def served(self) -> list[Span]:
        """Return the server spans of the service that was asked."""
        return [span for span in self.spans if span.kind is SpanKind.SERVER and span.service_name == self.server]

    def answer(self) -> Span:
        """Return the only server span of the call that the command was about."""
        (span,) = (span for span in self.served() if span.name == CALLS[self.server][1])
        return span

    def caller(self, server: Span) -> Span:
        """Return the client's span of the same hop."""
        (span,) = (span for span in self.spans if span.span_id == server.parent_span_id)
        return span


@dataclass(frozen=True)
class Run:
    """What one cloud left: a recording for each API, and what must not be in any of them."""

    recorded: dict[str, Recorded]
    named: dict[str, Sequence[Span]]
    secrets: tuple[str, ...]
    admin_project: str
    admin_user: str


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Bring the larger cloud up once, and record one command on each of its APIs."""
    directory, quiet = tmp_path_factory.mktemp("apis"), Progress(quiet=True)
    store = directory / STORE
    with (
        receiver(store, directory / "receiver.log", quiet) as endpoint,
        Cloud(environment.prepare_apis(quiet), directory / "cloud", otlp_endpoint=endpoint) as cloud,
    ):
        passwords = apis.start(cloud, quiet)
        recorded = {
            name: Recorded(name, *_record(cloud, store, call[0], directory / f"{name}.md"))
            for name, call in CALLS.items()
        }
        cloud.openstack("flavor", "create", "f1")
        named = {
            name: _record(cloud, store, call[0], directory / f"{name}.named.md")[0] for name, call in NAMED.items()
        }
        shown = cloud.openstack("token", "issue", "-f", "value", "-c", "id", "-c", "project_id", "-c", "user_id")
        token, project, user = shown.split()
    return Run(recorded, named, (token, *map(str, astuple(cloud.passwords)), *passwords), project, user)


def _record(cloud: Cloud, store: Path, command: str, document: Path) -> tuple[Sequence[Span], str]:
    trace = record(cloud, store, document, *command.split())
    with open_source(str(store)) as source:
        return source.trace(trace), document.read_text()


@pytest.fixture(params=CALLS)
def recorded(run: Run, request: pytest.FixtureRequest) -> Recorded:
    """Give the recording of each API in turn."""
    found: Recorded = run.recorded[request.param]
    return found


def test_each_call_to_a_service_is_one_server_span_below_the_clients(recorded: Recorded) -> None:
    """The client's calls and the server spans stand one to one, and the wanted call is among them."""
    port = recorded.answer().attributes[names.SERVER_PORT]
    calls = [
        span.span_id
        for span in recorded.spans
        if span.kind is SpanKind.CLIENT
        and span.service_name == "openstack"
        and span.attributes[names.SERVER_PORT] == port
    ]
    assert sorted(span.parent_span_id for span in recorded.served()) == sorted(calls)


def test_the_span_says_which_service_answered_what(recorded: Recorded) -> None:
    """Name, version and place of the service come from its process; method, path and status from the call."""
    span, (_, name, body) = recorded.answer(), CALLS[recorded.server]
    resource, said = span.resource.attributes, span.attributes
    assert resource[names.SERVICE_NAMESPACE] == "openstack"
    assert re.fullmatch(r"\d+\.\d+\.\d+", str(resource[names.SERVICE_VERSION]))
    assert resource[names.SERVICE_INSTANCE_ID]
    assert f"{said[names.HTTP_REQUEST_METHOD]} {said[names.HTTP_ROUTE]}" == name
    assert (said[names.HTTP_RESPONSE_STATUS_CODE], said[names.OPENSTACK_HTTP_RESPONSE_REASON]) == (200, "OK")
    assert said[names.HTTP_RESPONSE_BODY_CONTENT] == body
    assert said[names.HTTP_RESPONSE_BODY_SIZE] == len(body)


@pytest.mark.parametrize("server", NAMED)
def test_a_name_in_a_path_is_no_part_of_its_route(run: Run, server: str) -> None:
    """Each service's router tells, or the rule does; what is asked for is in the path alone."""
    _, path, name = NAMED[server]
    asked = [
        span
        for span in run.named[server]
        if span.service_name == server
        and span.kind is SpanKind.SERVER
        and str(span.attributes[names.URL_PATH]).endswith(path)
    ]
    assert {span.name for span in asked} == {name}
    assert {f"GET {span.attributes[names.HTTP_ROUTE]}" for span in asked} == {name}


def test_both_sides_saw_the_same_messages(recorded: Recorded) -> None:
    """Every server span has the headers, in order, and the body that the client's span of the same hop has."""
    assert recorded.served()
    for server in recorded.served():
        client = recorded.caller(server)
        for order, prefix in (
            (names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES, names.HTTP_REQUEST_HEADER_PREFIX),
            (names.OPENSTACK_HTTP_RESPONSE_HEADER_NAMES, names.HTTP_RESPONSE_HEADER_PREFIX),
        ):
            sent, seen = ([name.lower() for name in _strings(span, order)] for span in (client, server))
            if prefix == names.HTTP_RESPONSE_HEADER_PREFIX:
                sent.remove("connection")  # uWSGI adds it, below its application
            assert seen == sent
            assert {name: server.attributes[prefix + name] for name in seen} == {
                name: client.attributes[prefix + name] for name in sent
            }
        assert (
            server.attributes[names.HTTP_RESPONSE_BODY_CONTENT] == client.attributes[names.HTTP_RESPONSE_BODY_CONTENT]
        )


def test_the_span_tells_the_ids_that_openstack_knows(recorded: Recorded, run: Run) -> None:
    """The request id is that of the response; user and project are those whom keystonemiddleware let in."""
    said = recorded.answer().attributes
    assert (
        said[names.OPENSTACK_REQUEST_ID]
        == _strings(recorded.answer(), "http.response.header.x-openstack-request-id")[0]
    )
    assert re.fullmatch(r"req-[0-9a-f-]{36}", str(said[names.OPENSTACK_REQUEST_ID]))
    assert said[names.OPENSTACK_PROJECT_ID] == run.admin_project
    assert said[names.OPENSTACK_USER_ID] == run.admin_user


def test_what_a_service_asks_keystone_is_part_of_its_call(recorded: Recorded) -> None:
    """The service validates the token below one of its own server spans, and keystone has that call as well."""
    by_id = {span.span_id: span for span in recorded.spans}
    validations = [
        by_id[by_id[span.parent_span_id].parent_span_id]
        for span in recorded.spans
        if span.service_name == "keystone" and span.name == "GET /identity/v3/auth/tokens"
    ]
    assert [span.service_name for span in validations] == [recorded.server]
    assert validations[0].kind is SpanKind.SERVER


def test_nothing_secret_is_left(recorded: Recorded, run: Run) -> None:
    """Neither spans nor document hold a password of the cloud or a token; the token is its digest."""
    spans = "\n".join(map(repr, recorded.spans))
    for text in (spans, recorded.document):
        assert TOKEN.findall(text) == []
        assert [secret for secret in run.secrets if secret in text] == []
    (token,) = _strings(recorded.answer(), "http.request.header.x-auth-token")
    assert DIGEST.fullmatch(token)
    assert token in recorded.document


def _strings(span: Span, attribute: str) -> tuple[str, ...]:
    values = span.attributes[attribute]
    assert isinstance(values, tuple)
    return tuple(map(str, values))
