"""Links to where a trace can be browsed."""

import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from hypothesis import given

from otel_openstack.conversation.model import Conversation
from otel_openstack.importer import import_document
from otel_openstack.render import html, markdown
from otel_openstack.render.links import line, renewed, viewer
from tests.conversation.strategies import conversations, nasty_text
from tests.golden.cases import CASES

UNTIMED = CASES["image-list"]()
TIMED = replace(
    UNTIMED,
    messages=tuple(
        replace(message, time_unix_nano=(1_700_000_000_000 + number) * 10**6)
        for number, message in enumerate(UNTIMED.messages)
    ),
)
VIEWERS = (viewer("jaeger+https://jaeger.lab/base/"), viewer("grafana+http://[::1]:3000"))


def test_grafana_opens_the_trace_in_explore_around_its_time() -> None:
    """One pane, one query by trace id, a minute around the messages; its provisioned Tempo unless another is named."""
    told = TIMED
    url = urlsplit(VIEWERS[1].url(told))
    assert url._replace(query="").geturl() == "http://[::1]:3000/explore"
    query = parse_qs(url.query, strict_parsing=True)
    assert query.keys() == {"schemaVersion", "panes", "orgId"}
    (pane,) = json.loads(query["panes"][0]).values()
    assert pane["range"] == {"from": "1699999940000", "to": f"{1_700_000_060_000 + len(told.messages) - 1}"}
    (asked,) = pane["queries"]
    assert (asked["query"], asked["datasource"]["uid"]) == (told.trace_id, "tempo")
    assert viewer("grafana+https://lab?datasource=traces").url(told).count("traces") == 2


def test_a_trace_without_times_is_looked_for_in_the_last_month() -> None:
    """A document of the older tool has none."""
    assert "now-30d" in VIEWERS[1].url(UNTIMED)


@given(conversations(nasty_text()))
def test_a_link_is_no_message(conversation: Conversation) -> None:
    """Whoever reads the document passes it over."""
    shown = markdown.render(conversation)
    linked = f"{line(conversation, VIEWERS)}\n{shown}"
    assert import_document(linked).trace_id == import_document(shown).trace_id


def test_a_link_is_added_below_the_title_or_above_everything() -> None:
    """Where it would have been written."""
    told = CASES["image-list"]()
    linked = line(told, VIEWERS)
    assert renewed(["# Title", "", "prose"], told, VIEWERS) == ["# Title", "", linked, "", "prose"]
    assert renewed(["prose"], told, VIEWERS) == [linked, "", "prose"]
    assert renewed(["prose"], told, ()) == ["prose"]


def test_html_links_without_telling_where_from() -> None:
    """The referrer of a file can be a secret path."""
    told = CASES["image-list"]()
    shown = html.render(told, viewers=VIEWERS)
    assert f'<a href="https://jaeger.lab/base/trace/{told.trace_id}" rel="noreferrer">Jaeger</a>, <a href=' in shown
