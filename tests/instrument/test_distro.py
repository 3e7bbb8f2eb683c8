"""The distribution: its defaults, and that the user's environment wins."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from otel_openstack import __version__
from otel_openstack.instrument import services
from otel_openstack.instrument.distro import (
    DEFAULTS,
    REPLACED,
    OpenStackConfigurator,
    OpenStackDistro,
    resource_attributes,
    span_processor,
)
from otel_openstack.instrument.export import BoundedSpanProcessor
from tests.instrument.harness import Launcher, OtlpServer

_KEYSTONE = services.Process("keystone", services.Role.SERVICE)


def test_the_entry_points_lead_here() -> None:
    """The launcher finds the distribution by its entry points."""
    found = {
        group: [point.load() for point in entry_points(group=group) if point.name == "openstack"]
        for group in ("opentelemetry_distro", "opentelemetry_configurator")
    }
    assert found == {
        "opentelemetry_distro": [OpenStackDistro],
        "opentelemetry_configurator": [OpenStackConfigurator],
    }


def test_the_users_environment_wins(launcher: Launcher) -> None:
    """Each default is set only where nothing is."""
    program = launcher.write("show.py", f"import os\nfor name in {sorted(DEFAULTS)}: print(name, os.environ[name])")
    shown = dict(line.split(" ", 1) for line in launcher.run([sys.executable, program]).splitlines())
    assert shown == DEFAULTS
    variables = {"OTEL_PROPAGATORS": "b3", "OTEL_BSP_SCHEDULE_DELAY": "5"}
    variables = {**variables, "OTEL_PROPAGATORS": "tracecontext"}
    shown = dict(line.split(" ", 1) for line in launcher.run([sys.executable, program], variables).splitlines())
    assert shown == {**DEFAULTS, **variables}


def test_the_users_propagators_are_the_ones_in_use(launcher: Launcher) -> None:
    """Ours are in use only where he chose none, although the launcher has loaded the API's default by then."""
    program = launcher.write(
        "show.py", "from opentelemetry import propagate\nprint(sorted(propagate.get_global_textmap().fields))"
    )
    assert "X-Requestshook-Request-Id" in launcher.run([sys.executable, program])
    assert "Requestshook" not in launcher.run([sys.executable, program], {"OTEL_PROPAGATORS": "tracecontext"})


def test_what_the_user_says_of_the_resource_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES before what we find."""
    ours = resource_attributes(_KEYSTONE)
    assert ours["service.name"] == "keystone"
    assert ours["service.namespace"] == "openstack"
    assert ours["telemetry.distro.name"] == "otel-openstack"
    assert ours["telemetry.distro.version"] == __version__
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=own,host.name=h")
    assert not {"service.name", "service.namespace", "host.name"} & set(resource_attributes(_KEYSTONE))


def test_the_version_is_that_of_the_distribution() -> None:
    """Where it is installed; otherwise there is none."""
    process = services.Process("x", services.Role.SERVICE, "requests")
    assert resource_attributes(process)["service.version"]
    process = services.Process("x", services.Role.SERVICE, "no-such-distribution")
    assert "service.version" not in resource_attributes(process)


def test_instrumentations_that_ours_replace_are_not_loaded() -> None:
    """Each of them would record an exchange a second time."""
    (requests,) = entry_points(group="opentelemetry_instrumentor", name="requests")
    assert requests.name in REPLACED
    OpenStackDistro().load_instrumentor(requests, skip_dep_check=True)
    from opentelemetry.instrumentation.requests import RequestsInstrumentor

    assert not RequestsInstrumentor().is_instrumented_by_opentelemetry


def test_a_wrong_number_is_told_and_the_default_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A service starts whatever its environment says."""
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-5")
    assert isinstance(span_processor(InMemorySpanExporter()), BoundedSpanProcessor)
    (record,) = caplog.records
    assert "OTEL_BSP_MAX_QUEUE_SIZE='-5'" in record.getMessage()


@pytest.mark.parametrize(
    ("variable", "value"), [("OTEL_TRACES_EXPORTER", "nosuch"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]
)
def test_what_the_sdk_refuses_is_one_line_and_the_program_runs(launcher: Launcher, variable: str, value: str) -> None:
    """Not the traceback of each part that cannot be set up."""
    program = launcher.write("hello.py", "print('hello', flush=True)")
    said = launcher.run([sys.executable, program], {variable: value}).splitlines()
    assert said[1:] == ["hello"]
    assert said[0].startswith("nothing is recorded: ")
    assert value in said[0]


def test_a_disabled_sdk_is_silent(launcher: Launcher, receiver: OtlpServer) -> None:
    """OTEL_SDK_DISABLED leaves the program as it would be without us."""
    program = launcher.write("hello.py", "print('hello')")
    assert launcher.run([sys.executable, program], {"OTEL_SDK_DISABLED": "true"}) == "hello\n"
    assert receiver.spans == []


def test_a_program_that_has_no_spans_loads_nothing_that_sends_them(launcher: Launcher) -> None:
    """Neither the exporter, nor the SDK's metrics and logs, unless something of theirs is set."""
    program = launcher.write(
        "show.py",
        "import sys\n"
        "unwanted = 'google.protobuf', 'requests', 'opentelemetry.sdk.metrics', 'opentelemetry.sdk._logs'\n"
        "print([name for name in unwanted if name in sys.modules])",
    )
    assert launcher.run([sys.executable, program]) == "[]\n"
    assert "opentelemetry.sdk.metrics" in launcher.run([sys.executable, program], {"OTEL_METRICS_EXPORTER": "otlp"})


@pytest.mark.parametrize(
    "variables", [{"OTEL_PYTHON_ID_GENERATOR": "random"}, {"OTEL_TRACES_SAMPLER": "parentbased_always_on"}]
)
def test_the_provider_is_the_same_whoever_configures_it(launcher: Launcher, variables: dict[str, str]) -> None:
    """The short way is the SDK's own with nothing left out but what nobody set."""
    program = launcher.write(
        "show.py",
        "from opentelemetry import trace\n"
        "provider = trace.get_tracer_provider()\n"
        "unique = ('process.pid', 'service.instance.id')\n"
        "print(sorted((k, v) for k, v in provider.resource.attributes.items() if k not in unique))\n"
        "print(provider.sampler.get_description(), type(provider.id_generator), provider._span_limits)\n"
        "print([type(part) for part in provider._active_span_processor._span_processors])",
    )
    assert launcher.run([sys.executable, program]) == launcher.run([sys.executable, program], variables)


def test_the_agent_loads_nothing_of_the_reader() -> None:
    """Nor anything that a process does not use: it is paid at every call of a client."""
    code = (
        "import sys\n"
        "import otel_openstack.instrument.distro, otel_openstack.instrument\n"
        "unwanted = ['sqlite3', 'rich', 'orjson', 'grpc', 'zstandard', 'requests', 'eventlet',"
        " 'otel_openstack.cli', 'otel_openstack.traces', 'otel_openstack.conversation', 'otel_openstack.otlp',"
        " 'otel_openstack.instrument.wsgi', 'otel_openstack.instrument.http_client']\n"
        "print([name for name in unwanted if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
