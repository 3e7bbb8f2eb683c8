"""The command that a trace is about: into the attributes of its root span, and out of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from otel_openstack.attributes import OPENSTACK_CONSOLE_OUTPUT, PROCESS_COMMAND_ARGS, PROCESS_EXIT_CODE
from otel_openstack.otlp import AttributeValue, Span
from otel_openstack.redaction import Masking
from otel_openstack.redaction.values import MASK

_SECRET_OPTION = re.compile(
    r"-+[\w-]*(?:password|passphrase|passcode|secret|token|private-key)(?P<value>=.*)?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Command:
    """A command that was recorded.

    :param arguments: the program, without its folder, and its arguments; secrets masked.
    :param output: what the terminal showed, as plain text, secrets masked.
    :param exit_code: its exit code.
    """

    arguments: tuple[str, ...]
    output: str = ""
    exit_code: int = 0

    def attributes(self) -> dict[str, AttributeValue]:
        """Return what the root span of its trace tells of it."""
        return {
            PROCESS_COMMAND_ARGS: self.arguments,
            OPENSTACK_CONSOLE_OUTPUT: self.output,
            PROCESS_EXIT_CODE: self.exit_code,
        }


def command_of(spans: Iterable[Span]) -> Command | None:
    """Return the command that a trace was recorded of, ``None`` when its spans do not tell."""
    for span in spans:
        arguments, output = (span.attributes.get(key) for key in (PROCESS_COMMAND_ARGS, OPENSTACK_CONSOLE_OUTPUT))
        if not span.parent_span_id and isinstance(arguments, tuple) and arguments and isinstance(output, str):
            code = span.attributes.get(PROCESS_EXIT_CODE)
            return Command(tuple(map(str, arguments)), output, code if isinstance(code, int) else 0)
    return None


def masked_arguments(command: Sequence[str], rules: Masking) -> tuple[str, ...]:
    """Return a command line that can be shown: the program without its folder, values of secret options masked."""
    program, *arguments = command
    result = [PurePath(program).name]
    is_secret = False
    for argument in arguments:
        option = _SECRET_OPTION.fullmatch(argument)
        if is_secret and not argument.startswith("-"):
            result.append(MASK)
        elif option and option["value"]:
            result.append(f"{argument.partition('=')[0]}={MASK}")
        else:
            result.append(rules.body(argument))
        is_secret = option is not None and not option["value"]
    return tuple(result)
