"""What a person does with the gallery, and what comes of it on the server and at the Clip API."""

from __future__ import annotations

import re

import pytest

from gallery_host import App
from gallery_host.scenes import CAPTIONS, FILM, KEY, PROMPT, SCENES, STAGE_WORDS, TITLES, Set


def wait_for(app: App, expression: str) -> None:
    """Wait until a JavaScript expression holds in the host's page."""
    app.page.wait_for_function(f"() => {expression}")


def video(app: App, number: int = 1):
    return app.find("article", re.compile(f"^clip {number}:")).locator("video")


# A generation while it runs


def test_the_page_follows_a_generation_to_its_clips_by_itself(stage: Set, app: App):
    app.open()
    generation = stage.create(app)
    app.is_at(STAGE_WORDS["queued"])
    assert not app.find("progressbar").get_attribute("aria-valuenow"), "nothing is measured, so no number is told"
    for name in ("indexing", "processing"):
        stage.upstream.set_stage(generation, name)
        app.is_at(STAGE_WORDS[name])
    stage.upstream.set_stage(generation, "completed", output=stage.clips(2))
    app.heading("2 clips ready")
    asked = {call["name"] for call in app.log("calls")}
    assert asked == {"get_clip_status"}, "the page asked through the host, and created nothing"
    (told,) = app.log("contexts")
    assert generation in told["content"][0]["text"], "the model is told what the person sees now"


def test_the_time_so_far_moves_on(stage: Set, app: App):
    app.open()
    stage.create(app)
    app.find("timer").filter(has_text="0:02").wait_for()


def test_a_measured_share_is_shown_and_spoken_as_a_number(stage: Set, app: App):
    SCENES["processing"](stage, app)
    bar = app.find("progressbar")
    assert bar.get_attribute("aria-valuenow") == "72"
    assert (bar.get_attribute("aria-valuemin"), bar.get_attribute("aria-valuemax")) == ("0", "100")


def test_a_creation_that_the_chat_still_waits_for_is_found_and_followed(stage: Set, app: App):
    prompt = "A chat that waits"
    stage.upstream.use("manual")
    app.open()
    app.begin("create_clips", {"video_urls": [FILM], "prompt": prompt, "wait_seconds": 120})
    stage.upstream.wait_for("POST", containing=prompt)
    (generation,) = [one["id"] for one in stage.upstream.generations() if one["prompt"] == prompt]
    stage.upstream.set_stage(generation, "indexing")
    app.is_at(STAGE_WORDS["indexing"])
    assert not app.ended, "the chat's own call has no result yet"
    stage.upstream.set_stage(generation, "completed", output=stage.clips(3))
    app.heading("3 clips ready")
    assert len(stage.upstream.requests("POST", containing=prompt)) == 1


def test_a_status_that_cannot_be_read_is_told_and_asked_for_again(stage: Set, app: App):
    app.open()
    generation = stage.create(app)
    app.is_at(STAGE_WORDS["queued"])
    app.page.evaluate("() => host.break('The server is away.')")
    app.inside.get_by_text("The server is away.").wait_for()
    app.page.evaluate("() => host.break(null)")
    stage.upstream.set_stage(generation, "completed", output=stage.clips(1))
    app.heading("1 clip ready")


def test_a_page_that_the_host_takes_away_asks_no_more(stage: Set):
    with stage.app() as app:
        app.page.clock.install()
        app.open()
        stage.create(app)
        for times in (1, 2):  # before: a minute is enough for another question
            app.page.clock.run_for(60_000)
            wait_for(app, f"host.log.calls.length >= {times}")
        app.page.evaluate("() => host.teardown()")
        asked = len(app.log("calls"))
        app.page.clock.run_for(600_000)
        assert len(app.log("calls")) == asked


# Clips


def test_a_clip_plays_in_its_card_and_stops_the_one_before(stage: Set, app: App):
    SCENES["three_clips"](stage, app)
    for number in (1, 2):
        app.find("button", re.compile(f"^Play clip {number}:")).click()
        app.frame.wait_for_function(
            "number => document.querySelectorAll('video')[number - 1].currentTime > 0.1", arg=number
        )
    assert video(app, 1).evaluate("video => video.paused")
    assert video(app, 2).evaluate("video => video.controls && document.activeElement === video")


def test_why_a_clip_was_not_saved_is_told(stage: Set, app: App):
    app.open()
    stage.completed(app, 1, video_url="http://192.168.1.1/1.mp4")
    app.find("button", re.compile("^Save clip 1")).click()
    app.find("article").get_by_text("an address inside this machine").wait_for()


def test_caption_hashtags_and_link_are_copied_as_they_are(stage: Set):
    with stage.app(permissions=["clipboard-read", "clipboard-write"]) as app:
        SCENES["one_clip"](stage, app)
        wanted = {
            "caption": CAPTIONS[0],
            "hashtags": "#funny #animation #fail",
            "link": stage.site.media_url("1.mp4"),
        }
        for what, text in wanted.items():
            app.find("button", re.compile(f"^Copy the {what}")).click()
            app.find("status").filter(has_text="Copied.").wait_for()
            assert app.page.evaluate("() => navigator.clipboard.readText()") == text


