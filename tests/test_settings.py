"""What can be set, and what a wrong value does."""

from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys

import pytest

from otel_openstack.settings import Settings, SourceSettings, documentation


def test_an_empty_environment_gives_the_defaults() -> None:
    """Without variables the documented defaults hold."""
    assert Settings.from_env({}) == Settings(body_limit=8192, binary_body_limit=32, redact=True, store="")


def test_every_variable_sets_its_field() -> None:
    """Each variable is read into the field that documents it."""
    environ = {
        "OTEL_OPENSTACK_BODY_LIMIT": "100",
        "OTEL_OPENSTACK_BINARY_BODY_LIMIT": "0",
        "OTEL_OPENSTACK_BODY_CONTENT_TYPES": "Image/*, application/pdf",
        "OTEL_OPENSTACK_HEADER_LIMIT": "1024",
        "OTEL_OPENSTACK_REDACT": "off",
        "OTEL_OPENSTACK_REDACT_NAMES": "x-site-key",
        "OTEL_OPENSTACK_REDACT_PATTERNS": "ghp_*",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": "session.*",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "x-.*",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "content-type",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST": "a,b",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE": "x-a, etag",
        "OTEL_PYTHON_EXCLUDED_URLS": "/healthcheck$",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "httpx",
        "OTEL_OPENSTACK_STORE": "/tmp/x.db",
        "OTEL_OPENSTACK_TRUST_INCOMING": "10.0.0.0/8, fd00::/8",
        "OTEL_OPENSTACK_WSGI_APPS": "a.b:c, d:e",
    }
    assert set(environ) == {variable for variable, _, _ in documentation()}
    assert Settings.from_env(environ) == Settings(
        body_limit=100,
        binary_body_limit=0,
        body_content_types="image/*, application/pdf",
        header_limit=1024,
        redact=False,
        redact_names="x-site-key",
        redact_patterns="ghp_*",
        redact_headers="session.*",
        server_request_headers="x-.*",
        server_response_headers="content-type",
        client_request_headers="a,b",
        client_response_headers="x-a, etag",
        excluded_urls="/healthcheck$",
        disabled="httpx",
        store="/tmp/x.db",
        trust_incoming="10.0.0.0/8, fd00::/8",
        wsgi_apps="a.b:c, d:e",
    )


def test_one_who_trusts_everybody_does_not_read_addresses() -> None:
    """The library for addresses is imported only where networks are given: it costs start-up time."""
    program = "import sys; from otel_openstack.settings import Settings; Settings.from_env({}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "otel_openstack.settings" in loaded
    assert "ipaddress" not in loaded


@pytest.mark.parametrize("word", ["on", "ON", "1", "true", "yes"])
def test_a_switch_is_on_by_any_usual_word(word: str) -> None:
    """A switch takes the usual words in any case."""
    assert Settings.from_env({"OTEL_OPENSTACK_REDACT": word}).redact is True


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_OPENSTACK_BODY_LIMIT", "lots"),
        ("OTEL_OPENSTACK_BODY_LIMIT", "-1"),
        ("OTEL_OPENSTACK_BODY_LIMIT", "1e3"),
        ("OTEL_OPENSTACK_BINARY_BODY_LIMIT", "٣"),
        ("OTEL_OPENSTACK_BODY_CONTENT_TYPES", "images"),
        ("OTEL_OPENSTACK_HEADER_LIMIT", "some"),
        ("OTEL_OPENSTACK_REDACT", "maybe"),
        ("OTEL_OPENSTACK_TRUST_INCOMING", "friends"),
        ("OTEL_OPENSTACK_TRUST_INCOMING", "10.0.0.1/8"),
        ("OTEL_OPENSTACK_TRUST_INCOMING", "never,10.0.0.0/8"),
        ("OTEL_OPENSTACK_WSGI_APPS", "module"),
        ("OTEL_PYTHON_EXCLUDED_URLS", "("),
        ("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", "x-*,*"),
        ("OTEL_OPENSTACK_WSGI_APPS", "a:b,,c:d"),
    ],
)
def test_a_wrong_value_is_told_once_and_the_default_stays(
    variable: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning names the variable, the value and the remedy; nothing is raised."""
    with caplog.at_level(logging.WARNING):
        assert Settings.from_env({variable: value}) == Settings()
    (record,) = caplog.records
    assert variable in record.getMessage()
    assert repr(value) in record.getMessage()
    assert "give" in record.getMessage()


def test_all_headers_are_all_headers() -> None:
    """Other instrumentations have to be told to keep them; here that is how it is, and costs nothing."""
    assert Settings.from_env({"OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "etag, .*"}) == Settings()


def test_an_empty_value_counts_as_unset(caplog: pytest.LogCaptureFixture) -> None:
    """An empty variable is the same as none, as the OpenTelemetry specification wants it."""
    assert Settings.from_env({"OTEL_OPENSTACK_BODY_LIMIT": " "}) == Settings()
    assert not caplog.records


def test_every_field_is_documented() -> None:
    """Each field has a row with a variable, its default and a meaning."""
    rows = documentation()
    assert [default for _, default, _ in rows] == [field.default for field in dataclasses.fields(Settings)]
    assert all(variable.startswith("OTEL_") and meaning.endswith(".") for variable, _, meaning in rows)


def test_every_source_variable_sets_its_field() -> None:
    """Each variable of the reader's back ends is read into the field that documents it."""
    environ = {
        "OTEL_OPENSTACK_SOURCE_HEADERS": "X-Scope-OrgID=lab, Authorization=Bearer%20a%2Cb",
        "OTEL_OPENSTACK_SOURCE_CERTIFICATE": "/ca.pem",
        "OTEL_OPENSTACK_SOURCE_CLIENT_CERTIFICATE": "/me.pem",
        "OTEL_OPENSTACK_SOURCE_CLIENT_KEY": "/me.key",
        "OTEL_OPENSTACK_SOURCE_TIMEOUT": "2m",
        "OTEL_OPENSTACK_SOURCE_LOOKBACK": "7D",
        "OTEL_OPENSTACK_LINKS": "jaeger+http://jaeger.lab:16686, grafana+https://grafana.lab",
    }
    headers = (("X-Scope-OrgID", "lab"), ("Authorization", "Bearer a,b"))
    assert set(environ) == {variable for variable, _, _ in documentation(SourceSettings)}
    links = environ["OTEL_OPENSTACK_LINKS"]
    expected = SourceSettings(headers, "/ca.pem", "/me.pem", "/me.key", 120, 604_800, links)
    assert SourceSettings.from_env(environ) == expected


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_OPENSTACK_SOURCE_HEADERS", "no pair"),
        ("OTEL_OPENSTACK_SOURCE_HEADERS", "=value"),
        ("OTEL_OPENSTACK_SOURCE_TIMEOUT", "30"),
        ("OTEL_OPENSTACK_SOURCE_LOOKBACK", "0d"),
        ("OTEL_OPENSTACK_SOURCE_LOOKBACK", "a while"),
    ],
)
def test_a_source_variable_that_means_nothing_leaves_the_default(
    caplog: pytest.LogCaptureFixture, variable: str, value: str
) -> None:
    """It is named in the log."""
    assert SourceSettings.from_env({variable: value}) == SourceSettings()
    assert variable in caplog.text
