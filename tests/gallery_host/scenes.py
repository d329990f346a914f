"""Each state of the gallery by name, and how the host, the server and the Clip API get it there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from command import CommandProcess, ScriptedUpstream
from gallery_host.browser import App, Browser, host_script
from gallery_host.films import make_films
from gallery_host.site import HostSite

KEY = "gallery-key"
FILM = "https://www.youtube.com/watch?v=aqz-KE-bpKQ"
PROMPT = "The funniest moments, one per clip"
TITLES = (
    "He did not see the apple coming",
    "The calmest morning in the forest",
    "Down by the stream",
)
CAPTIONS = (
    "One last song on the best branch in the forest. Wait for it, and mind your head when you try this at home.",
    "A cloud, a tree and nobody around: this is how a day should begin, before everything goes wrong.",
    "Sunlight on the water and flowers on both banks.",
)
STAGE_WORDS = {
    "queued": "In the queue",
    "downloading": "Fetching the video",
    "indexing": "Watching it",
    "preprocessing": "Finding the moments",
    "processing": "Cutting the clips",
}
HASHTAGS = (["funny", "animation", "fail"], ["calm", "morning"], ["nature", "animation"])


class Set:
    """The site, the scripted Clip API and the real server before it."""

    def __init__(self, site: HostSite, upstream: ScriptedUpstream, server_url: str, browser: Browser) -> None:
        self.site = site
        self.upstream = upstream
        self.server_url = server_url
        self.browser = browser
        self._films = sum(name.endswith(".mp4") for name in site.media)

    @contextmanager
    def app(self, **options: Any) -> Iterator[App]:
        """Open the host, connected to the server."""
        with self.browser.host(self.site, url=self.server_url, **options) as app:
            yield app

    def clips(self, number: int, **more: Any) -> list[dict[str, Any]]:
        """Return clips as the Clip API tells them, whose videos the site serves."""
        return [self._clip(index) | more for index in range(number)]

    def _clip(self, index: int) -> dict[str, Any]:
        which = index % len(TITLES)
        return {
            "title": TITLES[which],
            "caption": CAPTIONS[which],
            "hashtags": HASHTAGS[which],
            "ai_score": 94 - 7 * index,
            "video_url": self.site.media_url(f"{index % self._films + 1}.mp4"),
            "poster_url": self.site.media_url(f"{index % self._films + 1}.jpg"),
            "duration_seconds": 24.0 + 9 * which,
            "source_start_time": 61.0 + 75 * index,
            "width": 720,
            "height": 1280,
        }

    def create(self, app: App, *, prompt: str = PROMPT, **arguments: Any) -> str:
        """Have a generation made that goes on only as it is told. Returns its id."""
        before = {generation["id"] for generation in self.upstream.generations()}
        self.upstream.use("manual")
        wanted = {"video_urls": [FILM], "prompt": prompt, "wait_seconds": 0, "force_new": True} | arguments
        app.call("create_clips", wanted)
        (new,) = {generation["id"] for generation in self.upstream.generations()} - before
        return new

    def plant(self, prompt: str = PROMPT, *, age_seconds: float = 0) -> str:
        """Have a generation exist. Returns its id."""
        return self.upstream.plant(prompt=prompt, url=FILM, key=KEY, age_seconds=age_seconds)

    def completed(self, app: App, number: int = 3, **more: Any) -> str:
        """Show a generation with clips, as a chat that asks for its status does. more: fields of each clip."""
        new = self.plant()
        self.upstream.set_stage(new, "completed", output=self.clips(number, **more))
        app.call("get_clip_status", {"id": new})
        app.heading(f"{number} clip{'' if number == 1 else 's'} ready")
        return new


@contextmanager
def opened(folder: Path, *, films: dict[str, Path] | None = None) -> Iterator[Set]:
    """Start all that the scenes need. folder: for the server's data; films: what the clips show, else made ones."""
    with ExitStack() as stack:
        upstream = stack.enter_context(ScriptedUpstream.running())
        media = films or make_films(folder)
        site = stack.enter_context(HostSite(script=host_script(), media=media, upstream=upstream.base_url).serving())
        settings = {
            "REKA_API_KEY": KEY,
            "REKA_BASE_URL": site.url,
            "REKA_CLIPS_DATA_DIR": str(folder / "data"),
            "REKA_CLIPS_SAVE_DIR": str(folder / "saved"),
            "REKA_CLIPS_ALLOWED_ORIGINS": site.url,
            "REKA_CLIPS_TRUST_LOCAL_USERS": "1",
        }
        server = stack.enter_context(CommandProcess("--transport", "streamable-http", "--port", "0", **settings))
        browser = stack.enter_context(Browser.running())
        yield Set(site, upstream, server.url, browser)