def test_where_the_clipboard_is_closed_to_pages_the_old_way_still_copies(stage: Set):
    with stage.app(permissions=["clipboard-read"]) as app:
        app.page.evaluate("() => { host.grants = {} }")
        SCENES["one_clip"](stage, app)
        app.find("button", re.compile("^Copy the caption")).click()
        app.find("status").filter(has_text="Copied.").wait_for()


def test_a_link_is_opened_by_the_host(stage: Set, app: App):
    SCENES["one_clip"](stage, app)
    app.find("link", re.compile("^Open clip 1")).click()
    wait_for(app, "host.log.links.length === 1")
    assert app.log("links") == [stage.site.media_url("1.mp4")]


def test_the_expired_link_of_an_old_chat_is_renewed_by_a_click(stage: Set, app: App):
    app.open()
    generation = stage.plant()
    stage.upstream.set_stage(generation, "completed", output=stage.clips(1))
    gone = stage.site.media_url("gone.mp4")
    old = stage.clips(1, video_url=gone, poster_url=gone)
    app.show({"id": generation, "status": "completed", "backend": "reka", "output": old})
    app.find("link", gone).wait_for()
    app.find("button", "Renew the link").click()
    app.find("button", re.compile("^Play clip 1")).wait_for()
    assert video(app).evaluate("video => video.src") == stage.site.media_url("1.mp4")


def test_media_that_the_host_keeps_out_leave_the_plain_link(stage: Set, app: App):
    SCENES["blocked"](stage, app)
    for number in (1, 2):
        url = stage.site.media_url(f"{number}.mp4")
        assert app.find("link", url).get_attribute("href") == url
    assert app.find("button", re.compile("^Play")).count() == 0
    assert app.find("button", "Renew the link").count() == 0, "a new link would be kept out as well"


def test_the_host_is_asked_for_the_whole_screen(stage: Set, app: App):
    SCENES["one_clip"](stage, app)
    app.find("button", "Full screen").click()
    wait_for(app, "host.log.modes.length === 1")
    assert app.log("modes") == ["fullscreen"]


def test_a_long_caption_opens_and_closes(stage: Set, app: App):
    app.open()
    stage.completed(app, 1, caption="A very long story. " * 60)
    more = app.find("button", "Show more")
    assert more.get_attribute("aria-expanded") == "false"
    before = app.inside.locator(".caption").bounding_box()
    more.click()
    after = app.inside.locator(".caption").bounding_box()
    assert before is not None
    assert after is not None
    assert after["height"] > before["height"]
    assert app.find("button", "Show less").get_attribute("aria-expanded") == "true"


# Deleting


def test_deleting_asks_first_and_escape_keeps(stage: Set, app: App):
    app.open()
    generation = stage.completed(app, 2)
    app.find("button", "Delete").click()
    app.inside.get_by_text("Delete this generation and its 2 clips? This cannot be undone.").wait_for()
    assert app.find("button", "Keep").evaluate("button => document.activeElement === button")
    app.page.keyboard.press("Escape")
    assert app.find("button", "Delete").evaluate("button => document.activeElement === button")
    assert app.find("button", "Delete for good").count() == 0
    assert generation in [one["id"] for one in stage.upstream.generations()]

    app.find("button", "Delete").click()
    app.find("button", "Delete for good").click()
    app.heading("Deleted")
    assert generation not in [one["id"] for one in stage.upstream.generations()]
    assert "deleted generation" in app.log("contexts")[-1]["content"][0]["text"]


def test_what_could_not_be_deleted_stays_and_the_reason_is_told(stage: Set, app: App):
    app.open()
    generation = stage.completed(app, 1)
    app.find("button", "Delete").click()
    stage.upstream.set_stage(generation, "indexing")  # as a service may say that was not done after all
    app.find("button", "Delete for good").click()
    app.find("group", "Delete?").get_by_text("delete_clip").wait_for()
    app.find("button", "Keep").click()
    app.heading("1 clip ready")


# The list


def test_from_the_list_to_the_clips_and_back(stage: Set, app: App):
    SCENES["listed"](stage, app)
    rows = app.find("listitem")
    assert [row.get_by_text(re.compile("take")).count() for row in rows.all()] == [1, 1, 1, 1]
    assert app.find("button", "Delete").count() == 2, "one that runs cannot be deleted"
    rows.filter(has_text="Ready").get_by_role("button", name="View").click()
    app.heading("3 clips ready")
    assert app.frame.evaluate("() => document.activeElement.id") == "heading", "who listens is where the news is"
    app.find("button", "All generations").click()
    app.heading("Your generations")
    rows.filter(has_text="Watching it").get_by_role("button", name="View").click()
    app.is_at(STAGE_WORDS["indexing"])
    app.find("button", "All generations").click()
    rows.filter(has_text="Failed").get_by_role("button", name="Delete").click()
    app.find("button", "Delete for good").click()
    rows.filter(has_text="Failed").wait_for(state="detached")
    assert rows.count() == 3


