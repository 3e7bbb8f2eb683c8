"""The laws of updating, for generated documents, notes and recordings."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_openstack.conversation.command import Command
from otel_openstack.conversation.model import Conversation
from otel_openstack.exceptions import DocumentError
from otel_openstack.importer import import_document
from otel_openstack.merge import update
from otel_openstack.render import markdown, page
from tests.conversation.strategies import conversations, nasty_text
from tests.merge.strategies import annotated, recordings

COMMAND = Command(("openstack", "image", "save", "x"), "saved\n")
LATER = Command(("openstack", "image", "save", "y"), "failed\n", 1)


def written(conversation: Conversation, *, as_page: bool, numbers: bool) -> str:
    """Write a document or a page."""
    if as_page:
        return page.render(conversation, numbers=numbers, command=COMMAND)
    return markdown.render(conversation, numbers=numbers)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.one_of(recordings(), conversations(nasty_text())), st.booleans(), st.booleans())
def test_updating_from_the_trace_that_is_shown_changes_nothing(
    data: st.DataObject, conversation: Conversation, as_page: bool, numbers: bool
) -> None:
    """Not a byte, whatever the author added and the services sent."""
    text, _ = data.draw(annotated(written(conversation, as_page=as_page, numbers=numbers)))
    for command in (COMMAND, None):
        updated = update(text, conversation, name="x.md", command=command)
        assert updated.text == text
        assert not updated.conflicts
        assert not updated.warnings


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), recordings(), recordings(), st.booleans(), st.booleans())
def test_updating_twice_is_updating_once(
    data: st.DataObject, before: Conversation, after: Conversation, as_page: bool, numbers: bool
) -> None:
    """Every note is still there, once; the messages are those of the new recording, or the update says why not."""
    text, words = data.draw(annotated(written(before, as_page=as_page, numbers=numbers)))
    try:
        once = update(text, after, name="x.md", command=LATER)
    except DocumentError as error:
        if "equally well" not in str(error):
            raise
        return
    for word in words:
        assert once.text.count(word) == 1
    if once.conflicts:
        return
    assert update(once.text, after, name="x.md", command=LATER).text == once.text
    assert import_document(once.text).message_count == len(after.messages)
    services = [{name for m in shown.messages for name in (m.caller, m.callee)} for shown in (before, after)]
    if "client" not in text and services[0] <= services[1]:
        assert import_document(once.text).trace_id == import_document(markdown.render(after)).trace_id
