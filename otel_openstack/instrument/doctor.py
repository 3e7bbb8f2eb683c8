"""What the agent would do in this environment: ``python -m otel_openstack.instrument.doctor [COMMAND ARGUMENT …]``.

Run it with the interpreter and in the environment of the service. Nothing is started and nothing is changed; the only
thing that is sent is one empty OTLP request, to learn whether somebody answers.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.util._importlib_metadata import entry_points

from otel_openstack import __version__
from otel_openstack.instrument import receiver
from otel_openstack.instrument.distro import DEFAULTS
from otel_openstack.instrument.preview import masking_of
from otel_openstack.instrument.services import SERVICES, identify
from otel_openstack.settings import Settings, documentation

LAUNCHER = "opentelemetry-instrument"
_ANSWER_SECONDS = 5

Finding = tuple[bool, str]
"""Whether all is well, and a sentence."""

Check = Callable[[Sequence[str], Mapping[str, str]], Iterable[Finding]]


def main(command: Sequence[str] = ()) -> int:
    """Print what every check finds.

    :param command: the service's command line, to learn what it would be called.
    :returns: 0 when nothing is wrong, else 1.
    """
    healthy = True
    for check in CHECKS:
        for well, sentence in check(command, os.environ):
            print(f"{'ok  ' if well else 'FAIL'}  {sentence}")  # noqa: T201  # it is a command
            healthy = healthy and well
    return 0 if healthy else 1


def _launcher(_command: Sequence[str], _environ: Mapping[str, str]) -> Iterator[Finding]:
    path = which(LAUNCHER, path=str(Path(sys.executable).parent))
    if path is None:
        yield False, f"{LAUNCHER} is not beside {sys.executable}: pip install otel-openstack there"
    else:
        yield True, f"{path} starts the agent {__version__} under Python {sys.version.split()[0]}"


def _chosen(_command: Sequence[str], environ: Mapping[str, str]) -> Iterator[Finding]:
    """Say whose set-up the launcher would take: the first that it finds, unless a variable names one."""
    for kind, variable in (
        ("opentelemetry_distro", "OTEL_PYTHON_DISTRO"),
        ("opentelemetry_configurator", "OTEL_PYTHON_CONFIGURATOR"),
    ):
        names = [entry_point.name for entry_point in entry_points(group=kind)]
        chosen = environ.get(variable) or next(iter(names), "")
        if chosen == "openstack":
            yield True, f"{kind} is ours"
        else:
            yield False, f"{kind} would be {chosen or 'none'}: set {variable}=openstack"


def _switched_on(_command: Sequence[str], environ: Mapping[str, str]) -> Iterator[Finding]:
    disabled = [name.strip() for name in environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "").split(",")]
    for is_off, sentence in (
        (environ.get("OTEL_SDK_DISABLED", "").lower() == "true", "OTEL_SDK_DISABLED=true records nothing"),
        (environ.get("OTEL_TRACES_EXPORTER") == "none", "OTEL_TRACES_EXPORTER=none sends no spans"),
        (
            "openstack" in disabled or "*" in disabled,
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS leaves this instrumentation out",
        ),
    ):
        if is_off:
            yield False, sentence


def _named(command: Sequence[str], environ: Mapping[str, str]) -> Iterator[Finding]:
    if name := environ.get("OTEL_SERVICE_NAME"):
        yield True, f"service.name is {name}, from OTEL_SERVICE_NAME"
    elif command:
        process = identify(command, environ)
        yield True, f"service.name of this command is {process.name} ({process.role.value})"


def _installed(_command: Sequence[str], _environ: Mapping[str, str]) -> Iterator[Finding]:
    found = [service.name for service in SERVICES if find_spec(service.application.partition(".")[0])]
    others = [name for name in ("eventlet", "requests") if find_spec(name)]
    yield True, f"observed here when they are started: {', '.join(found + others) or 'nothing that is known'}"


def _set(_command: Sequence[str], environ: Mapping[str, str]) -> Iterator[Finding]:
    with _complaints_of("otel_openstack") as complaints:
        settings = Settings.from_env(environ)
        masking_of(settings)
    for sentence in complaints:
        yield False, sentence
    for (variable, _, _), field in zip(documentation(), Settings.__dataclass_fields__, strict=True):
        origin = "set" if environ.get(variable) else "the default"
        yield True, f"{variable} is {getattr(settings, field)!r}, {origin}"
    for variable, default in DEFAULTS.items():
        if value := environ.get(variable):
            yield True, f"{variable} is {value!r}, set"
        else:
            yield True, f"{variable} is {default!r}, the default"


def _provided(_command: Sequence[str], environ: Mapping[str, str]) -> Iterator[Finding]:
    """Say which exporters are asked for and not installed: the SDK would set up nothing at all."""
    for signal in ("traces", "metrics", "logs"):
        variable = f"OTEL_{signal.upper()}_EXPORTER"
        protocol = environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL") or environ.get(
            "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"
        )
        for name in (name.strip() for name in environ.get(variable, DEFAULTS.get(variable, "none")).split(",")):
            provider = f"otlp_proto_{protocol.removesuffix('/protobuf')}" if name == "otlp" else name
            if provider not in ("", "none") and not entry_points(
                group=f"opentelemetry_{signal}_exporter", name=provider
            ):
                package = f": pip install opentelemetry-exporter-otlp-proto-{protocol}" if protocol == "grpc" else ""
                yield False, f"no exporter {provider} of {signal} is installed, so nothing is recorded{package}"


class _Listener(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.sentences.append(record.getMessage())


@contextmanager
def _complaints_of(name: str) -> Iterator[list[str]]:
    """Gather what a logger says, and keep it from being printed."""
    handler = _Listener()
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield handler.sentences
    finally:
        logger.propagate = True
        logger.removeHandler(handler)


def _answered(_command: Sequence[str], environ: Mapping[str, str]) -> Iterator[Finding]:
    """Ask with the very exporter that the agent uses: headers, certificates and path are those of the agent."""
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol not in (None, "", "http/protobuf"):
        yield True, f"whether the endpoint answers is not tried over {protocol}"
        return
    exporter = receiver.new_exporter(timeout=_ANSWER_SECONDS)
    endpoint = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or (
        environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or "http://localhost:4318"
    )
    with _complaints_of("opentelemetry.exporter") as complaints:
        result = exporter.export([])
    if result is SpanExportResult.SUCCESS:
        yield True, f"{endpoint} takes spans"
    else:
        yield False, f"{endpoint} takes no spans: {complaints[0] if complaints else 'no reason given'}"


CHECKS: tuple[Check, ...] = (_launcher, _chosen, _switched_on, _named, _installed, _set, _provided, _answered)

if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # whoever read us has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)
