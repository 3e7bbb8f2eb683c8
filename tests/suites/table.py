"""The suites: which project, in which version, how its tests are run, and what they need beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Suite:
    """The tests of a project, or a part of them.

    :param name: what it is called here.
    :param distribution: name and version of the source distribution that has the tests.
    :param requirements: what the tests need beside the project, as its own list of them says.
    :param arguments: those of pytest, in the directory of the sources.
    :param variables: environment variables that the tests need.
    :param extra: extra of the distribution to install with it.
    :param keeps_attributes: whether temporary files need extended attributes of more than 4 KiB, which are
        what swift keeps an object's metadata in; most of its tests are skipped where there are none.
    :param exempt: tests that must differ under the launcher, each with the reason.
    """

    name: str
    distribution: str
    requirements: tuple[str, ...]
    arguments: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    extra: str = ""
    keeps_attributes: bool = False
    exempt: Mapping[str, str] = field(default_factory=dict)


_SWIFT = "swift==2.38.3"
_SWIFT_REQUIREMENTS = (
    "pytest", "pytest-timeout", "python-swiftclient", "python-keystoneclient", "boto", "boto3", "requests-mock",
    "fixtures", "keystonemiddleware", "docutils",
)  # fmt: skip

SUITES = (
    Suite(
        "requests",
        "requests==2.34.2",
        ("pytest<10", "pytest-timeout", "pytest-cov", "pytest-mock", "pytest-httpbin==2.1.0", "httpbin~=0.10.0",
         "trustme"),
        ("tests",),
        extra="socks",
        exempt={
            "tests.test_requests.TestRequests::test_response_iter_lines_reentrant":
                "expected to fail, it passes: the server echoes the request's headers, and with ours the body is more "
                "than the 512 bytes that are read at once",
        },
    ),
    Suite("webob", "WebOb==1.8.11", ("pytest", "pytest-timeout", "pytest-cov", "coverage"), ("tests",)),
    Suite(
        "werkzeug",
        "Werkzeug==3.1.9",
        ("pytest", "pytest-timeout", "cffi", "cryptography", "ephemeral-port-reserve", "watchdog"),
        ("tests",),
    ),
    Suite("swift-unit", _SWIFT, _SWIFT_REQUIREMENTS, ("test/unit", "-p", "no:requests_mock"), keeps_attributes=True),
    Suite(
        "swift-functional", _SWIFT, _SWIFT_REQUIREMENTS, ("test/functional", "-p", "no:requests_mock"),
        {"SWIFT_TEST_IN_PROCESS": "1"},
        keeps_attributes=True,
    ),
)  # fmt: skip
