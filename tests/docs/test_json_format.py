"""The example of docs/json-format.md is what the code writes."""

import re
from pathlib import Path

from otel_openstack.conversation import conversation
from otel_openstack.importer import import_document
from otel_openstack.render import RENDERERS

PAGE = (Path(__file__).parent.parent.parent / "docs" / "json-format.md").read_text()


def test_the_example_is_read_and_written() -> None:
    """All but what the import does not read."""
    found = re.search(r"<!-- example: json -->\n```json\n(.*?)```\n", PAGE, re.DOTALL)
    assert found
    imported = import_document(found[1])
    shown = RENDERERS["json"](conversation(imported.trace_id, imported.spans))
    expected = found[1].replace("0af7651916cd43dd8448eb211c80319c", imported.trace_id)
    assert shown == re.sub(r'"left_out": \[.*?\]', '"left_out": []', expected, flags=re.DOTALL)
