"""The lines of a document."""

import pytest

from otel_openstack.importer.lines import Lines, is_log

LOG = "\n### (a) REQ >>> (b) : GET http://h/\n\n\nnone\n\n"
DOCUMENT = '\n### GET /\n`a` --> `b`\n\n=== "Header"\n'


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb\r\nc", ["a", "b\r", "c"]),
        ("a\r\nb\r\nc\rd", ["a", "b", "c\rd"]),
        ("\r\na\r\n", ["", "a", ""]),
        ("\ufeffa\u2028b", ["a\u2028b"]),
    ],
)
def test_the_first_line_tells_how_lines_end(text: str, lines: list[str]) -> None:
    """A carriage return inside a body of a file with LF is the body's."""
    assert Lines(text, "x").all == lines


def test_the_first_message_tells_a_log_from_a_document() -> None:
    """A page that shows a log in a code block is a document, a log whose body is a document is a log."""
    assert is_log(Lines(LOG, "x"))
    assert is_log(Lines(LOG.replace("none", DOCUMENT), "x"))
    assert not is_log(Lines(f"```{LOG}```\n{DOCUMENT}", "x"))
    assert not is_log(Lines(DOCUMENT + LOG, "x"))
    assert not is_log(Lines("", "x"))
