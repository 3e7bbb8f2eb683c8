"""Who answers whom, and which request was made for which."""

from collections.abc import Sequence

from otel_openstack.conversation.messages import exchange_of
from otel_openstack.conversation.model import Headers, Message, MessageKind
from otel_openstack.conversation.pairing import pair
from otel_openstack.importer.trace import spans_of_messages

ID = "1a2e4a3d05ce482586b9219ea2be036d"


def say(text: str, request_id: str = "") -> Message:
    """Build a message from ``"a > b GET /"`` or ``"a < b 200 /"``."""
    caller, arrow, callee, what, path = text.split(" ")
    headers: Headers = (("X-Requestshook-Request-Id", request_id),) if request_id else ()
    if arrow == ">":
        return Message(MessageKind.REQUEST, caller, callee, what, "", path, headers=headers)
    return Message(MessageKind.RESPONSE, caller, callee, "", "", path, int(what), "OK", headers)


def heard(messages: Sequence[Message]) -> list[tuple[str, str, str]]:
    """Return of each exchange its request, its response, and the request that it was made for."""
    _, spans = spans_of_messages(messages)
    result = []
    for hop in sorted(pair(spans), key=lambda hop: hop.top.start_unix_nano):
        one = exchange_of(hop)
        outer = exchange_of(hop.parent).request if hop.parent else None
        result.append(
            (
                one.request.path if one.request else "",
                one.response.path if one.response else "",
                outer.path if outer else "",
            )
        )
    return result


def test_calls_nest_by_who_is_asked() -> None:
    """A service that is being asked asks for that."""
    messages = [say("a > b GET /1"), say("b > c GET /2"), say("b < c 200 /2"), say("a < b 200 /1"), say("b > c GET /3")]
    assert heard(messages) == [("/1", "/1", ""), ("/2", "/2", "/1"), ("/3", "", "")]


def test_a_request_is_made_for_the_latest_that_is_open() -> None:
    """Two requests to one service at once."""
    messages = [say("a > b GET /1"), say("a > b GET /2"), say("b > c GET /3"), say("a < b 200 /2"), say("b > c GET /4")]
    assert [(request, outer) for request, _, outer in heard(messages)] == [
        ("/1", ""),
        ("/2", ""),
        ("/3", "/2"),
        ("/4", "/1"),
    ]


def test_ids_pair_whatever_stands_in_between() -> None:
    """Answers out of order, and one whose path the older tool did not know."""
    other = ID[::-1]
    messages = [
        say("a > b GET /1", ID),
        say("a > b GET /2", other),
        say("a < b 200 None", ID),
        say("a < b 200 /2", other),
    ]
    assert heard(messages) == [("/1", "None", ""), ("/2", "/2", "")]


def test_a_response_with_an_id_of_its_own_answers_nobody_elses_request() -> None:
    """Neither does one between other services: both stand alone."""
    messages = [say("a > b GET /1", ID), say("a < b 200 /1", ID[::-1]), say("a < c 200 /1", ID)]
    assert heard(messages) == [("/1", "", ""), ("", "/1", ""), ("", "/1", "")]


def test_without_ids_the_path_pairs_then_the_latest() -> None:
    """A path that the older tool wrote as None goes with the latest request."""
    messages = [
        say("a > b GET /1"),
        say("a > b GET /2"),
        say("a < b 200 /1"),
        say("a > b GET /3"),
        say("a < b 200 None"),
    ]
    assert heard(messages) == [("/1", "/1", ""), ("/2", "", ""), ("/3", "None", "")]


def test_repeated_messages_are_all_there() -> None:
    """The same id, the same everything, twice and out of place."""
    messages = [say("a > b GET /1", ID), say("a > b GET /1", ID), say("a < b 200 /1", ID)] * 2
    assert heard(messages) == [("/1", "", ""), ("/1", "/1", "")] * 2


def test_the_callers_span_has_the_id_that_its_header_names() -> None:
    """As the agent's propagator makes them; a repeated or broken id gets one of its own."""
    messages = [
        say("a > b GET /1", ID),
        say("a > b GET /1", ID),
        say("a > b GET /1", "0" * 32),
        say("a > b GET /1", "x"),
    ]
    trace_id, spans = spans_of_messages(messages)
    assert spans[0].span_id == ID[16:]
    assert len({each.span_id for each in spans}) == len(spans) == 8
    assert all(each.has_valid_ids and each.trace_id == trace_id for each in spans)


def test_the_url_is_made_from_the_host_header() -> None:
    """Without one there is none."""
    with_host = Message(MessageKind.REQUEST, "a", "b", "GET", "", "/p", headers=(("host", "h:9292"),))
    _, spans = spans_of_messages([with_host, say("a > b GET /1")])
    assert [each.attributes.get("url.full") for each in spans[::2]] == ["http://h:9292/p", ""]
