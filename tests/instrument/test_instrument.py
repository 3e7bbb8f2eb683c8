"""The hooks: each waits for its module, wraps once, and can be taken out."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from otel_openstack.instrument.instrumentor import OpenStackInstrumentor
from otel_openstack.instrument.wsgi import ObservedApplication
from otel_openstack.settings import Settings
from tests.instrument import clients
from tests.instrument.harness import Spans

_MODULES = ("placement", "placement.wsgi", "placement.wsgi.api")


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Put a service on the path that nobody has imported yet."""
    package = tmp_path / "placement" / "wsgi"
    package.mkdir(parents=True)
    (tmp_path / "placement" / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "api.py").write_text("def application(environ, start_response):\n    return []\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "placement.wsgi.api"
    for name in _MODULES:
        sys.modules.pop(name, None)


def _load(name: str) -> ModuleType:
    for module in _MODULES:
        sys.modules.pop(module, None)
    return importlib.import_module(name)


def test_an_application_is_wrapped_when_its_module_is_imported(service: str) -> None:
    """And given back when the instrumentor goes; what is imported afterwards is left alone."""
    instrumentor = OpenStackInstrumentor()
    instrumentor.instrument(skip_dep_check=True)
    module = _load(service)
    assert isinstance(module.application, ObservedApplication)
    assert module.application.__name__ == "application"
    instrumentor.uninstrument()
    assert not isinstance(module.application, ObservedApplication)
    assert not isinstance(_load(service).application, ObservedApplication)


def test_recording_secrets_is_said_aloud(caplog: pytest.LogCaptureFixture) -> None:
    """One warning, when masking is switched off."""
    instrumentor = OpenStackInstrumentor()
    instrumentor.instrument(skip_dep_check=True, settings=Settings(redact=False))
    instrumentor.uninstrument()
    (record,) = caplog.records
    assert "OTEL_OPENSTACK_REDACT" in record.getMessage()


def _answer(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


WAYS = {
    "requests": clients.by_requests,
    "urllib3": clients.by_urllib3,
    "urllib": clients.by_urllib,
    "httpx": clients.by_httpx,
}


@pytest.fixture
def instrumented(spans: Spans) -> Iterator[Callable[[Settings], None]]:  # noqa: ARG001  # sets propagators
    """Instrument this process with some settings, and take the hooks out again."""
    instrumentor = OpenStackInstrumentor()
    yield lambda settings: instrumentor.instrument(skip_dep_check=True, settings=settings)
    instrumentor.uninstrument()


@pytest.mark.parametrize("way", WAYS)
def test_a_library_that_is_disabled_has_no_spans(
    way: str, instrumented: Callable[[Settings], None], serve: Callable[[object], int], spans: Spans
) -> None:
    """Nor have the libraries below it for what it sends; the others go on."""
    instrumented(Settings(disabled=f"wsgi, {way}"))
    url = f"http://127.0.0.1:{serve(_answer)}/v1/things"
    WAYS[way]("GET", url)
    other = "httpx" if way != "httpx" else "requests"
    WAYS[other]("GET", url)
    assert spans.one().name == "GET /v1/things"


@pytest.mark.parametrize("way", WAYS)
def test_an_excluded_url_has_no_spans_on_either_side(
    way: str, instrumented: Callable[[Settings], None], serve: Callable[[object], int], spans: Spans
) -> None:
    """Each expression is searched for in the whole URL."""
    settings = Settings(excluded_urls="nothing, /healthcheck$")
    instrumented(settings)
    port = serve(ObservedApplication(_answer, settings))
    WAYS[way]("GET", f"http://127.0.0.1:{port}/healthcheck")
    WAYS[way]("GET", f"http://127.0.0.1:{port}/healthchecks")
    assert {span.name for span in spans.all(2)} == {"GET /healthchecks"}
