"""What can be set, in one frozen object; the only reader of ``OTEL_OPENSTACK_*``.

The standard ``OTEL_*`` variables belong to the SDK and are honoured by it; here are only those that it does not know,
and those that instrumentations share.
Each field carries its own documentation, so the table in the README can be tested against the code.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from otel_openstack.exceptions import SettingsError

_logger = logging.getLogger(__name__)

_APPLICATION = re.compile(r"\s*[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*\s*")
_MEDIA_TYPE = re.compile(r"\s*[\w.+-]+/(\*|[\w.+-]+)\s*", re.ASCII)
_WORDS_FOR_TRUE = frozenset({"1", "on", "true", "yes"})
_WORDS_FOR_FALSE = frozenset({"0", "off", "false", "no"})
_DURATION = re.compile(r"([0-9]+)([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_S = TypeVar("_S")


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise SettingsError("is not a number of bytes", hint="give a whole number such as 8192, or 0 for none")
    return int(text)


def _switch(text: str) -> bool:
    word = text.lower()
    if word in _WORDS_FOR_TRUE:
        return True
    if word in _WORDS_FOR_FALSE:
        return False
    raise SettingsError("is neither on nor off", hint="give on or off")


def _networks(text: str) -> str:
    if text in ("always", "never"):
        return text
    from ipaddress import ip_network  # costs what a few thousand lines do, and few need it

    try:
        for network in text.split(","):
            ip_network(network.strip())
    except ValueError as error:
        raise SettingsError(
            "names no networks", hint=f"give never, always or networks such as 10.0.0.0/8 ({error})"
        ) from error
    return text


def _expressions(text: str) -> str:
    try:
        re.compile("|".join(f"(?:{expression.strip()})" for expression in text.split(",")))
    except re.error as error:
        raise SettingsError(
            "is no list of regular expressions", hint=f"give some, with commas between them ({error})"
        ) from error
    return text


def _header_names(text: str) -> str:
    names = [name.strip() for name in _expressions(text).split(",")]
    return "" if ".*" in names else text  # all of them: what is kept anyway


def _media_types(text: str) -> str:
    if not all(_MEDIA_TYPE.fullmatch(name) for name in text.split(",")):
        raise SettingsError("names no media types", hint="give some such as image/* or application/pdf, and commas")
    return text.lower()


def _applications(text: str) -> str:
    if not all(_APPLICATION.fullmatch(name) for name in text.split(",")):
        raise SettingsError("names no applications", hint="give module:attribute, and commas between several")
    return text


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    from urllib.parse import unquote  # here: it costs the agent start-up time

    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    if not all(name.strip() and separator for name, separator, _ in pairs):
        raise SettingsError("is no list of headers", hint="give name=value, and commas between several")
    return tuple((name.strip(), unquote(value.strip())) for name, _, value in pairs)


def _duration(text: str) -> int:
    match = _DURATION.fullmatch(text.lower())
    if match is None or not int(match[1]):
        raise SettingsError("is no length of time", hint="give a number and its unit, as 90s, 15m, 2h or 7d")
    return int(match[1]) * _SECONDS[match[2]]


def _setting(variable: str, default: object, read: Callable[[str], object], meaning: str) -> Any:
    return field(default=default, metadata={"variable": variable, "read": read, "meaning": meaning})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process.

    :param body_limit: how many bytes of a textual body are kept; 0 keeps none.
    :param binary_body_limit: how many bytes of any other body are kept; 0 keeps none.
    :param body_content_types: media types whose bodies count as textual ones do, with commas between them.
    :param header_limit: how many bytes of names and values are kept of each message's headers; 0 keeps none.
    :param redact: whether tokens and secrets are masked before they become attributes.
    :param redact_names: more names whose values are masked, with commas between them.
    :param redact_patterns: more values that are masked, with commas between them.
    :param redact_headers: more headers whose values are masked, with commas between them.
    :param trust_incoming: whose trace context is believed: ``always``, ``never``, or networks with commas between them.
    :param server_request_headers: which request headers a server keeps, as expressions with commas; ``""`` is all.
    :param server_response_headers: the same of responses.
    :param client_request_headers: which request headers a client keeps.
    :param client_response_headers: the same of responses.
    :param excluded_urls: expressions, with commas between them, of URLs that are not observed.
    :param disabled: names, with commas between them, of libraries that are not instrumented.
    :param store: path of the store that the reader uses when none is named; ``""`` is the user's data directory.
    :param wsgi_apps: more WSGI applications to observe, each ``module:attribute``, with commas between them.
    """

    body_limit: int = _setting(
        "OTEL_OPENSTACK_BODY_LIMIT",
        8192,
        _size,
        "Bytes kept of each textual request or response body; 0 keeps none.",
    )
    binary_body_limit: int = _setting(
        "OTEL_OPENSTACK_BINARY_BODY_LIMIT",
        32,
        _size,
        "Bytes kept of each body that is not textual, as images and objects are; 0 keeps none.",
    )
    body_content_types: str = _setting(
        "OTEL_OPENSTACK_BODY_CONTENT_TYPES",
        "",
        _media_types,
        "Media types, with commas between them, whose bodies are kept up to OTEL_OPENSTACK_BODY_LIMIT besides the"
        " textual ones; `image/*` is taken.",
    )
    header_limit: int = _setting(
        "OTEL_OPENSTACK_HEADER_LIMIT",
        65536,
        _size,
        "Bytes of header names and values kept of each message; 0 keeps none.",
    )
    redact: bool = _setting(
        "OTEL_OPENSTACK_REDACT",
        True,
        _switch,
        "Mask tokens, passwords and other secrets; `off` records them in clear.",
    )
    redact_names: str = _setting(
        "OTEL_OPENSTACK_REDACT_NAMES",
        "",
        str,
        "More names to mask, with commas between them: headers, JSON keys, form and query parameters, XML elements and"
        " attributes; the whole name in any case.",
    )
    redact_patterns: str = _setting(
        "OTEL_OPENSTACK_REDACT_PATTERNS",
        "",
        str,
        "Values to mask wherever they stand, with commas between them: three characters or more, then `?` for any one"
        " and `*` at the end for the rest, as `ghp_*` or `AKIA????????????????`.",
    )
    redact_headers: str = _setting(
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS",
        "",
        str,
        "The standard list of headers to mask, with commas between them; parts of names, with `.*` at their ends, and"
        " no other regular expressions.",
    )
    server_request_headers: str = _setting(
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST",
        "",
        _header_names,
        "The standard list of request headers that servers keep: names or regular expressions, with commas between;"
        " unset, all.",
    )
    server_response_headers: str = _setting(
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE",
        "",
        _header_names,
        "The same of responses.",
    )
    client_request_headers: str = _setting(
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST",
        "",
        _header_names,
        "The standard list of request headers that clients keep; unset, all.",
    )
    client_response_headers: str = _setting(
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE",
        "",
        _header_names,
        "The same of responses.",
    )
    excluded_urls: str = _setting(
        "OTEL_PYTHON_EXCLUDED_URLS",
        "",
        _expressions,
        "The standard list of URLs that are not observed: regular expressions that are searched for, with commas"
        " between.",
    )
    disabled: str = _setting(
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
        "",
        str,
        "The standard list of what is not instrumented, with commas between: `openstack` is all of ours, and parts are"
        " `requests`, `urllib3`, `urllib` (`http.client`), `httpx` and `wsgi`.",
    )
    store: str = _setting(
        "OTEL_OPENSTACK_STORE",
        "",
        str,
        "The store that the reader uses when none is named; unset, one in the user's data directory.",
    )
    trust_incoming: str = _setting(
        "OTEL_OPENSTACK_TRUST_INCOMING",
        "always",
        _networks,
        "Whose trace context is believed: `always`, `never`, or networks such as `10.0.0.0/8,fd00::/8`.",
    )
    wsgi_apps: str = _setting(
        "OTEL_OPENSTACK_WSGI_APPS",
        "",
        _applications,
        "More WSGI applications to observe, each `module:attribute`, with commas between them.",
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings; a value that means nothing is told once in the log, and the default stays.

        :param environ: the environment, as :data:`os.environ`. An empty value counts as unset, as the OpenTelemetry
            specification wants it of every variable.
        """
        return _from_env(cls, environ)


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """How the reader reaches a back end; who it is may also stand in the URL, as ``https://user:password@host``.

    :param headers: pairs of name and value that go with every request.
    :param certificate: file of the authorities to trust, in PEM; ``""`` are those that ``requests`` trusts.
    :param client_certificate: file of our own certificate, in PEM; ``""`` is none.
    :param client_key: file of its key; ``""`` when it is in the same file.
    :param timeout: seconds to wait for an answer.
    :param lookback: seconds back from now that searches cover.
    :param links: where traces are browsed, for links in pages and documents.
    """

    headers: tuple[tuple[str, str], ...] = _setting(
        "OTEL_OPENSTACK_SOURCE_HEADERS",
        (),
        _headers,
        "Headers of every request to a back end, `X-Scope-OrgID=lab,Authorization=Bearer%20…`: percent-encoded values.",
    )
    certificate: str = _setting(
        "OTEL_OPENSTACK_SOURCE_CERTIFICATE", "", str, "File of the authorities to trust in place of the system's, PEM."
    )
    client_certificate: str = _setting(
        "OTEL_OPENSTACK_SOURCE_CLIENT_CERTIFICATE", "", str, "File of the certificate to show to a back end, PEM."
    )
    client_key: str = _setting(
        "OTEL_OPENSTACK_SOURCE_CLIENT_KEY", "", str, "File of its key, where that is not in the same file."
    )
    timeout: int = _setting(
        "OTEL_OPENSTACK_SOURCE_TIMEOUT", 30, _duration, "How long to wait for an answer: `90s`, `2m`."
    )
    lookback: int = _setting(
        "OTEL_OPENSTACK_SOURCE_LOOKBACK",
        30 * 86400,
        _duration,
        "How far back from now back ends are searched: `12h`, `90d`. A trace id leads further.",
    )
    links: str = _setting(
        "OTEL_OPENSTACK_LINKS",
        "",
        str,
        "Where traces are browsed, for a link in each document, with commas between them:"
        " `jaeger+https://HOST:16686,grafana+https://HOST?datasource=tempo`.",
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> SourceSettings:
        """Read the settings as :meth:`Settings.from_env` does."""
        return _from_env(cls, environ)


def _from_env(cls: type[_S], environ: Mapping[str, str]) -> _S:
    values: dict[str, object] = {}
    for setting in fields(cls):  # type: ignore[arg-type]  # both are dataclasses
        variable = setting.metadata["variable"]
        text = environ.get(variable, "").strip()
        if not text:
            continue
        try:
            values[setting.name] = setting.metadata["read"](text)
        except SettingsError as error:
            _logger.warning("%s=%r %s: %s; %r is used", variable, text, error, error.hint, setting.default)
    return cls(**values)


def documentation(cls: type[Settings | SourceSettings] = Settings) -> tuple[tuple[str, object, str], ...]:
    """Return a row (variable, default, meaning) for each setting, for tables that people read."""
    settings: tuple[Field[Any], ...] = fields(cls)
    return tuple((s.metadata["variable"], s.default, s.metadata["meaning"]) for s in settings)
