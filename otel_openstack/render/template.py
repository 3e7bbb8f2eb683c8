"""Templates: ours, and before them those of a folder of the user's. Jinja2 fills them."""

from __future__ import annotations

import html
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otel_openstack.exceptions import SettingsError

if TYPE_CHECKING:
    from jinja2 import Environment

_OURS = Path(__file__).with_name("templates")


class Templates:
    """The templates of one form.

    :param form: what the files are called by, ``*.md`` or ``html.*``.
    :param folder: a file there goes before the one of the same name here.
    :raises SettingsError: there is no such folder, or it has no template of this form.
    """

    def __init__(self, form: str, folder: str | Path | None = None) -> None:
        if folder is not None:
            names = sorted(template.name for template in _OURS.glob(form))
            if not any((Path(folder) / name).is_file() for name in names):
                raise SettingsError(
                    f"{folder} holds no template.", hint=f"A template is called {', '.join(names)} as ours are."
                )
        self._folders = [_OURS] if folder is None else [Path(folder), _OURS]

    def fill(self, name: str, values: dict[str, Any]) -> str:
        """Fill a template.

        :raises SettingsError: it has an error, which is told with file and line.
        """
        import jinja2

        try:
            return _environment(*self._folders).get_template(name).render(values)
        except jinja2.TemplateSyntaxError as error:
            raise _template_error(f"{error.filename}, line {error.lineno}", error) from error
        except (jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise _template_error(_place(error, name), error) from error

    def text(self, name: str) -> str:
        """Return a file that is taken as it is.

        :raises SettingsError: it is not UTF-8 text, or cannot be read.
        """
        file = next(file for folder in self._folders if (file := folder / name).is_file())
        try:
            return file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise _template_error(str(file), error) from error


@lru_cache(maxsize=2)  # compiling the templates takes longer than filling them
def _environment(*folders: Path) -> Environment:
    """Return what finds and fills templates."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(folders),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # Between tags quotes need no escaping, and JSON is full of them
    environment.filters["content"] = lambda text: Markup(html.escape(text, quote=False))  # noqa: S704  escaped here
    return environment


def _place(error: Exception, name: str) -> str:
    """Return file and line of the template that an error came from: Jinja2 has them in the traceback."""
    place = name
    trace = error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.suffix in (".md", ".html"):
            place = f"{file}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _template_error(place: str, error: Exception) -> SettingsError:
    return SettingsError(f"{place}: {str(error).rstrip('.')}.", hint="Mend the template, or leave --template out.")
