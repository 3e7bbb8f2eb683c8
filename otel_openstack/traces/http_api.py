"""The HTTP API of a back end: connection, credentials, retries, and one sentence for whatever goes wrong."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry
from urllib3.exceptions import ReadTimeoutError

from otel_openstack.exceptions import SettingsError, SourceError
from otel_openstack.settings import SourceSettings

JSON, PROTOBUF = "application/json", "application/protobuf"

_CONNECT_SECONDS = 5
_RETRIES = Retry(
    total=3,
    connect=1,
    read=0,  # whoever was too slow once is asked for less, not again
    backoff_factor=0.2,
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=("GET",),
    raise_on_status=False,
)
_ENCODINGS = "gzip, deflate"
_EXPLAINED = 160  # characters of an answer that an error shows

# What a status says about the request; any other one is the back end's own fault
_HINTS = {
    400: "Is it the port of the API, and is OTEL_OPENSTACK_SOURCE_LOOKBACK no longer than the back end allows?",
    401: "Say https://USER:PASSWORD@HOST, or set OTEL_OPENSTACK_SOURCE_HEADERS='Authorization=Bearer%20TOKEN'.",
    403: "These credentials, or this tenant (X-Scope-OrgID in OTEL_OPENSTACK_SOURCE_HEADERS), may not read there.",
    404: "Is the URL right, and is the API below a path (https://HOST/jaeger)?",
    422: "The trace is larger than it gives: raise max_bytes_per_trace of Tempo's overrides.",
    429: "It limits requests: try again later, or search less with OTEL_OPENSTACK_SOURCE_LOOKBACK.",
}


class HttpApi:
    """What a source asks its back end with.

    :param url: where the API is, perhaps below a path, perhaps with user and password.
    :param name: what errors call the back end.
    :param port: where that back end usually listens, for hints.
    :param settings: headers, certificates, patience.
    :raises SettingsError: a certificate or key file is not there.
    """

    def __init__(self, url: str, *, name: str, port: int, settings: SourceSettings) -> None:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        if not host:
            raise SourceError(
                f"{url} names no host.", hint=f"Such as {name.lower()}+{parts.scheme}://127.0.0.1:{port}."
            )
        self.url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        self._name, self._port = name, port
        self._timeout = (_CONNECT_SECONDS, settings.timeout)
        self._session = requests.Session()
        self._session.mount(parts.scheme + "://", HTTPAdapter(max_retries=_RETRIES))
        self._session.headers["Accept-Encoding"] = _ENCODINGS
        configure(self._session, settings)
        if parts.username is not None:
            self._session.auth = (unquote(parts.username), unquote(parts.password or ""))

    def get(self, path: str, parameters: Mapping[str, str | int], *, accept: str = JSON) -> requests.Response:
        """Ask for something, and return the answer when its status is 200 or 404.

        :raises SourceError: there is none, or it has another status.
        """
        url = self.url + path
        try:
            response = self._session.get(
                url,
                params=parameters,
                headers={"Accept": accept},
                timeout=self._timeout,
                allow_redirects=False,
                verify=self._session.verify,  # a file that is named here wins over $REQUESTS_CA_BUNDLE
            )
        except requests.RequestException as error:
            raise self._unreachable(error) from error
        if response.status_code not in (200, 404):
            raise self.refusal(response)
        return response

    def refusal(self, response: requests.Response) -> SourceError:
        """Return what to raise for an answer that is none."""
        status, reason = response.status_code, response.reason
        said = " ".join(response.text.split())
        if said.startswith("<") or not said.isprintable():
            said = ""  # a page for people
        location = response.headers.get("Location")
        if location:
            said = f"go to {location}"
        hint = _HINTS.get(status, f"Its log tells more; the API of {self._name} is usually on port {self._port}.")
        if status == 400 and "HTTPS" in said:
            hint = f"It speaks TLS: say {self._name.lower()}+https://."
        if "larger than the max" in said:  # Tempo, between its parts
            hint = "Raise grpc_server_max_send_msg_size, and max_recv_msg_size of ingester_client's grpc_client_config."
        if location:
            hint = "Log in to it some other way than by a page: see OTEL_OPENSTACK_SOURCE_HEADERS."
        return SourceError(
            f"{self.url} answered {status} {reason}{': ' if said else ''}{said[:_EXPLAINED]}.".replace("..", "."),
            hint=hint,
        )

    def nonsense(self, response: requests.Response, wanted: str) -> SourceError:
        """Return what to raise for an answer that is not in the form that was asked for."""
        form = response.headers.get("Content-Type", "").partition(";")[0] or "bytes"
        return SourceError(
            f"{self.url} answered with {form}, where {wanted} of {self._name} was due.",
            hint=f"Is that {self._name}, and not a page in front of it? Its API is usually on port {self._port}.",
        )

    def close(self) -> None:
        """Close the connections; a second call does nothing."""
        self._session.close()

    def _unreachable(self, error: requests.RequestException) -> SourceError:
        causes = _causes(error)
        text = " ".join(map(str, causes))
        if isinstance(error, requests.exceptions.SSLError):
            return SourceError(f"{self.url} cannot be trusted: {_tls_reason(text)}.", hint=_tls_hint(text, self._name))
        if any(isinstance(cause, ReadTimeoutError) for cause in causes):
            return SourceError(
                f"{self.url} gave no answer within {self._timeout[1]} s.",
                hint="Wait longer (OTEL_OPENSTACK_SOURCE_TIMEOUT), or search less (OTEL_OPENSTACK_SOURCE_LOOKBACK).",
            )
        if any(isinstance(cause, http.client.HTTPException | ConnectionResetError) for cause in causes):
            return SourceError(
                f"{self.url} does not speak HTTP/1.1, or hung up.",
                hint=f"Is that a gRPC or a TLS port? The API of {self._name} is usually on port {self._port}.",
            )
        return SourceError(
            f"{self.url} cannot be reached: {reason(error)}.",
            hint=f"Does {self._name} run there? Its API is usually on port {self._port}.",
        )


def configure(session: requests.Session, settings: SourceSettings) -> None:
    """Give a session the headers and certificates that a person has set.

    :raises SettingsError: a file is not there.
    """
    check_files(settings)
    session.headers.update(settings.headers)
    if "authorization" in session.headers:
        session.auth = _as_it_is  # else requests puts what ~/.netrc says in its place
    if settings.certificate:
        session.verify = settings.certificate
    if settings.client_certificate:
        session.cert = (
            (settings.client_certificate, settings.client_key) if settings.client_key else settings.client_certificate
        )


def check_files(settings: SourceSettings) -> None:
    """Make sure that the files of certificates and keys are there.

    :raises SettingsError: one is not.
    """
    for file in filter(None, (settings.certificate, settings.client_certificate, settings.client_key)):
        if not Path(file).is_file():
            raise SettingsError(
                f"There is no file {file}.", hint="OTEL_OPENSTACK_SOURCE_*CERTIFICATE and _KEY name files."
            )


def reason(error: BaseException) -> str:
    """Return the innermost reason: what requests and urllib3 wrap around it names objects, not causes."""
    cause = _causes(error)[-1]
    return getattr(cause, "strerror", None) or str(cause)


def _causes(error: BaseException) -> list[BaseException]:
    causes = [error]
    while causes[-1].__context__ is not None:
        causes.append(causes[-1].__context__)
    return causes


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _tls_reason(text: str) -> str:
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER" in text:
        return "it does not speak TLS"
    if "CERTIFICATE_REQUIRED" in text or "HANDSHAKE_FAILURE" in text or "certificate required" in text:
        return "it wants a certificate of ours"
    _, found, why = text.partition("certificate verify failed: ")
    return why.partition(" (_ssl")[0].partition("'")[0] if found else "no TLS connection could be made"


def _tls_hint(text: str, name: str) -> str:
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER" in text:
        return f"Say {name.lower()}+http:// if that is what it speaks."
    return (
        "Name its authority in OTEL_OPENSTACK_SOURCE_CERTIFICATE, our own in OTEL_OPENSTACK_SOURCE_CLIENT_CERTIFICATE."
    )
