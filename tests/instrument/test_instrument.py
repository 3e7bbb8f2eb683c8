"""The hooks: each waits for its module, wraps once, and can be taken out."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from otel_openstack.instrument import OpenStackInstrumentor
from otel_openstack.instrument.wsgi import ObservedApplication
from otel_openstack.settings import Settings

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
