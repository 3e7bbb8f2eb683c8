"""The exchanges of a conversation as steps of a story: which was made for which, what failed, what came again.

All of it is told from what a document shows (names, titles, order, the location that a redirect names), so that a page
that is read back tells the same story, whatever spans it once came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from otel_openstack.attributes import HEADER_REQUESTSHOOK_REQUEST_ID
from otel_openstack.conversation.model import Conversation, Message, MessageKind
from otel_openstack.conversation.waiting import Waiting
from otel_openstack.render.text import name, title, visible
from otel_openstack.route import route

ISSUE, VALIDATION = "token issue", "token validation"
_MOST_LEVEL = 8
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TOKENS = "/auth/tokens"


@dataclass(slots=True, eq=False)
class Step:
    """One exchange, in the words of the page.

    :param caller: as the page shows it.
    :param callee: as the page shows it.
    :param request: the request's number, 0 when only the response is known.
    :param response: the response's number, 0 when there is none.
    :param asked: ``GET /v2/images/{image_id}``, ``""`` when only the response is known.
    :param answered: ``200 OK``, ``""`` when there is no response.
    :param purpose: ``token issue``, ``token validation`` or ``""``.
    :param depth: for how many other exchanges, one inside the other, it was made.
    :param is_failure: whether the response is an error (status 400 and above).
    :param location: where a redirect leads to.
    :param again: the number of the failed request that this one repeats, 0 for none.
    :param gap: what is missing when there is no response.
    :param at_nano: when it began, after the first message.
    :param took_nano: how long it took; 0 when there is only one message.
    """

    caller: str
    callee: str
    request: int = 0
    response: int = 0
    asked: str = ""
    answered: str = ""
    purpose: str = ""
    depth: int = 0
    is_failure: bool = False
    location: str = ""
    again: int = 0
    gap: str = ""
    at_nano: int = 0
    took_nano: int = 0
    _request_id: str = field(default="", repr=False)
    _title: str = field(default="", repr=False)

    @property
    def first(self) -> int:
        """The number of its first message."""
        return self.request or self.response

    @property
    def level(self) -> int:
        """How far it is moved in: its depth, as long as that can be looked at."""
        return min(self.depth, _MOST_LEVEL)

    @property
    def at(self) -> str:
        """When it began, after the first message: ``+0.123 s``."""
        return f"{self.at_nano / 1e9:+.3f} s"

    @property
    def took(self) -> str:
        """How long it took: ``12 ms``."""
        return f"{self.took_nano / 1e6:.0f} ms"


def steps_of(conversation: Conversation) -> list[Step]:
    """Tell the steps of a conversation, in the order of their first messages."""
    result: list[Step] = []
    waiting: Waiting[Step] = Waiting()
    failed: dict[tuple[str, str, str], int] = {}
    start = min((message.time_unix_nano for message in conversation.messages), default=0)
    for number, message in conversation.numbered():
        after = message.time_unix_nano - start
        if message.kind is MessageKind.REQUEST:
            step = _asked(number, message, waiting.cause(name(message.caller)))
            step.at_nano = after
            step.again = failed.get(_operation(step), 0)
            result.append(step)
            waiting.add(step, step.caller, step.callee, step._request_id, step._title)
            # Until it is answered, the next one of its kind may be its repetition
            continue
        caller, callee = name(message.caller), name(message.callee)
        request_id = _header(message, HEADER_REQUESTSHOOK_REQUEST_ID)
        answered = waiting.answered(caller, callee, request_id, _paths(title(message)))
        if answered is None:
            answered = Step(caller, callee, at_nano=after)
            result.append(answered)
        _answer(answered, number, message)
        answered.took_nano = max(0, after - answered.at_nano)
        if answered.is_failure:
            failed[_operation(answered)] = answered.first
        else:
            failed.pop(_operation(answered), None)
    _mark_unanswered(result)
    return result


def routed(shown: str) -> str:
    """Return a title with its route in place of the path: ``200 OK /v2/images/{image_id}``."""
    head, slash, path = shown.partition(" /")
    return f"{head} {route('/' + path)}" if slash else shown


def in_one_line(text: str) -> str:
    """Show what would not be seen, or would turn the line around."""
    return text if text.isprintable() else "".join([c if c.isprintable() else "\ufffd" for c in visible(text)])


def _asked(number: int, message: Message, parent: Step | None) -> Step:
    shown = title(message)
    asked = in_one_line(routed(shown))
    method, _, path = asked.partition(" ")
    purpose = ""
    if path.endswith(_TOKENS):
        purpose = {"POST": ISSUE, "GET": VALIDATION, "HEAD": VALIDATION}.get(method, "")
    return Step(
        name(message.caller),
        name(message.callee),
        request=number,
        asked=asked,
        purpose=purpose,
        depth=parent.depth + 1 if parent else 0,
        gap=in_one_line(message.gap),
        _request_id=_header(message, HEADER_REQUESTSHOOK_REQUEST_ID),
        _title=shown.partition(" ")[2],
    )


def _paths(shown: str) -> Iterator[str]:
    """Yield whatever may be the path in a response's title: what starts with a slash, or the last word."""
    at = shown.find(" /")
    while at >= 0:
        yield shown[at + 1 :]
        at = shown.find(" /", at + 1)
    yield shown.rpartition(" ")[2]


def _answer(step: Step, number: int, message: Message) -> None:
    step.response = number
    step.answered = in_one_line(routed(title(message)).partition(" /")[0]).rstrip()
    step.is_failure = (message.status or 0) >= 400
    if message.status in _REDIRECTS:
        step.location = name(in_one_line(_header(message, "Location")))


def _mark_unanswered(steps: Iterable[Step]) -> None:
    """Let requests that got no answer count as failed for those after them."""
    unanswered: dict[tuple[str, str, str], int] = {}
    for step in steps:
        if not step.again:
            step.again = unanswered.get(_operation(step), 0)
        if not step.response:
            unanswered[_operation(step)] = step.first
        else:
            unanswered.pop(_operation(step), None)
            step.gap = ""


def _operation(step: Step) -> tuple[str, str, str]:
    return step.caller, step.callee, f"{step.asked.partition(' ')[0]} {step._title}"


def _header(message: Message, wanted: str) -> str:
    size, wanted = len(wanted), wanted.lower()
    for key, value in message.headers:
        if len(key) == size and key.lower() == wanted:
            return visible(value)
    return ""