Scene = Callable[[Set, App], None]
SCENES: dict[str, Scene] = {}
COMPLAINTS = {"expired": "status of 404", "blocked": "Content Security Policy"}  # the browser's own, part of the scene


def _scene(scene: Scene) -> Scene:
    SCENES[scene.__name__.removeprefix("_")] = scene
    return scene


@_scene
def _submitted(_: Set, app: App) -> None:
    app.open()
    app.tell("input", {"video_urls": [FILM], "prompt": PROMPT})
    app.find("progressbar").wait_for()


def _in_stage(stage: Set, app: App, name: str, **more: Any) -> None:
    app.open()
    new = stage.plant(age_seconds=84)
    stage.upstream.set_stage(new, name, **more)
    app.call("get_clip_status", {"id": new, "wait_seconds": 0})
    app.is_at(STAGE_WORDS[name])


@_scene
def _queued(stage: Set, app: App) -> None:
    app.open()
    stage.create(app)
    app.is_at(STAGE_WORDS["queued"])


@_scene
def _indexing(stage: Set, app: App) -> None:
    _in_stage(stage, app, "indexing")


@_scene
def _processing(stage: Set, app: App) -> None:
    _in_stage(stage, app, "processing", progress=0.72)
    app.inside.locator("[aria-valuenow='72']").wait_for()


@_scene
def _one_clip(stage: Set, app: App) -> None:
    app.open()
    stage.completed(app, 1)


@_scene
def _three_clips(stage: Set, app: App) -> None:
    app.open()
    stage.completed(app, 3)


@_scene
def _twelve_clips(stage: Set, app: App) -> None:
    app.open()
    stage.completed(app, 12)


@_scene
def _failed(stage: Set, app: App) -> None:
    app.open()
    new = stage.plant()
    stage.upstream.set_stage(new, "failed", error_message="The video could not be fetched: it is private.")
    app.call("get_clip_status", {"id": new})
    app.heading("No clips this time")


@_scene
def _no_clip(stage: Set, app: App) -> None:
    app.open()
    new = stage.plant()
    stage.upstream.set_stage(new, "completed", output=[])
    app.call("get_clip_status", {"id": new})
    app.heading("It finished without a clip")


@_scene
def _expired(stage: Set, app: App) -> None:
    app.open()
    stage.completed(app, 2, video_url=stage.site.media_url("gone.mp4"), poster_url=stage.site.media_url("gone.jpg"))
    app.find("button", "Renew the link").first.wait_for()


@_scene
def _blocked(stage: Set, app: App) -> None:
    app.open(media=False)
    stage.completed(app, 2)
    app.inside.get_by_text("This host does not play videos from there").first.wait_for()


@_scene
def _listed(stage: Set, app: App) -> None:
    stage.upstream.forget()
    app.open("list_clips")
    made = [stage.plant(f"{PROMPT}, take {number}") for number in range(1, 5)]
    stage.upstream.set_stage(made[0], "completed", output=stage.clips(3))
    stage.upstream.set_stage(made[1], "failed")
    stage.upstream.set_stage(made[2], "indexing")
    app.call("list_clips", {})
    app.heading("Your generations")


@_scene
def _empty_list(stage: Set, app: App) -> None:
    stage.upstream.forget()
    app.open("list_clips")
    app.call("list_clips", {})
    app.heading("No clips yet")


@_scene
def _question(stage: Set, app: App) -> None:
    app.open()
    stage.completed(app, 3)
    app.find("button", "Delete").click()
    app.find("button", "Keep").wait_for()


@_scene
def _deleted(stage: Set, app: App) -> None:
    _question(stage, app)
    app.find("button", "Delete for good").click()
    app.heading("Deleted")


@_scene
def _refused(_: Set, app: App) -> None:
    app.open()
    app.call("create_clips", {"video_urls": ["ftp://example.com/a.mp4"]})
    app.heading("That did not work")


@_scene
def _cancelled(_: Set, app: App) -> None:
    app.open()
    app.tell("input", {"video_urls": [FILM]})
    app.tell("cancelled", "user action")
    app.heading("The call was stopped")


@_scene
def _bare_host(stage: Set, app: App) -> None:
    app.open(capabilities={})
    stage.create(app)
    app.inside.get_by_text("Ask the assistant").wait_for()
