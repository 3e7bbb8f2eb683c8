"""A new recording into a page or document that an author has written in: whatever the author added stays where it was.

Three texts are merged: what the document's own messages make (they are read from it, so nothing else has to be kept),
the document as it is, and what the new recording makes. So what differs between the first two is the author's, and what
differs between the first and the third is the recording's. Messages belong together by meaning (:mod:`.matching`).

Two laws hold: a document that is updated from the very trace that it shows does not change, and updating twice is
updating once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from otel_openstack.conversation.command import Command
from otel_openstack.conversation.model import Conversation, Message
from otel_openstack.exceptions import DocumentError
from otel_openstack.importer.lines import GAP
from otel_openstack.merge.annotated import Annotated, Place, Section, parts
from otel_openstack.merge.matching import Ambiguities, match
from otel_openstack.merge.mentions import Mentions
from otel_openstack.merge.message import Carrier, are_alike, units_of_draft, units_of_text
from otel_openstack.merge.sections import Sections
from otel_openstack.merge.threeway import merge
from otel_openstack.render import links
from otel_openstack.render.markdown import message_text
from otel_openstack.render.page import Page
from otel_openstack.render.text import gap_mark, title
from otel_openstack.render.text import name as shown_name

ORPHANS = "## Notes without a message"
"""The heading over notes whose message the newest recording does not have."""
_NEW_LABEL = "new recording"


@dataclass(frozen=True, slots=True)
class Updated:
    """An updated document.

    :param text: the whole of it, with the line ends that it had.
    :param conflicts: how many places show both versions, as ``git merge`` does.
    :param warnings: one sentence for each thing that its author should look at.
    """

    text: str
    conflicts: int
    warnings: tuple[str, ...]


def is_page(text: str, name: str) -> bool:
    """Whether a document is a page: its sections are marked.

    :raises DocumentError: it cannot be updated.
    """
    return Annotated(text, name).is_page


def update(
    text: str,
    conversation: Conversation,
    *,
    name: str,
    command: Command | None = None,
    templates: str | Path | None = None,
    viewers: Sequence[links.Viewer] = (),
) -> Updated:
    """Merge a new recording into a document or page.

    :param text: the file, with its line ends as they are (LF or CRLF).
    :param name: what errors and conflicts call it.
    :param command: what was run; without it a page keeps the command that it tells.
    :param templates: as for :func:`otel_openstack.render.page.render`.
    :param viewers: where the document says that its trace can be browsed; without them it no longer links to another.
    :raises DocumentError: it cannot be read or is in conflict already, or notes match two messages equally well.
    :raises SettingsError: a template has an error.
    """
    first_end = text.find("\n")
    line_end = "\r\n" if text[:first_end].endswith("\r") else "\n"
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    merging = _Merging(Annotated(text, name), conversation, name, command, templates)
    merging.document.head = links.renewed(merging.document.head, conversation, viewers)
    return Updated(mark + merging.text().replace("\n", line_end), merging.conflicts, tuple(merging.warnings))


class _Merging:
    """One merge on its way."""

    def __init__(
        self,
        document: Annotated,
        conversation: Conversation,
        name: str,
        command: Command | None,
        templates: str | Path | None,
    ) -> None:
        self.document = document
        self.places = document.places
        self.name = name
        self.labels = (name, _NEW_LABEL)
        self.conflicts = 0
        self.warnings: list[str] = []
        old = [place.message for place in self.places]
        titles = [place.title for place in self.places]
        self.matches = match(old, titles, conversation.messages)
        named = replace(conversation, messages=tuple(self._named(conversation.messages, old)), exchanges=())
        services = [(alias, known) for known, alias in self.matches.names.items()]
        self.is_page, numbers = document.is_page, document.is_numbered
        self.old = Page(Conversation("", tuple(old)), numbers=numbers, templates=templates, services=services)
        self.new = Page(named, numbers=numbers, command=command, templates=templates, services=services)
        self._settle(Ambiguities(old, titles, named.messages, self.matches.to_new))
        numbers_now = {before + 1: after + 1 for before, after in self.matches.to_new.items()}
        gone = frozenset(range(1, len(old) + 1)) - numbers_now.keys()
        self.mentions = Mentions(numbers_now, gone)
        self.sections = Sections(
            self.old, self.new, Page(conversation, templates=templates), self.mentions, self.labels
        )

    def text(self) -> str:
        """Merge everything."""
        lines = self._around(self._with_left_out(self.document.head))
        to_old = self.matches.to_old
        for number in range(1, len(self.new.conversation.messages) + 1):
            index = to_old.get(number - 1)
            if index is None:
                lines += ["", *self._shown(self.new, number).strip("\n").split("\n"), ""]
                continue
            place = self.places[index]
            lines += self._around(place.before)
            lines += self._message(index, number)
            lines += self._around(place.after)
        lines += self._around(self.document.tail)
        lines = self._with_orphans(lines)
        if self.mentions.lost:
            told = ", ".join(f"({number})" for number in sorted(self.mentions.lost))
            self.warnings.append(f"The text mentions messages that are no more, now with a question mark: {told}.")
        if self.conflicts:
            places = "1 place is" if self.conflicts == 1 else f"{self.conflicts} places are"
            self.warnings.append(f"{places} in conflict: look for <<<<<<< in {self.name}.")
        return "\n".join(lines)

    def _with_left_out(self, head: list[str]) -> list[str]:
        """Let a document say what the new recording leaves out; a page has its steps for that."""
        told = [index for index, line in enumerate(head) if GAP.fullmatch(line)]
        wanted = [gap_mark(sentence) for sentence in self.new.conversation.left_out]
        if self.is_page or [head[index] for index in told] == wanted:
            return head
        gone = {*told, *(index - 1 for index in told if index and not head[index - 1])}
        place = min(gone, default=len(head))
        kept = [line for index, line in enumerate(head) if index not in gone]
        return [*kept[:place], *(line for mark in wanted for line in ("", mark)), *kept[place:]]

    def _named(self, messages: tuple[Message, ...], old: list[Message]) -> list[Message]:
        """Call the participants what the author calls them."""
        to_old, names = self.matches.to_old, self.matches.names

        def renamed(place: int, message: Message) -> Message:
            index = to_old.get(place)
            if index is not None:
                return replace(message, caller=old[index].caller, callee=old[index].callee)
            caller, callee = shown_name(message.caller), shown_name(message.callee)
            return replace(message, caller=names.get(caller, caller), callee=names.get(callee, callee))

        return [renamed(place, message) for place, message in enumerate(messages)]

    def _settle(self, ambiguities: Ambiguities) -> None:
        """Find the one message that notes belong to, where several would do."""
        for index, place in enumerate(self.places):
            # First what is settled for each message by itself: thousands may be alike
            if not self._is_noted(index) or len(ambiguities.candidates(index)) < 2:
                continue
            settled = ambiguities.settled(index)
            if settled is None:
                numbers = " or ".join(f"({found + 1})" for found in ambiguities.candidates(index))
                raise self.document.lines.error(
                    place.start,
                    f"the notes of this message could belong to {numbers} of the new recording, "
                    "which match it equally well",
                    "Take these notes out, update, and put them back where they belong.",
                )
            partner = ambiguities.partner(index, settled)
            self.matches.to_new[index] = settled
            if partner is not None and partner[1] in ambiguities.candidates(partner[0]):
                self.matches.to_new[partner[0]] = partner[1]

    def _is_noted(self, index: int) -> bool:
        place = self.places[index]
        return place.is_annotated or not are_alike(self.document.text_of(place), self._old_lines(index))

    def _old_lines(self, index: int) -> list[str]:
        return self._shown(self.old, index + 1).strip("\n").split("\n")

    def _shown(self, page: Page, number: int) -> str:
        if self.is_page:
            return page.message(number)
        message = page.conversation.messages[number - 1]
        return message_text(message, f"({number}) " if page.numbers else "")

    def _message(self, index: int, number: int) -> list[str]:
        """Merge one message."""
        place = self.places[index]
        ours = self.document.text_of(place)
        text = self._shown(self.new, number)
        theirs = text.strip("\n").split("\n")
        if are_alike(ours, theirs):
            return ours
        base = self._shown(self.old, index + 1)
        if are_alike(ours, base.strip("\n").split("\n")):
            return theirs
        carrier = Carrier(place.title, title(self.new.conversation.messages[number - 1]), self.mentions)
        units = units_of_draft(self.document.lines.all, place.start, place.draft)
        known = {unit.key for unit in units_of_text(base)}
        # What the author added is prose: the numbers in it follow
        units = [unit if unit.key in known else replace(unit, lines=self._prose(unit.lines)) for unit in units]
        merged = merge(units_of_text(base), units, units_of_text(text), both=carrier, labels=self.labels)
        self.conflicts += merged.conflicts
        for line in carrier.lost_highlights:
            self.warnings.append(f"Message ({number}): highlighted line {line} is no more.")
        return merged.lines

    def _prose(self, lines: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.mentions.line(line) for line in lines)

    def _around(self, lines: list[str]) -> list[str]:
        """Merge the sections in what stands around messages; the rest is the author's."""
        result: list[str] = []
        for part in parts(lines, self.name):
            if isinstance(part, Section):
                merged = self.sections.merged(part.name, part.lines)
                self.conflicts += merged.conflicts
                result += merged.lines
            else:
                result += self.mentions.lines(part)
        return result

    def _with_orphans(self, lines: list[str]) -> list[str]:
        """Put what has no message any more at the end."""
        orphans: list[str] = []
        count = 0
        for index, place in enumerate(self.places):
            if index not in self.matches.to_new and (notes := self._notes(index, place)):
                message = place.message
                asked = f"`{shown_name(message.caller)}` → `{shown_name(message.callee)}`: `{place.title}`"
                orphans += ["", asked, "", *notes]
                count += 1
        if not orphans:
            return lines
        messages = "a message that is" if count == 1 else f"{count} messages that are"
        self.warnings.append(f"The notes of {messages} no more stand at the end, under {ORPHANS[3:]!r}.")
        while lines and not lines[-1].strip():
            lines.pop()
        headings = [line for line in lines if line.startswith("## ")]
        start = [] if headings[-1:] == [ORPHANS] else ["", "", ORPHANS]
        return [*lines, *start, *orphans, ""]

    def _notes(self, index: int, place: Place) -> list[str]:
        """Return all that an author wrote about a message, without the empty lines around it."""
        units = units_of_draft(self.document.lines.all, place.start, place.draft)
        carrier = Carrier(place.title, place.title, self.mentions)
        inside = carrier.edited(units, units_of_text(self._shown(self.old, index + 1)))
        pieces = (self._around(place.before), list(self._prose(tuple(inside))), self._around(place.after))
        stripped = [piece for piece in map(_stripped, pieces) if piece]
        return [line for piece in stripped for line in ("", *piece)][1:]


def _stripped(lines: list[str]) -> list[str]:
    """Return lines without the empty ones around them."""
    told = [index for index, line in enumerate(lines) if line.strip()]
    return lines[told[0] : told[-1] + 1] if told else []


def refuse_unless_page(text: str, name: str) -> None:
    """Refuse to update what is no page as one.

    :raises DocumentError: the comments that mark its sections are missing.
    """
    if not is_page(text, name):
        raise DocumentError(
            f"{name} has no section marked with <!-- otel-openstack:… -->: it is a document and no page.",
            hint="Update it with --format markdown, or write a page beside it with --format page -o.",
        )
