"""The README against the code."""

from pathlib import Path

from otel_openstack.settings import Settings, SourceSettings, documentation

ROOT = Path(__file__).parent.parent


def settings_table(cls: type[Settings | SourceSettings]) -> str:
    """Return the table as the README must have it."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for variable, default, meaning in documentation(cls):
        shown = {"True": "on", "False": "off", "": "unset", "()": "unset"}.get(str(default), default)
        if variable.endswith(("_TIMEOUT", "_LOOKBACK")):
            shown = f"{default}s"
        rows.append(f"| `{variable}` | `{shown}` | {meaning} |")
    return "\n".join(rows)


def test_the_settings_table_is_what_the_code_reads() -> None:
    """Every setting stands in the README with its default and its meaning, and no other does."""
    readme = (ROOT / "README.md").read_text()
    assert settings_table(Settings) in readme
    assert settings_table(SourceSettings) in readme
    assert readme.count("| `OTEL_") == len(documentation(Settings)) + len(documentation(SourceSettings))


def test_every_make_target_of_the_readme_exists() -> None:
    """A command that the README names can be typed."""
    makefile = (ROOT / "Makefile").read_text()
    for target in ("demo", "test", "bench", "format", "check"):
        assert f"make {target}" in (ROOT / "README.md").read_text()
        assert f"\n{target}:" in makefile
