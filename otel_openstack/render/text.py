r"""What the forms share: titles and header lines that cannot break a line, a fence or a heading.

Whatever a hostile service sends, one message stays one message, and neither steers a terminal nor shows its text in
another order than it has. What cannot stand where it is shown is replaced by something that can be seen: in titles by
its percent-encoding, elsewhere by Unicode's picture of the control character or, where there is none, by ``\u202e``.
"""

from __future__ import annotations

import re

from otel_openstack.conversation.model import Conversation, Headers, Message, MessageKind

UNKNOWN = "-"
"""Stands for the method of a response whose request nobody recorded."""

# C1 controls, some of which terminals obey (ECMA-48), and what turns text around (UAX #9): none has a picture
_INVISIBLE = (*range(0x80, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ESCAPES = {code: f"\\u{code:04x}" for code in _INVISIBLE}
_PICTURES = {code: chr(0x2400 + code) for code in range(32)} | {127: "\u2421"} | _ESCAPES
_BODY_PICTURES = {code: picture for code, picture in _PICTURES.items() if chr(code) not in "\t\n\r"}
_JSON_ESCAPES = _ESCAPES | {127: "\\u007f"}
# Of these, RFC 3986 allows none in a path: they could end the title, or be taken for a link or for HTML
_UNSAFE = re.compile(rf"[\x00-\x1f\x7f\"`<>\[\]{''.join(map(chr, _INVISIBLE))}]")
# In a gap, which quotes names and errors of services, they would be HTML, a link or a picture
_GAP = str.maketrans("<[]", "‹()")
_LONE_RETURN = re.compile(r"\r(?!\n)")


def title(message: Message) -> str:
    """Return ``GET /path`` or ``200 OK /path``: the method or status, and the path as the callee saw it."""
    path = message.path if message.path.startswith("/") else message.path.replace(" ", "%20")
    if message.kind is MessageKind.REQUEST:
        return escaped(f"{message.method.replace(' ', '%20')} {path}")
    return escaped(f"{message.status} {reason(message)} {path}")


def target(message: Message) -> str:
    """Return ``GET http://host/path?query`` or ``200 OK GET http://host/path?query``: the URL as the caller used it."""
    url = message.url or message.path or "/"
    if "://" not in url and not url.startswith("/"):
        url = url.replace(" ", "%20")
    asked = f"{message.method.replace(' ', '%20') or UNKNOWN} {url}"
    return escaped(asked if message.kind is MessageKind.REQUEST else f"{message.status} {reason(message)} {asked}")


def reason(message: Message) -> str:
    """Return the reason phrase, which cannot be taken for the start of a path or URL."""
    return message.reason.replace(" /", " %2F").replace("://", ":%2F/")


def escaped(text: str) -> str:
    """Percent-encode what cannot stand in a title."""
    if not _UNSAFE.search(text):
        return text
    return _UNSAFE.sub(lambda unsafe: "".join([f"%{byte:02X}" for byte in unsafe.group().encode()]), text)


def name(text: str) -> str:
    """Return a service name that can stand in a code span."""
    return visible(text).replace("`", "'")


def header_block(headers: Headers) -> str:
    """Return the header lines, one for each header whatever is in it."""
    lines = [f"{key}: {value}" if key else value or ": " for key, value in headers]
    block = "\n".join(lines)
    if block.count("\n") > len(lines) - 1 > -1 or not is_plain(block):
        block = "\n".join([visible(line) for line in lines])
    return block


def gap_mark(gap: str) -> str:
    """Return the line that says what is missing of a message; to mkdocs it is an admonition."""
    return f'!!! missing "{visible(gap).translate(_GAP)}"'


def left_out_marks(conversation: Conversation) -> str:
    """Return one line for each thing that a conversation does not show, and nothing when it shows all."""
    return "".join([f"\n{gap_mark(sentence)}\n" for sentence in conversation.left_out])


def visible(line: str) -> str:
    """Show the control characters of what is to be one line."""
    return line if line.isprintable() else line.translate(_PICTURES)


def visible_text(text: str) -> str:
    """Show the control characters of a text that may have several lines; tabs and line ends stay as they are."""
    if is_plain(text):
        return text
    return _LONE_RETURN.sub("\u240d", text.translate(_BODY_PICTURES))


def visible_json(text: str) -> str:
    """Escape, as JSON itself has it, the control characters of a text that is JSON: it says what it said."""
    if text.isascii() and "\x7f" not in text:
        return text
    return text.translate(_JSON_ESCAPES)


def straight(text: str) -> str:
    """Show what would turn a text around, and nothing else."""
    return text if text.isascii() else text.translate(_ESCAPES)


def is_plain(text: str) -> bool:
    """Whether there is surely nothing in a text that needs to be shown in another way."""
    return text.replace("\n", "").isprintable()
