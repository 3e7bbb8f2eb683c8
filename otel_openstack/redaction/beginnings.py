"""Where values begin: after a name that a table has, by the mark that each grammar sets behind names.

Names are looked for in a lower-case copy of the text, by their last letters, and then in the table. Every expression is
linear in the length of the text: looks back have a fixed length, and what is looked for ahead is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from urllib.parse import unquote_plus

from otel_openstack.redaction.values import COLON, SPACE

Mask = Callable[[str], str]
"""What stands instead of a value."""

Found = tuple[int, Mask]
"""Where a value begins, and how it is masked."""

# The engine finds a literal at the start of an expression at once: this takes half the time of what the mark is, "\s+:
_SPACED_COLON = re.compile(r":(?<=\s:)")
_WORD = re.compile(r"(?<![\w.%-])[\w.%-]+\Z")
# Hardly anybody encodes letters, digits, dashes or underscores (RFC 3986, 2.3): where nobody does, less is looked for
_ENCODED_LETTER = re.compile("%(?:25)?(?:[46][1-9a-f]|[57][0-9a]|2d|5f|3[0-9])")
_SEPARATORS = re.compile(r"[&?;=/]")
_MOST = 64  # characters of a name, and of a percent-encoded one thrice that
# RFC 7578: the parts of a form that has files; the lengths keep it linear
_PART = re.compile(r"\bname=\"?([\w.-]{1,64})\"?[^\r\n]{0,200}(?:\r?\n[^\r\n]{1,200}){0,4}\r?\n\r?\n")


class Names:
    """Finds the values of names.

    :param masks: the names, in lower case, and how their values are masked.
    :param endings: how names end whose values are masked too, and how.
    """

    def __init__(self, masks: Mapping[str, Mask], endings: tuple[str, ...], mask_of_endings: Mask) -> None:
        self._masks = masks
        self._endings = endings
        self._mask_of_endings = mask_of_endings

    def mask_of(self, name: str) -> Mask | None:
        """Return how the values of a name in lower case are masked, ``None`` when they are not."""
        return self._masks.get(name) or (self._mask_of_endings if name.endswith(self._endings) else None)

    def in_json(self, folded: str) -> list[Found]:
        """Find ``"name":``, also in JSON within a string of JSON."""
        found = [*self._quoted(self._json_name, '"', folded)]
        if "\\" in folded or _SPACED_COLON.search(folded):
            found += self._quoted(self._other_json_name, '"', folded)
            found.sort(key=itemgetter(0))
        return found

    def in_repr(self, folded: str) -> Iterator[Found]:
        """Find ``'name':``, as repr() writes a dictionary."""
        return self._quoted(self._repr_name, "'", folded)

    def in_elements(self, folded: str) -> Iterator[Found]:
        """Find ``<name>``, with a prefix and attributes or without."""
        return self._named(self._xml_name.finditer(folded))

    def in_parts(self, folded: str) -> Iterator[Found]:
        """Find the parts of a form that has files (RFC 7578)."""
        return self._named(_PART.finditer(folded))

    def has_pairs(self, folded: str) -> bool:
        """Say whether anything in a text may be a pair with a secret."""
        return bool(self._pair_name.search(folded) or ("%" in folded and self._encoded(folded).search(folded)))

    def in_pairs(self, folded: str) -> Iterator[Found]:
        """Find ``name=``, percent-encoded or not: parameters of URLs, attributes of XML, options, arguments."""
        matches = self._pair_name.finditer(folded)
        if "%" in folded:  # letters or an equals sign that are encoded, once or twice: a URL in a query, for example
            encoded = self._encoded(folded).finditer(folded)
            matches = iter(sorted((*matches, *encoded), key=re.Match.start))
        for match in matches:
            end = match.start()
            word = _WORD.search(folded[max(0, end - 3 * _MOST) : end].rstrip(" "))
            if word is None:
                continue
            name = word[0]
            if "%" in name:
                name = _SEPARATORS.split(unquote_plus(unquote_plus(name)))[-1].lower()
            if mask := self.mask_of(name.lstrip("-")):
                yield match.end(), mask

    def _encoded(self, folded: str) -> re.Pattern[str]:
        return self._encoded_name if _ENCODED_LETTER.search(folded) else self._encoded_mark

    def _after(self, mark: str, then: str = "", letters: int = 4) -> str:
        """Return an expression for a mark, such as a quote, behind what may be a name and before something.

        Most of what is no name of ours is refused by its last characters, each looked at alone: that is the quickest,
        and quicker still once for names of all lengths.

        :param letters: how many of them; five do not take ``metadata``, which is everywhere, for ``user_data``.
        """
        ends = sorted({name[-letters:] for name in (*self._masks, *self._endings)}, key=len)
        last = zip(*(end[-len(ends[0]) :] for end in ends), strict=True)
        sets = "".join(f"[{''.join(map(re.escape, sorted(set(characters))))}]" for characters in last)
        looks = (f"(?<=(?:{'|'.join(map(re.escape, same))}){mark})" for _length, same in groupby(ends, key=len))
        return f"{mark}(?<={sets}{mark}){then}(?:{'|'.join(looks)})"

    @cached_property
    def _json_name(self) -> re.Pattern[str]:
        return re.compile(self._after('":', letters=5) + SPACE.pattern)

    @cached_property
    def _other_json_name(self) -> re.Pattern[str]:
        """Names with white space behind them, or in strings."""
        return re.compile(rf"""(?:{self._after('"', "(?=[^:])")}|{self._after(chr(92) * 2)}\\*"){COLON}""")

    @cached_property
    def _repr_name(self) -> re.Pattern[str]:
        return re.compile(rf"{self._after(chr(39))}\s*:\s*")

    @cached_property
    def _pair_name(self) -> re.Pattern[str]:
        # Any name that has a blank behind it may be one
        return re.compile(f"(?:{self._after('=')}|=(?<=[a-z] =))[ \\t]{{0,4}}")

    @cached_property
    def _encoded_mark(self) -> re.Pattern[str]:
        return re.compile(self._after("%") + "(?:25){0,3}3d")

    @cached_property
    def _encoded_name(self) -> re.Pattern[str]:
        # Any name one of whose last four characters is percent-encoded may be one
        letter = [f"(?<={percent}[2-7][0-9a-f][\\w-]{{{rest}}}MARK)" for percent in ("%", "%25") for rest in range(4)]
        encoded, plain = ("|".join(letter).replace("MARK", mark) for mark in "%=")
        return re.compile(f"(?:{self._after('%')}|%(?:{encoded}))(?:25){{0,3}}3d|=(?:{plain})[ \\t]{{0,4}}")

    @cached_property
    def _xml_name(self) -> re.Pattern[str]:
        return re.compile(rf"<(?:[\w.-]+:)?([\w.-]+)(?=[\s>]){self._after('')}[^<>]*>")

    def _named(self, matches: Iterable[re.Match[str]]) -> Iterator[Found]:
        for match in matches:
            if mask := self.mask_of(match[1]):
                yield match.end(), mask

    def _quoted(self, expression: re.Pattern[str], quote: str, folded: str) -> Iterator[Found]:
        for match in expression.finditer(folded):
            end = match.start()
            furthest = max(0, end - _MOST - 1)
            start = folded.rfind(quote, furthest, end) + 1 or furthest
            if mask := self.mask_of(folded[start:end]):
                yield match.end(), mask
