"""Command lines as units have them."""

from __future__ import annotations

from hypothesis import strategies as st

PROGRAMS = ("/usr/bin/x", "uwsgi", '"/opt/a b/c"', "/opt/%i/x", "/opt/$x/y")
_PREFIXES = ("", "-", "@", ":", "+", "!", "!!", "-@", "@-:+", "-:!!", "@:")
_WORDS = ("a", "--x=1", "'b c'", '"d $E"', "${F}", "%i", "\\;", '"q\\"q"', "$$G", "\\x41", "é", "#", "\\d")


@st.composite
def lines(draw: st.DrawFn, programs: tuple[str, ...] = PROGRAMS) -> str:
    """Draw a value of ExecStart= of one command, to the letter."""
    prefixes = draw(st.sampled_from(_PREFIXES))
    line = prefixes + draw(st.sampled_from(programs)) + (" name" if "@" in prefixes else "")
    for word in draw(st.lists(st.sampled_from(_WORDS))):
        line += draw(st.sampled_from((" ", "  ", "\t"))) + word
    return line
