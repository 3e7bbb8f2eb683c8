"""The document's grammar, and what an author may do to it."""

import pytest

from otel_openstack.conversation.model import Body, BodyLayout, MessageKind
from otel_openstack.exceptions import DocumentError
from otel_openstack.importer.document import read
from otel_openstack.importer.lines import Lines, Read


def message(
    title: str = "GET /", number: str = "", body: str = "    none", header: str = "    Host: h", **more: str
) -> str:
    """Return one message of a document."""
    arrow = "<--" if title[:1].isdigit() else "-->"
    return f"""
### {number}{more.get("heading", title)}
`{more.get("caller", "a")}` {arrow} `b`

=== "Header"
    ``` http title="{title}" linenums="1"
{header}
    ```

=== "Body"
    ``` json title="{title}" linenums="1"
{body}
    ```

"""


def parse(text: str) -> Read:
    """Read a document."""
    return read(Lines(text, "body.md"))


def only_body(block: str) -> Body:
    """Return the body that a block holds."""
    (found,) = parse(message(body=block)).messages
    return found.body


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("GET /", ("GET", "/", None, "")),
        ("get /a b", ("get", "/a b", None, "")),
        ("GET None", ("GET", "None", None, "")),
        ("GET ", ("GET", "", None, "")),
        ("200 OK /", ("", "/", 200, "OK")),
        ("300 MULTIPLE CHOICES /identity/", ("", "/identity/", 300, "MULTIPLE CHOICES")),
        ("204 No Content None", ("", "None", 204, "No Content")),
        ("204  /x", ("", "/x", 204, "")),
        ("200 OK /a /b", ("", "/a /b", 200, "OK")),
        ("200 OK ", ("", "", 200, "OK")),
    ],
)
def test_titles(title: str, expected: tuple[str, str, int | None, str]) -> None:
    """Method and path, or status, reason and path; the older tool wrote some paths as None."""
    (found,) = parse(message(title)).messages
    assert (found.method, found.path, found.status, found.reason) == expected
    assert found.kind is (MessageKind.REQUEST if found.status is None else MessageKind.RESPONSE)


def test_headers_are_kept_whatever_they_look_like() -> None:
    """Empty values with their blank, lines without a colon, names in any case; no lines at all."""
    (found,) = parse(message(header="    Accept: \n    x-a: b: c\n    garbage\n    Content-Type:\n  short: x")).messages
    assert found.headers == (("Accept", ""), ("x-a", "b: c"), ("", "garbage"), ("", "Content-Type:"), ("  short", "x"))
    assert parse(message(header="    ")).messages[0].headers == ()
    assert parse(message(header="")).messages[0].headers == ()


@pytest.mark.parametrize(
    ("block", "layout", "content"),
    [
        ("    a\n    \n    b", BodyLayout.OURS, "a\n\nb"),
        ("    a\n\n    b", BodyLayout.BARE_BLANK_LINES, "a\n\nb"),
        ("    <html>\n <head>\n\n ### x", BodyLayout.FIRST_LINE, "<html>\n <head>\n\n ### x"),
        ('    {"a": 1}', BodyLayout.AS_IS, '{"a": 1}'),
        ("    a\n\n    \n    b", BodyLayout.FIRST_LINE, "a\n\n    \n    b"),
        ("  a\n    b", BodyLayout.OURS, "  a\nb"),
    ],
)
def test_bodies_may_stand_in_several_ways(block: str, layout: BodyLayout, content: str) -> None:
    """So that they come back as they stood, but for a first line that nobody indented."""
    assert only_body(block) == Body(content, layout=layout)


def test_an_authors_heading_does_not_end_a_message() -> None:
    """Nor does it start one: the code block's title is believed where a heading was edited."""
    text = message("GET /v2/images/4b", heading="Show the image {#show}").replace(
        "\n\n===", "\n\n#### Why\n\nprose\n\n===", 1
    )
    (found,) = parse("## Steps\n\n`a` --> `b` is shown here.\n" + text + "## (2) End\n").messages
    assert (found.method, found.path) == ("GET", "/v2/images/4b")


def test_other_tabs_and_code_are_passed_over() -> None:
    """An author's tab with a message in it, a code block in an admonition, and one at the margin."""
    extra = '=== "curl"\n    ``` bash\n### (9) GET /\n    ```\n\n!!! tip\n\n    ``` text\n    ```\n\n'
    extra += "~~~\n### (7) GET /\n~~~\n"
    assert len(parse(message("GET /1") + extra + message("200 OK /1")).messages) == 2


def test_a_message_whose_heading_is_lost_is_still_a_message() -> None:
    """Its participants and tabs tell it, and the code block's title."""
    second = message("200 OK /").replace("### 200 OK /\n", "")
    assert [found.status for found in parse(message() + second).messages] == [None, 200]


def test_a_heading_that_only_looks_like_a_message_gives_a_warning() -> None:
    """An author may write about a request; whoever imports shall know."""
    result = parse(message() + "### GET /v2/images\n\nLists images.\n")
    assert len(result.messages) == 1
    (warning,) = result.warnings
    assert warning.startswith("body.md, line 15: 'GET /v2/images' has neither participants nor tabs ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (message(number="(1) ") + message(number="(3) "), r"line 16: message \(3\) follows \(1\)"),
        (message(number="(1) ") + message(number="(1) "), r"line 16: message \(1\) follows \(1\)"),
        (message(number="(2) "), r"line 2: message \(2\) comes first"),
        (message(number="(1) ") + message(), r"line 16: message without a number follows \(1\)"),
        (message() + message(number="(1) "), r"line 16: message \(1\) follows one without"),
        (message(number="(1) ") + "### (2) 200 OK /\n", "line 15: a message without its line of participants and "),
        (message()[:-30], "line 11: this block never ends"),
        (message().split("=== \"Body\"")[0], "line 2: a message without its Body tab"),
        ("### GET /\n`a` --> `b`\n", "line 1: a message without its Header tab and Body tab"),
        (message().replace("`a` --> `b`\n", ""), "line 2: a message without its line of participants"),
        ('=== "Header"\n    ```\n    ```\n', "line 2: a Header tab that belongs to no message"),
        (message() + message().split("`b`\n")[1], "line 17: a Header tab that belongs to no message"),
        (message() + "``` text\nnever closed\n" + message(), "line 15: this code block never ends"),
        (message("20x OK /").replace("-->", "<--"), "line 2: '20x OK /' is no title of a response"),
        (message("").replace(' title=""', ""), "line 2: '' is no title of a request"),
    ],
)  # fmt: skip
def test_a_message_that_is_not_whole_is_an_error(text: str, problem: str) -> None:
    """With the name of the file and the line; nothing is left out in silence."""
    with pytest.raises(DocumentError, match=f"^body.md, {problem}"):
        parse(text)
