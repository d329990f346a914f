"""Chromium with the host's page in it, and what tests ask of the app inside."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser as ChromiumBrowser
    from playwright.sync_api import Frame, FrameLocator, Locator, Page

    from gallery_host.site import HostSite

HERE = Path(__file__).parent
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_SETTLED = """(theme) => {
  const videos = [...document.querySelectorAll("video")];
  return document.documentElement.dataset.theme === theme
    && [...document.images].every((image) => image.complete)
    && videos.every((video) => video.poster || video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA)
    && Math.abs(innerHeight - document.body.getBoundingClientRect().height) < 2;
}"""
SERIOUS = ("serious", "critical")


def chromium() -> str | None:
    """Return where Chromium is: REKA_CLIPS_CHROMIUM, or what the path holds."""
    return os.environ.get("REKA_CLIPS_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


def missing() -> str | None:
    """Return what is not on this machine and how to get it, or None if the gallery can be shown."""
    if chromium() is None:
        return "there is no Chromium: install the package `chromium`, or name one in REKA_CLIPS_CHROMIUM"
    if not (HERE / "node_modules" / ".bin" / "esbuild").exists():
        return "the host's npm packages are not installed: `make test` does, where there is npm"
    return None


def host_script() -> bytes:
    """Return the host's script, as one file."""
    esbuild = HERE / "node_modules" / ".bin" / "esbuild"
    command = [esbuild, "host.js", "--bundle", "--format=esm", "--log-level=warning"]
    return subprocess.run(command, cwd=HERE, check=True, capture_output=True).stdout


class Browser:
    """One Chromium for many pages."""

    def __init__(self, chromium_browser: ChromiumBrowser) -> None:
        self._browser = chromium_browser

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Browser]:
        from playwright.sync_api import sync_playwright

        # Containers give Chromium no sandbox of its own; what it shows here is ours.
        arguments = ["--no-sandbox", "--force-color-profile=srgb", "--font-render-hinting=none"]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
            try:
                yield cls(browser)
            finally:
                browser.close()

    @contextmanager
    def host(
        self,
        site: HostSite,
        *,
        url: str | None,
        width: int = 760,
        theme: Literal["light", "dark"] = "light",
        apps: bool = True,
        **options: Any,
    ) -> Iterator[App]:
        """Open the host's page and connect it.

        url: of the server; None: the one that the site runs over stdio. apps: whether the host says that it shows
        apps. options: of a context of Playwright's.
        """
        context = self._browser.new_context(viewport={"width": width, "height": 320}, color_scheme=theme, **options)
        try:
            page = context.new_page()
            app = App(page, site, theme)
            page.goto(f"{site.url}/host.html")
            page.evaluate("how => host.connect(how)", {"url": f"{url}/mcp" if url else None, "apps": apps})
            yield app
        finally:
            context.close()


class App:
    """The gallery in the host, and the host around it. problems: what the browser complained about."""

    def __init__(self, page: Page, site: HostSite, theme: str) -> None:
        self.page = page
        self._site = site
        self._theme = theme
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.problems.append(message.text))

    def reset(self) -> None:
        """Be as if just connected."""
        self.page.evaluate("() => host.reset()")
        self.page.set_viewport_size({"width": 760, "height": 320})
        self.problems.clear()

    def open(self, tool: str = "create_clips", *, context: dict[str, Any] | None = None, **options: Any) -> Any:
        """Show the app for a tool. context: the host's; options: capabilities, media, sandbox, said."""
        told = {"theme": self._theme, "displayMode": "inline", "availableDisplayModes": ["inline", "fullscreen"]}
        self.page.evaluate("theme => { document.documentElement.dataset.theme = theme }", self._theme)
        arguments = {"tool": tool, "sandboxUrl": self._site.sandbox_url, "context": told | (context or {})} | options
        return self.page.evaluate("options => host.open(options)", arguments)

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool as the chat does, with the app told of input and result. Returns the result."""
        return self.page.evaluate("([tool, args]) => host.call(tool, args)", [tool, arguments])

    def begin(self, tool: str, arguments: dict[str, Any]) -> None:
        """Call a tool as the chat does, and do not wait for the result; `ended` tells whether it has come."""
        begin = "([tool, args]) => { host.call(tool, args).then(() => (host.ended = true)) }"
        self.page.evaluate(begin, [tool, arguments])

    @property
    def ended(self) -> bool:
        """Whether the call that was begun has its result."""
        return self.page.evaluate("() => host.ended")

    def show(self, structured: dict[str, Any], **result: Any) -> None:
        """Give the app a result that no server of ours made."""
        text = [{"type": "text", "text": str(structured.get("message", ""))}]
        whole = {"content": text, "structuredContent": structured} | result
        self.page.evaluate("result => host.result(result)", whole)

    def tell(self, what: str, argument: Any) -> None:
        """Have the host send something: input, cancelled, setContext."""
        self.page.evaluate("([what, argument]) => host[what](argument)", [what, argument])

    def log(self, name: str) -> list[Any]:
        """Return what the app asked of the host: calls, reads, links, contexts, modes, errors."""
        return self.page.evaluate("name => host.log[name]", name)

    @property
    def inside(self) -> FrameLocator:
        return self.page.frame_locator("#app").frame_locator("iframe")

    @property
    def frame(self) -> Frame:
        """The app's own frame, to run scripts in."""
        handle = self.inside.locator("body").element_handle()
        frame = handle.owner_frame()
        assert frame is not None
        return frame

    def heading(self, text: str, *, seconds: float = 30) -> None:
        """Wait until the app is under this heading."""
        self.find("heading", text).wait_for(timeout=seconds * 1000)

    def is_at(self, step: str) -> None:
        """Wait until this stage of a running generation is the current one."""
        self.inside.locator("[aria-current=step]", has_text=step).wait_for()

    def find(self, role: Any, name: Any = None, **more: Any) -> Locator:
        """Return what assistive technology finds by role and name."""
        return self.inside.get_by_role(role, name=name, **more)

    def serious_issues(self) -> list[str]:
        """Return what axe finds serious or critical in the app."""
        axe = (HERE / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
        frame = self.frame
        frame.evaluate(axe)
        found = frame.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")["violations"]
        return [
            f"{issue['id']}: {node['html'][:120]} {node['failureSummary']}"
            for issue in found
            if issue["impact"] in SERIOUS
            for node in issue["nodes"]
        ]

    def look(self, *, theme: str, width: int) -> None:
        """Change theme and width while the app runs, and wait until it has followed."""
        self.page.set_viewport_size({"width": width, "height": 320})
        self.tell("setContext", {"theme": theme})
        self.settle(theme)

    def settle(self, theme: str | None = None) -> None:
        """Wait until the app has the theme, the first pictures of its videos, and a frame of its height."""
        self.frame.wait_for_function(_SETTLED, arg=theme or self._theme)

    def photograph(self, file: Path) -> None:
        """Write a picture of the whole host's page, as high as it is."""
        height = self.page.evaluate("() => document.documentElement.getBoundingClientRect().height")
        self.page.set_viewport_size({"width": self.page.viewport_size["width"], "height": max(1, int(height))})
        self.settle()
        self.page.screenshot(path=file, animations="disabled")

    def overflow_px(self) -> int:
        """Return how much wider the app is than its frame: 0 where nothing is cut off sideways."""
        return self.frame.evaluate("() => document.documentElement.scrollWidth - innerWidth")