def test_a_long_list_goes_on_by_a_click(stage: Set, app: App):
    stage.upstream.forget()
    for number in range(5):
        stage.plant(f"Number {number}")
    app.open("list_clips")
    app.call("list_clips", {"limit": 3})
    app.heading("Your generations")
    assert app.find("listitem").count() == 3
    app.find("button", "Show more").click()
    app.find("listitem").filter(has_text="Number 4").wait_for()
    assert app.find("listitem").count() == 5
    assert app.find("button", "Show more").count() == 0


# Hosts


def test_a_host_that_can_do_nothing_still_shows_all_there_is(stage: Set, app: App):
    app.open(capabilities={})
    stage.completed(app, 1)
    app.find("heading", TITLES[0]).wait_for()
    for name in ("Delete", re.compile("^Save")):
        assert app.find("button", name).count() == 0
    link = app.find("link", re.compile("^Open clip 1"))
    assert link.get_attribute("href") == stage.site.media_url("1.mp4")
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert app.log("calls") == []


def test_the_hosts_colours_are_taken_whole_or_not_at_all(stage: Set, app: App):
    half = {"--color-background-primary": "rgb(1, 2, 3)"}
    app.open(context={"styles": {"variables": half | {"--font-sans": "monospace"}}, "safeAreaInsets": {"top": 7}})
    stage.completed(app, 1)
    look = "() => { const s = getComputedStyle(document.body); return [s.backgroundColor, s.fontFamily, s.paddingTop] }"
    assert app.frame.evaluate(look) == ["rgb(255, 255, 255)", "monospace", "7px"]
    whole = half | {
        "--color-background-secondary": "rgb(30, 30, 30)",
        "--color-text-primary": "rgb(250, 250, 250)",
        "--color-text-secondary": "rgb(200, 200, 200)",
        "--color-border-primary": "rgb(90, 90, 90)",
    }
    app.tell("setContext", {"theme": "dark", "styles": {"variables": whole}})
    app.frame.wait_for_function("() => getComputedStyle(document.body).backgroundColor === 'rgb(1, 2, 3)'")
    assert app.frame.evaluate("() => getComputedStyle(document.body).color") == "rgb(250, 250, 250)"


def test_who_does_not_want_motion_gets_none(stage: Set):
    with stage.app(reduced_motion="reduce") as app:
        SCENES["queued"](stage, app)
        assert app.frame.evaluate("() => document.getAnimations().length") == 0
    with stage.app() as app:
        SCENES["queued"](stage, app)
        assert app.frame.evaluate("() => document.getAnimations().length") > 0


def test_all_of_a_card_is_reached_by_the_keyboard_in_its_order(stage: Set, app: App):
    SCENES["one_clip"](stage, app)
    app.find("button", "Full screen").focus()
    names: list[str] = []
    for _ in range(7):
        app.page.keyboard.press("Tab")
        names.append(app.frame.evaluate("() => document.activeElement.ariaLabel ?? document.activeElement.textContent"))
    kinds = [re.sub(r" (of )?clip 1:.*", "", name) for name in names]
    assert kinds == ["Delete", "Play", "Copy the caption", "Copy the hashtags", "Save", "Open", "Copy the link of"][
        :6
    ] + ["Copy the link"]
    app.find("button", re.compile("^Play")).focus()
    ring = app.frame.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"
    app.page.keyboard.press("Enter")
    app.frame.wait_for_function("() => document.querySelector('video').currentTime > 0")


def test_assistive_technology_finds_headings_lists_and_names(stage: Set, app: App):
    SCENES["three_clips"](stage, app)
    assert app.find("heading", level=2).all_inner_texts() == ["3 clips ready"]
    assert app.find("heading", level=3).all_inner_texts() == list(TITLES)
    region = app.find("region", "3 clips ready")
    cards = region.get_by_role("list").first.get_by_role("article")
    assert cards.count() == 3
    assert cards.first.get_by_text("Score 94").count() == 1
    assert cards.first.get_by_text("Length 0:24").count() == 1


@pytest.mark.parametrize("tool", ["create_clips", "get_clip_status", "list_clips"])
def test_the_page_is_bound_to_the_tools_whose_results_it_shows(app: App, tool: str):
    shown = app.open(tool)
    assert shown["mimeType"] == "text/html;profile=mcp-app"
    assert shown["meta"]["ui"]["csp"].keys() == {"resourceDomains"}, "nothing to fetch from, no frames"


def test_a_path_is_written_as_the_persons_system_does(app: App):
    app.open()
    app.show(
        {
            "id": "0", "status": "completed", "backend": "local",
            "output": [{"title": "A", "video_url": "file:///C:/Users/Me%20Too/a.mp4", "caption": "", "hashtags": []}],
        }
    )  # fmt: skip
    app.inside.get_by_text("C:\\Users\\Me Too\\a.mp4").wait_for()


def test_the_source_is_named_by_its_file_or_its_site(stage: Set, app: App):
    app.open()
    stage.completed(app, 1)
    assert app.inside.locator(".source").inner_text() == f"youtube.com · {PROMPT}"
    assert KEY not in app.frame.content()
