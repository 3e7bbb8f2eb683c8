"""What a pattern means."""

import pytest

from otel_openstack.conversation import conversation
from otel_openstack.conversation.patterns import Pattern
from tests.conversation.strategies import TRACE_ID, span


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        (Pattern(path=("/v2/images/{id}",)), True),
        (Pattern(path=("/v2/{id}",)), False),
        (Pattern(path=("/v2*",)), True),
        (Pattern(path=("http://192.0.2.1/v2/*",)), True),
        (Pattern(path=("/v2.images.1",)), False),
        (Pattern(method=("POST", "GET"), status=("2*",)), True),
        (Pattern(status=("404",)), False),
        (Pattern(caller=("open",)), False),
    ],
)
def test_a_pattern_fits_as_a_whole(pattern: Pattern, fits: bool) -> None:
    """``*`` is anything, ``{id}`` one segment, and everything else itself."""
    assert (
        pattern.matches(conversation(TRACE_ID, [span("openstack", "1" * 16, path="/v2/images/1")]).exchanges[0]) is fits
    )
