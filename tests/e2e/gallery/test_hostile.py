"""Whatever upstream writes, the page shows it as text, and nothing that it names is loaded or run."""

from __future__ import annotations

from typing import Any

import pytest

from gallery_host import App
from gallery_host.scenes import Set

TAMPERED = "() => Boolean(window.owned || parent.owned) || document.querySelectorAll('script').length !== 1"
ATTACKS = {
    "a script": "<script>window.owned = 1</script>",
    "a handler": "<img src=x onerror='window.owned = 1'>",
    "a vector image": "<svg onload=window.owned=1><animate onbegin=window.owned=1 attributeName=x dur=1s>",
    "a frame": "<iframe srcdoc='<script>parent.owned = 1</script>'></iframe>",
    "an end of everything": "</h3></article></main></body></html><script>window.owned = 1</script>",
    "entities": "&lt;script&gt;window.owned = 1&lt;/script&gt; &#60;b&#62;",
    "a template": "${window.owned = 1} {{constructor.constructor('window.owned = 1')()}}",
    "an end of a style": "</style><style>*{display:none}</style>",
}
HIDDEN = {
    "bidi": "\u202egnp.exe\u202c \u2066x\u2069",
    "zero width": "a\u200bb\u200cc\ufeff",
    "controls": "\x1b[31mred\x07\x00",
    "tags": "hello\U000e0041\U000e0042",
    "half a character": "\ud83d",
}


def clip(text: str, **more: Any) -> dict[str, Any]:
    return {"title": text, "caption": text, "hashtags": [text], "video_url": "https://example.com/a.mp4"} | more


def shown(app: App, text: str, **more: Any) -> None:
    """Show a result that did not pass our server: the page does not rely on anybody's cleaning."""
    generation = {
        "id": text, "status": "completed", "backend": "reka", "message": text, "prompt": text,
        "video_urls": [text, "https://example.com/" + text], "warnings": [text], "output": [clip(text)],
    } | more  # fmt: skip
    app.show(generation)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_markup_from_upstream_is_shown_as_it_is_written(stage: Set, app: App, attack: str):
    app.open()
    stage.completed(app, 1, title=attack, caption=attack, hashtags=[attack])
    assert app.find("heading", level=3).inner_text() == attack
    assert app.inside.locator(".caption").text_content() == attack
    assert app.frame.evaluate(TAMPERED) is False
    shown(app, attack, output=[clip(attack, video_url=stage.site.media_url("1.mp4"))])
    app.inside.locator(".warnings").wait_for()
    assert app.find("heading", level=3).inner_text() == attack
    shown(app, attack, status="failed", error_message=attack)
    app.find("heading", "No clips this time").wait_for()
    shown(app, attack, status=attack)
    app.inside.locator("[aria-current=step]").get_by_text(attack[:40]).wait_for()
    app.show({"items": [{"id": attack, "status": attack, "prompt": attack, "video_urls": [attack]}]})
    app.heading("Your generations")
    assert app.frame.evaluate(TAMPERED) is False
    assert app.problems == [], "nothing was even tried to be loaded or run"


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_what_cannot_be_seen_is_left_out(app: App, text: str):
    app.open()
    shown(app, f"before {text} after")
    app.inside.locator("article").wait_for()
    hidden = r"() => /[\p{Cf}\p{Cs}\p{Co}\0-\x08\x0e-\x1f]/u.test(document.querySelector('main').innerText)"
    assert app.frame.evaluate(hidden) is False
    assert app.find("heading", level=3).inner_text().startswith("before")


def test_right_to_left_text_does_not_turn_its_neighbours(app: App):
    app.open()
    shown(app, "שלום עולם", prompt="مرحبا")
    title = app.find("heading", level=3)
    assert title.evaluate("element => getComputedStyle(element).direction") == "rtl"
    assert app.find("button", "Full screen").evaluate("element => getComputedStyle(element).direction") == "ltr"


def test_ten_thousand_characters_break_neither_page_nor_column(stage: Set, app: App):
    app.open()
    url = stage.site.media_url("1.mp4")
    for text in ("W" * 10_000, "🎬 " * 5_000):
        stage.completed(app, 1, title=text, caption=text, hashtags=[text] * 40)
        shown(app, text, output=[clip(text, hashtags=[text] * 40, video_url=url)] * 3)
        app.heading("3 clips ready")
        app.look(theme="light", width=320)
        assert app.overflow_px() <= 0
        card = app.find("article").first.bounding_box()
        assert card is not None
        assert card["height"] < 900


@pytest.mark.parametrize(
    "url",
    ["javascript:window.owned=1", "data:text/html,<script>parent.owned=1</script>", "blob:https://a/b", "vbscript:x", "https://", 7, None],
)  # fmt: skip
def test_a_link_that_is_none_is_neither_link_nor_player(app: App, url: Any):
    app.open()
    shown(app, "x", output=[clip("x", video_url=url, poster_url=url)])
    app.find("article").get_by_text("This clip has no address yet.").wait_for()
    assert app.find("link").count() == 0
    assert app.inside.locator("video").count() == 0
    assert app.frame.evaluate(TAMPERED) is False


def test_a_result_of_any_shape_is_no_matter(app: App):
    app.open()
    nothing: list[Any] = [None, 7, "x", [], {}, {"items": [{}]}, {"items": [{"id": 7, "video_urls": 7}]}]
    broken = [{"id": "x", "status": "completed", "output": [{}]}, {"id": "x", "status": "failed", "error_message": []}]
    for structured in [*nothing, *broken]:
        app.page.evaluate("structured => host.raw(structured)", structured)
    app.show({"items": []})
    app.heading("No clips yet")
    assert app.problems == []


def test_the_page_can_load_and_run_nothing_of_its_own(app: App):
    app.open()
    tries = """async () => {
      const kept = [];
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => kept.push(effectiveDirective));
      await fetch("https://example.com/").catch(() => {});
      document.body.append(Object.assign(document.createElement("script"), { textContent: "window.owned = 1" }));
      document.body.append(Object.assign(document.createElement("style"), { textContent: "* { display: none }" }));
      document.body.append(Object.assign(document.createElement("iframe"), { src: "https://example.com/" }));
      document.body.append(Object.assign(document.createElement("div"), { innerHTML: "<img src=x onerror='window.owned = 1'>" }));
      const compile = () => {
        try { new Function("window.owned = 1")(); } catch { kept.push("eval"); }
      };
      await new Promise((done) => setTimeout(() => done(compile()), 100)); // what is run from outside may compile
      return kept;
    }"""
    kept = app.frame.evaluate(tries)
    assert {"connect-src", "script-src-elem", "style-src-elem", "frame-src", "script-src-attr", "eval"} <= set(kept)
    assert app.frame.evaluate("() => window.owned") is None


def test_messages_of_others_than_the_host_are_not_heard(app: App):
    app.open()
    app.show({"items": []})
    app.heading("No clips yet")
    forged = {"jsonrpc": "2.0", "method": "ui/notifications/tool-cancelled", "params": {}}
    app.frame.evaluate("message => window.postMessage(message, '*')", forged)
    app.frame.evaluate("() => new Promise((done) => setTimeout(done, 50))")
    app.heading("No clips yet")
