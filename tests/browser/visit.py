"""A visit of pages in Chromium: what they ask for, run, and show."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Dialog, Page

Scheme = Literal["light", "dark"]
PICTURES = Path("build/pictures")
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}
_REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective}`), true);
"""
# The theme hides diagrams from scripts, and from tests
_OPEN_SHADOWS = """
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (options) { return attach.call(this, { ...options, mode: "open" }); };
"""


class Visitor:
    """Opens pages, each in a context of its own.

    :ivar misdeeds: what no page may do: ask another host for something, open a dialog, meet an error.
    """

    def __init__(self, browser: Browser) -> None:
        self.misdeeds: list[str] = []
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for context in self._contexts:
            context.close()

    def open(
        self, url: str | Path, *, width: str = "desktop", scheme: Scheme = "light", is_checked: bool = False
    ) -> Page:
        """Open a file or a URL.

        :param is_checked: whether axe-core will be put into the page, which its own policy would forbid.
        """
        wide, high = WIDTHS[width]
        context = self._browser.new_context(
            viewport={"width": wide, "height": high}, color_scheme=scheme, bypass_csp=is_checked
        )
        self._contexts.append(context)
        context.add_init_script(_REPORT_VIOLATIONS + _OPEN_SHADOWS)
        page = context.new_page()
        page.on("request", lambda request: self._request(request.url))
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.misdeeds.append(f"error: {error}"))
        page.on("console", lambda message: message.type == "error" and self.misdeeds.append(f"console: {message.text}"))
        page.goto(url.resolve().as_uri() if isinstance(url, Path) else url)
        return page

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("file", "data", "blob") and parts.hostname != "127.0.0.1":
            self.misdeeds.append(f"request: {url}")

    def _dialog(self, dialog: Dialog) -> None:
        self.misdeeds.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def picture(page: Page, name: str) -> Path:
    """Keep a screenshot."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    file = PICTURES / f"{name}.png"
    page.screenshot(path=file)
    return file


def letters(page: Page) -> float:
    """Return how high the smallest letters of the Mermaid diagrams are on the screen, in CSS pixels."""
    sizes: list[float] = page.locator(".mermaid svg text").evaluate_all(
        "(texts) => texts.map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)"
    )
    return min(sizes)


def complaints(page: Page, axe: str, within: str = "html") -> list[str]:
    """Return what axe-core finds serious."""
    page.evaluate(axe)
    found = page.evaluate("(within) => axe.run(within, { preload: false })", within)
    return [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
