"""Run the suites of other projects without the agent and with it: ``python -m tests.suites [NAME …]``.

Each test must end alike. One that does not is run alone again and again, as often each way and many at once, before it
counts: some depend on time, and fail under load by themselves. Those are listed with how often they fail each way; what
fails with the agent alone, or much more often, counts. Sources, environments and reports are left in ``build/suites/``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.instrument.harness import OtlpServer
from tests.suites import outcomes
from tests.suites.rates import Rates
from tests.suites.table import SUITES, Suite

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "suites"
_RERUNS = 20
_MOST_RERUNS = 100
_AT_ONCE = 6 * (os.cpu_count() or 1)  # what depends on time fails under load
_INHERITED = ("PATH", "HOME", "USER", "LANG", "LC_ALL")
_PIP = ("--quiet", "--disable-pip-version-check", "--no-input")
_TEST_TIMEOUT = 120
_SUITE_TIMEOUT = 3600
_HEAD = (
    f"{'suite':<18}{'tests':>7}{'failed plain':>14}{'with agent':>12}{'differ':>8}{'flaky':>7}{'exempt':>8}{'spans':>8}"
)


class SuiteError(Exception):
    """A suite cannot be had or run: one sentence."""


@dataclass(frozen=True)
class Place:
    """Where a project's sources and its environment are.

    :param sources: directory of the unpacked source distribution.
    :param venv: environment with the project, what its tests need, and the agent of this checkout.
    """

    sources: Path
    venv: Path

    def program(self, name: str) -> Path:
        """Return the path of one of its programs."""
        return self.venv / "bin" / name


@dataclass(frozen=True)
class Comparison:
    """How two runs of a suite compare.

    :param tried: tests that ended otherwise with the agent, and how they end when they are run again.
    :param spans: how many came of the whole run, exported as a service's are.
    """

    suite: Suite
    plain: outcomes.Outcomes
    traced: outcomes.Outcomes
    tried: Mapping[str, Rates]
    spans: int

    @property
    def differing(self) -> list[str]:
        """The tests that end otherwise with the agent."""
        return [name for name, rates in self.tried.items() if not rates.are_alike]

    @property
    def is_good(self) -> bool:
        """Whether nothing differs, and the agent was on."""
        return not self.differing and self.spans > 0

    def remarks(self) -> Iterator[str]:
        """Yield a line for each test that differed, whatever it counts for."""
        for name, rates in self.tried.items():
            ends = f"{self.plain.get(name, 'not run')}, {self.traced.get(name, 'not run')} with the agent"
            verdict = "differs" if not rates.are_alike else "flaky" if rates.are_flaky else "not seen again"
            yield f"{verdict}: {name}: {ends}; again: {rates}"
        for name, reason in self.suite.exempt.items():
            yield f"exempt: {name}: {reason}"
        if not self.spans:
            yield "no span came: the agent was not on"

    def __str__(self) -> str:
        return (
            f"{self.suite.name:<18}{len(self.plain):>7}{outcomes.failed(self.plain):>14}"
            f"{outcomes.failed(self.traced):>12}{len(self.differing):>8}{len(self.tried) - len(self.differing):>7}"
            f"{len(self.suite.exempt):>8}{self.spans:>8}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites named, or all of them; the exit status is 1 when any test differs."""
    names = [suite.name for suite in SUITES]
    parser = argparse.ArgumentParser(prog="python -m tests.suites", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(names)}")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(names):
        parser.error(f"there is no suite {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    good = True
    print(_HEAD, flush=True)
    for suite in SUITES:
        if options.names and suite.name not in options.names:
            continue
        try:
            comparison = compare(suite)
        except SuiteError as error:
            print(f"error: {suite.name}: {error}", file=sys.stderr)
            good = False
            continue
        print(comparison, flush=True)
        for line in comparison.remarks():
            print(f"  {line}", flush=True)
        good = good and comparison.is_good
    return 0 if good else 1


def compare(suite: Suite) -> Comparison:
    """Run a suite both ways, and what differs again.

    :raises SuiteError: it cannot be had or run.
    """
    place = prepare(suite)
    receiver = OtlpServer()
    try:
        plain = run(suite, place, "plain", suite.arguments)
        traced = run(suite, place, "traced", suite.arguments, receiver)
        spans = len(receiver.spans)
        suspects = [name for name in outcomes.differing(plain, traced) if name not in suite.exempt]
        tried = {name: _tried_again(suite, place, name, receiver) for name in suspects}
    finally:
        receiver.close()
    return Comparison(suite, plain, traced, tried, spans)


def _tried_again(suite: Suite, place: Place, identity: str, receiver: OtlpServer) -> Rates:
    """Run a test alone each way, until it is known whether the agent makes a difference."""
    node = outcomes.node_id(identity, place.sources)

    def end(number: int) -> str:
        way, to = ("traced", receiver) if number % 2 else ("plain", None)
        return run(suite, place, f"{way}-{number}", (node,), to).get(identity, "not run")

    rates = Rates(Counter(), Counter())
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        while rates.plain.total() < _MOST_RERUNS:
            _tell(f"{suite.name}: {identity}, again {_RERUNS} times each way")
            ends = list(threads.map(end, range(2 * _RERUNS)))  # by turns, so that the load is the same
            rates += Rates(Counter(ends[::2]), Counter(ends[1::2]))
            if rates.differ or rates.are_alike:
                break
    return rates


def prepare(suite: Suite) -> Place:
    """Have the sources and the environment of a suite, the agent in it being that of this checkout.

    :raises SuiteError: pip failed.
    """
    folder = BUILD / suite.distribution
    sources, venv = folder / "sources", folder / "venv"
    folder.mkdir(parents=True, exist_ok=True)
    if not sources.is_dir():
        _tell(f"downloading {suite.distribution}")
        _download(suite.distribution, sources)
    # What is installed is named there, so that another list of requirements makes another environment
    stamp = venv / "installed"
    project = f"{sources}[{suite.extra}]" if suite.extra else str(sources)
    wanted = "\n".join((sys.version, project, *suite.requirements))
    if not stamp.is_file() or stamp.read_text() != wanted:
        _tell(f"installing {suite.distribution} and what its tests need")
        _call(folder, sys.executable, "-m", "venv", "--clear", str(venv))
        _call(folder, venv / "bin" / "pip", "install", *_PIP, *suite.requirements, "--editable", project, str(ROOT))
        stamp.write_text(wanted)
    else:
        _call(folder, venv / "bin" / "pip", "install", *_PIP, "--no-deps", str(ROOT))
    return Place(sources, venv)


def _download(distribution: str, sources: Path) -> None:
    folder = sources.parent
    name = distribution.partition("==")[0]
    _call(
        folder, sys.executable, "-m", "pip", "download", *_PIP,
        "--no-deps", "--no-binary", name, "--dest", str(folder), distribution,
    )  # fmt: skip
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    unpacked.rename(sources)


def run(
    suite: Suite, place: Place, way: str, tests: Sequence[str], receiver: OtlpServer | None = None
) -> dict[str, str]:
    """Run tests of a suite, under the launcher if there is a receiver for the spans, and return their outcomes.

    :raises SuiteError: pytest ended without a report.
    """
    report = place.sources.parent / f"{suite.name}-{way}.xml"
    report.unlink(missing_ok=True)
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment |= {**suite.variables, "PATH": f"{place.venv / 'bin'}{os.pathsep}{environment['PATH']}"}
    command: list[str | Path] = [place.program("python"), "-m", "pytest", *tests]
    command += [f"--junitxml={report}", "-p", "no:cacheprovider", f"--timeout={_TEST_TIMEOUT}"]
    if receiver is not None:
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.endpoint
        command.insert(0, place.program("opentelemetry-instrument"))
    if tests is suite.arguments:
        _tell(f"{suite.name}: {way}")
    with tempfile.TemporaryDirectory(prefix="suite-", dir=_room_for(suite)) as temporary:
        environment["TMPDIR"] = temporary
        _execute(command, environment, place.sources, report.with_suffix(".log"))
    if not report.is_file():
        raise SuiteError(f"pytest ended without a report; what it said is in {report.with_suffix('.log')}")
    return outcomes.read(report)


def _room_for(suite: Suite) -> str:
    """Return a directory for temporary files.

    :raises SuiteError: none of those tried can hold what the suite keeps there.
    """
    tried = [tempfile.gettempdir(), *(["/dev/shm"] if suite.keeps_attributes else [])]
    for folder in tried:
        if not suite.keeps_attributes or _keeps_attributes(folder):
            return folder
    raise SuiteError(
        f"none of {', '.join(tried)} keeps extended attributes of more than 4 KiB; "
        "set TMPDIR to a directory on XFS, or on a tmpfs of Linux 6.6 or newer"
    )


def _keeps_attributes(folder: str) -> bool:
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        try:
            os.setxattr(file.name, "user.swift.metadata", bytes(5000))
        except OSError:
            return False
    return True


def _execute(command: Sequence[str | Path], environment: dict[str, str], folder: Path, log: Path) -> None:
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(_SUITE_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise SuiteError(f"pytest did not end within {_SUITE_TIMEOUT} s; what it said is in {log}") from None
        finally:
            # What tests left running too; the group keeps its id while a member lives
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _call(folder: Path, *command: str | Path) -> None:
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise SuiteError(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")


def _tell(what: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
