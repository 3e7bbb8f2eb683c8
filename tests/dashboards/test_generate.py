from __future__ import annotations

import json
import re

import pytest

from dashboards.generate import BOARDS, ROOT, files
from dashboards.grafana import COLUMNS, model
from otel_openstack import attributes

IDS = [board.uid for board in BOARDS]


@pytest.mark.parametrize(("file", "text"), list(files()), ids=lambda value: getattr(value, "name", ""))
def test_what_is_generated_is_current(file, text):
    assert file.read_text() == text, "python -m dashboards.generate"


def test_nothing_else_lies_beside_it():
    folders = (ROOT / "dashboards" / "json", ROOT / "docs" / "dashboards")
    assert {file for folder in folders for file in folder.iterdir()} == {file for file, _ in files()}


@pytest.mark.parametrize("board", BOARDS, ids=IDS)
def test_panels_fill_the_width_and_do_not_overlap(board):
    taken = set()
    for panel in model(board)["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        taken |= cells
    height = 1 + max(y for _, y in taken)
    assert taken == {(x, y) for x in range(COLUMNS) for y in range(height)}


@pytest.mark.parametrize("board", BOARDS, ids=IDS)
def test_each_panel_has_a_question_and_a_title_of_its_own(board):
    panels = [panel for row in board.rows for panel in row.panels]
    assert len({panel.title for panel in panels}) == len(panels)
    assert all(panel.question.endswith((".", "?")) for panel in panels)


@pytest.mark.parametrize("board", BOARDS, ids=IDS)
def test_spans_are_asked_for_attributes_that_the_agent_writes(board):
    known = {value for name, value in vars(attributes).items() if name.isupper() and isinstance(value, str)}
    asked = set(re.findall(r"\b(?:span|resource)\.([\w.]*\w)", json.dumps(model(board))))
    assert asked <= known


@pytest.mark.parametrize("board", BOARDS, ids=IDS)
def test_links_lead_to_dashboards_that_exist(board):
    provisioned = (ROOT / "dashboards" / "provisioning" / "datasources.yaml").read_text()
    alerts = (ROOT / "dashboards" / "alerts.yaml").read_text()
    linked = re.findall(r"/d/([\w-]+)", json.dumps(model(board)) + provisioned + alerts)
    assert set(linked) <= set(IDS)
