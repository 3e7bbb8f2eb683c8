"""What mkdocs calls while it builds a site: the index is written, and the diagrams' script added."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

from otel_openstack.site.index import INDEX, index, recordings
from otel_openstack.site.scripts import MERMAID, WORKER

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

_STYLE = "assets/stylesheets/site.css"
_DIAGRAMS = "assets/scripts/diagrams.js"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Name our style, and our copies of the scripts: the theme then asks no other host for them."""
    config.extra_javascript += [_place(MERMAID.name), _DIAGRAMS]
    config.extra_css.append(_STYLE)
    config.extra["polyfills"] = [_place(WORKER.name)]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the scripts, and the index behind what the author starts it with."""
    written = files.get_file_from_path(INDEX) or files.get_file_from_path("README.md")
    introduction = ""
    if written is not None:
        introduction = written.content_string
        files.remove(written)
    text = index(recordings(Path(config.docs_dir)), config.site_name, introduction)
    if not introduction:  # the name of the site stands above it already
        text = f"---\ntitle: Index\n---\n{text}"
    files.append(File.generated(config, INDEX, content=text))
    for place in (_STYLE, _DIAGRAMS):
        ours = Path(__file__).with_name(Path(place).name)
        files.append(File.generated(config, place, abs_src_path=str(ours)))
    for name, path in config.extra["scripts"].items():
        files.append(File.generated(config, _place(name), abs_src_path=path))
    return files


def _place(name: str) -> str:
    return f"assets/scripts/{name}"
