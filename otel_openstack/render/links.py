"""Links from a document to where its trace can be browsed: Jaeger, and Grafana's Explore.

A document has them in one line above its messages, which a later recording finds again and renews.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

from otel_openstack.conversation.model import Conversation
from otel_openstack.exceptions import SettingsError

LINE = re.compile(r"Trace `(?P<trace_id>[0-9a-f]{32})`(?:: \[\w+\]\(\S+\)(?:, \[\w+\]\(\S+\))*)?")
"""What :func:`line` writes."""

_MARGIN = 60_000  # milliseconds around the messages: the clocks of their hosts differ
_HINT = "Give jaeger+http://HOST:16686 or grafana+http://HOST:3000?datasource=UID (tempo)."


@dataclass(frozen=True, slots=True)
class Viewer:
    """A place where traces are browsed.

    :param name: what a link is called: ``Jaeger`` or ``Grafana``.
    :param base: its URL, without a slash at the end.
    :param datasource: the uid of Grafana's data source for traces.
    """

    name: str
    base: str
    datasource: str = ""

    def url(self, conversation: Conversation) -> str:
        """Return the URL of a conversation's trace."""
        return self.base + _PATHS[self.name](self, conversation)


def _in_jaeger(_viewer: Viewer, conversation: Conversation) -> str:
    return f"/trace/{conversation.trace_id}"


def _in_grafana(viewer: Viewer, conversation: Conversation) -> str:
    """Write a URL of Explore (Grafana 10 and later: schemaVersion 1); a data source may search by time, too."""
    times = [message.time_unix_nano // 10**6 for message in conversation.messages if message.time_unix_nano]
    first, last = (str(min(times) - _MARGIN), str(max(times) + _MARGIN)) if times else ("now-30d", "now")
    source = {"type": "tempo", "uid": viewer.datasource}
    query = {"refId": "A", "datasource": source, "queryType": "traceql", "query": conversation.trace_id}
    pane = {"datasource": viewer.datasource, "queries": [query], "range": {"from": first, "to": last}}
    panes = json.dumps({"trace": pane}, separators=(",", ":"))
    return f"/explore?schemaVersion=1&panes={quote(panes, safe='')}&orgId=1"


_PATHS: dict[str, Callable[[Viewer, Conversation], str]] = {"Jaeger": _in_jaeger, "Grafana": _in_grafana}
_DATASOURCES = {"Jaeger": "", "Grafana": "tempo"}  # as dashboards/provisioning calls it


def viewer(text: str) -> Viewer:
    """Read the address of a viewer: ``jaeger+http(s)://…``, or ``grafana+http(s)://…?datasource=UID``.

    :raises SettingsError: it is none, or it holds a password, which the readers of a document would have then.
    """
    kind, _, address = text.partition("+")
    name = kind.capitalize()
    try:
        url = urlsplit(address)
        has_host = bool(url.hostname)
    except ValueError:
        has_host = False
    if name not in _PATHS or not has_host or url.scheme not in ("http", "https") or not _is_plain(address):
        raise SettingsError(f"{text!r} is no place where traces are browsed.", hint=_HINT)
    if "@" in url.netloc:
        raise SettingsError(f"The link to {url.hostname} has a user or password in it.", hint=_HINT)
    base = f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}"
    return Viewer(name, base, parse_qs(url.query).get("datasource", [_DATASOURCES[name]])[0])


def _is_plain(address: str) -> bool:
    """Whether nothing in an address could end a link in Markdown."""
    return address.isascii() and not re.search(r"[\s()<>\"'`\\]", address)


def line(conversation: Conversation, viewers: Sequence[Viewer]) -> str:
    """Write the line of a document that links to its trace."""
    links = ", ".join(f"[{each.name}]({each.url(conversation)})" for each in viewers)
    return f"Trace `{conversation.trace_id}`{f': {links}' if links else ''}"


def renewed(lines: Sequence[str], conversation: Conversation, viewers: Sequence[Viewer]) -> list[str]:
    """Return what stands above the messages of a document with its link for a new recording.

    Without viewers the link to an older trace goes, as it would lead to what the document no longer shows.
    """
    result, written = list(lines), line(conversation, viewers)
    found = {number: match for number, text in enumerate(lines) if (match := LINE.fullmatch(text))}
    for number, match in found.items():
        if viewers or match["trace_id"] != conversation.trace_id:
            result[number] = written
    if viewers and not found:
        title = next((number + 1 for number, text in enumerate(lines) if text.startswith("# ")), 0)
        result[title:title] = ["", written] if title else [written, ""]
    return result
