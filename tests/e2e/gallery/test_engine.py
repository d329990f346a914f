"""Clips of the embedded engine, from a real film, in the gallery: pictures and videos through the host, or by link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command import CommandProcess
from gallery_host import App
from gallery_host.films import make_film
from gallery_host.scenes import Set

pytestmark = pytest.mark.timeout(600)
OPTIONS: dict[str, Any] = {
    "generation_config": {"num_generations": 1, "min_duration_seconds": 3, "max_duration_seconds": 6},
    "rendering_config": {"resolution": 480, "subtitles": False},
    "wait_seconds": 0,
}


class Made:
    """A clip that the engine made, and the folders and settings that it was made with."""

    def __init__(self, generation: str, settings: dict[str, str]) -> None:
        self.generation = generation
        self.settings = settings


@pytest.fixture(scope="module")
def made(stage: Set, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Have a clip made over stdio, with the page watching; the server goes on for the tests."""
    folder = tmp_path_factory.mktemp("engine")
    film = make_film(folder / "the film.mp4", seconds=12, size="640x360")
    settings = {
        "REKA_CLIPS_BACKEND": "local",
        "REKA_CLIPS_DATA_DIR": str(folder / "data"),
        "REKA_CLIPS_SAVE_DIR": str(folder / "saved"),
    }
    with stage.site.stdio_server(**settings):
        with stage.browser.host(stage.site, url=None) as app:
            app.open()
            result = app.call("create_clips", {"video_urls": [film.as_uri()]} | OPTIONS)
            assert not result["isError"], result["content"]
            app.inside.get_by_text("the film.mp4").wait_for()
            app.heading("1 clip ready", seconds=300)
            generation = result["structuredContent"]["id"]
        yield Made(generation, settings)


@pytest.fixture
def engine_app(stage: Set, made: Made) -> Iterator[App]:
    """Show the clip again, as a chat that asks for its status does."""
    with stage.browser.host(stage.site, url=None) as app:
        app.open("get_clip_status")
        app.call("get_clip_status", {"id": made.generation})
        app.heading("1 clip ready")
        yield app


def test_a_file_has_its_poster_and_plays_through_the_host(engine_app: App, made: Made):
    poster = engine_app.inside.locator("img.poster")
    poster.wait_for()
    assert poster.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [270, 480]
    assert engine_app.log("reads") == [f"reka-clips://clips/{made.generation}/posters/1"], (
        "no video before it is wanted"
    )
    engine_app.find("button", re.compile("^Play clip 1")).click()
    engine_app.frame.wait_for_function("() => document.querySelector('video')?.currentTime > 0.1")
    assert engine_app.log("reads")[1:] == [f"reka-clips://clips/{made.generation}/videos/1"]
    assert engine_app.frame.evaluate("() => document.querySelector('video').videoHeight") == 854
    assert engine_app.serious_issues() == []
    assert engine_app.problems == [], "nothing that the host's policy keeps out was even tried"


def test_the_path_is_shown_and_saving_copies_the_file(engine_app: App, made: Made):
    path = Path(engine_app.inside.locator(".path").inner_text())
    assert path.is_file()
    engine_app.find("button", re.compile("^Save clip 1")).click()
    note = engine_app.find("article").get_by_text("Saved to ")
    note.wait_for()
    saved = Path(note.inner_text().removeprefix("Saved to "))
    assert saved.is_relative_to(made.settings["REKA_CLIPS_SAVE_DIR"])
    assert saved.read_bytes() == path.read_bytes()


def test_a_host_that_reads_nothing_for_the_page_leaves_path_and_hint(stage: Set, made: Made):
    with stage.browser.host(stage.site, url=None) as app:
        app.open("get_clip_status", capabilities={"serverTools": {}})
        app.call("get_clip_status", {"id": made.generation})
        app.find("article").get_by_text("Open the file with your video player.").wait_for()
        assert app.inside.locator(".path").inner_text().endswith(".mp4")
        assert app.find("button", re.compile("^Play")).count() == 0


def test_a_large_file_leaves_path_and_hint_and_still_has_its_poster(made: Made, engine_app: App):
    known = engine_app.page.evaluate("id => host.ask('get_clip_status', { id })", made.generation)["structuredContent"]
    known["output"][0]["size_bytes"] = 20 * 2**20
    engine_app.show(known)
    engine_app.find("article").get_by_text("20 MB are too much to play here (up to 16 MB).").wait_for()
    engine_app.inside.locator("img.poster").wait_for()
    assert engine_app.find("button", re.compile("^Play")).count() == 0
    assert engine_app.inside.locator(".path").inner_text().endswith(".mp4")


def test_over_http_the_same_clip_has_links_that_play_in_the_page(stage: Set, made: Made):
    settings = made.settings | {"REKA_CLIPS_ALLOWED_ORIGINS": stage.site.url}
    with (
        CommandProcess("--transport", "streamable-http", "--port", "0", **settings) as server,
        stage.browser.host(stage.site, url=server.url) as app,
    ):
        shown = app.open("get_clip_status")
        assert server.url in shown["meta"]["ui"]["csp"]["resourceDomains"]
        app.call("get_clip_status", {"id": made.generation})
        app.heading("1 clip ready")
        app.find("button", re.compile("^Play clip 1")).click()
        app.frame.wait_for_function("() => document.querySelector('video').currentTime > 0.1")
        assert app.log("reads") == []
        assert app.problems == []
