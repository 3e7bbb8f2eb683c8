"""The log's grammar."""

import pytest

from otel_openstack.conversation.model import Body, MessageKind
from otel_openstack.exceptions import DocumentError
from otel_openstack.importer.lines import Lines, Read
from otel_openstack.importer.log import read

REQUEST = "\n### (a) REQ >>> (b) : GET http://h/p?q=1\nHost: h\n\nnone\n\n"


def parse(text: str) -> Read:
    """Read a log."""
    return read(Lines(text, "run.log"))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("REQ >>> (b) : GET http://h/p?q=1", ("GET", "http://h/p?q=1", "/p", None, "")),
        ("REQ >>> (b) : GET http://h/a b", ("GET", "http://h/a b", "/a b", None, "")),
        ("REQ >>> (b) : GET None", ("GET", "None", "None", None, "")),
        ("RESP <<< (b) : 300 MULTIPLE CHOICES GET http://h/", ("GET", "http://h/", "/", 300, "MULTIPLE CHOICES")),
        ("RESP <<< (b) : 200 OK GET http://h/a GET /b", ("GET", "http://h/a GET /b", "/a GET /b", 200, "OK")),
        ("RESP <<< (b) : 200 OK GET None", ("GET", "None", "None", 200, "OK")),
        ("RESP <<< (b) : 204  PUT http://h/", ("PUT", "http://h/", "/", 204, "")),
        ("RESP <<< (b) : 404 Not Found - /x", ("", "/x", "/x", 404, "Not Found")),
        ("RESP <<< (b) : 200 None", ("", "None", "None", 200, "")),
    ],
)  # fmt: skip
def test_headings(target: str, expected: tuple[str, str, str, int | None, str]) -> None:
    """Method and URL, for responses behind status and reason."""
    (found,) = parse(f"\n### (a) {target}\n\n\nnone\n\n").messages
    assert (found.method, found.url, found.path, found.status, found.reason) == expected
    assert found.kind is (MessageKind.REQUEST if found.status is None else MessageKind.RESPONSE)
    assert (found.caller, found.callee, found.headers, found.body) == ("a", "b", (), Body())


@pytest.mark.parametrize("body", ["a", "a\n", "a\n\n\nb", "\n", "### (x) y", "`a` --> `b`"])
def test_bodies_end_where_the_message_ends(body: str) -> None:
    """Their own empty lines are theirs, in the middle of the log and at its end."""
    one = f"\n### (a) REQ >>> (b) : GET http://h/\nHost: h\n\n{body}\n\n"
    assert [found.body.content for found in parse(one + one).messages] == [body, body]


def test_missing_line_ends_at_the_end_are_forgiven() -> None:
    """An editor may have cut them."""
    for text in (REQUEST[:-1], REQUEST[:-2]):
        assert [found.body for found in parse(REQUEST + text).messages] == [Body(), Body()]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "### (a) REQ >> (b) : GET http://h/\n\n\nnone\n\n",
            "line 1: '### (a) REQ >> (b) : GET http://h/' is no heading",
        ),
        (REQUEST + "\n### (a) REQ >>> (b) : GET\n\n\nnone\n\n", "line 8: 'GET' is no request"),
        (REQUEST + "\n### (a) RESP <<< (b) : OK\n\n\nnone\n\n", "line 8: 'OK' is no response"),
        (REQUEST[:-7], "line 2: a message without its body"),
        (REQUEST[:42], "line 2: a message without its body"),
    ],
)
def test_a_message_that_is_not_whole_is_an_error(text: str, problem: str) -> None:
    """With the name of the file and the line."""
    with pytest.raises(DocumentError) as caught:
        parse(text)
    assert str(caught.value).startswith(f"run.log, {problem}")
    assert caught.value.hint
