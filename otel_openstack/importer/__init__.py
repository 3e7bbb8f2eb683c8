"""Text -> spans: documents and logs, of this package and of the older tool, become traces (docs/document-format.md).

Beside it stand the readers of text, :mod:`.document`, :mod:`.log` and :mod:`.json`, which are the inverses of those of
the same form in :mod:`otel_openstack.render`, and :mod:`.trace`, which finds out which response answers which request,
and for which other request that one was made.
"""

from __future__ import annotations

from dataclasses import dataclass

from otel_openstack.exceptions import DocumentError
from otel_openstack.importer import document, json, log, trace
from otel_openstack.importer.lines import Lines, is_log
from otel_openstack.otlp import Span


@dataclass(frozen=True, slots=True)
class Imported:
    """What a document holds.

    :param trace_id: 32 hex digits, derived from the messages: the same conversation is one trace, however often and
        with whatever notes around it it is imported.
    :param spans: two a message pair: the caller's and the callee's.
    :param message_count: how many messages were read.
    :param warnings: one sentence for each thing that a reader should look at.
    """

    trace_id: str
    spans: list[Span]
    message_count: int
    warnings: tuple[str, ...] = ()


def import_document(text: str, *, name: str = "document") -> Imported:
    """Read a document, a log or our JSON; which of them it is shows in its first message, or its first character.

    :param text: the file, with its line ends as they are (LF or CRLF).
    :param name: what errors call it.
    :raises DocumentError: the text breaks the grammar, holds no message, or its numbers skip or go back.
    """
    if json.is_json(text):
        read = json.read(text, name)
    else:
        lines = Lines(text, name)
        read = (log.read if is_log(lines) else document.read)(lines)
    if not read.messages:
        raise DocumentError(
            f"{name} holds no message.",
            hint='A message is a heading such as "### GET /path" with its participants and tabs, or a log\'s.',
        )
    trace_id, spans = trace.spans_of_messages(read.messages, read.links)
    return Imported(trace_id, spans, len(read.messages), tuple(read.warnings))
