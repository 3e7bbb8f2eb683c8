"""The examples of docs/document-format.md are one conversation in three forms."""

import re
from pathlib import Path

from otel_openstack.conversation import conversation
from otel_openstack.importer import import_document
from otel_openstack.render import RENDERERS

PAGE = Path(__file__).parent.parent.parent / "docs" / "document-format.md"


def example(name: str) -> str:
    """Return an example of the page."""
    found = re.search(rf"<!-- example: {name} -->\n(`{{3,}})\w+\n(.*?\n)\1\n", PAGE.read_text(), re.DOTALL)
    assert found
    return found[2]


def test_the_examples_are_what_they_say() -> None:
    """Each comes back as it stands; the log alone has the query."""
    shown = {}
    for form in ("document", "log"):
        imported = import_document(example(form))
        shown[form] = conversation(imported.trace_id, imported.spans)
    assert RENDERERS["markdown"](shown["document"]) == RENDERERS["markdown"](shown["log"]).replace(
        "    Host: 192.0.2.1:5000\n", "    Host: 192.0.2.1:5000\n    Accept: \n"
    )
    assert RENDERERS["markdown"](shown["document"]) == example("document")
    assert RENDERERS["log"](shown["log"]) == example("log")
    assert RENDERERS["diagram"](shown["document"]) == RENDERERS["diagram"](shown["log"]) == example("diagram")
