"""A client that knows nothing of MCP Apps gets the same tools and the same answers as one that does."""

from __future__ import annotations

from gallery_host.scenes import Set


def test_hosts_without_apps_see_nothing_different(stage: Set):
    generation = stage.plant()
    stage.upstream.set_stage(generation, "completed", output=stage.clips(2))
    answers = []
    for apps in (True, False):
        with stage.browser.host(stage.site, url=stage.server_url, apps=apps) as app:
            tools = app.page.evaluate("() => host.tools")
            asked = [
                ("get_clip_status", {"id": generation}),
                ("list_clips", {"limit": 5}),
                ("create_clips", {"video_urls": []}),
            ]
            results = [app.page.evaluate("([tool, args]) => host.ask(tool, args)", list(pair)) for pair in asked]
            answers.append((tools, results))
    with_apps, without = answers
    assert with_apps == without
    for result in without[1]:
        text = "".join(block.get("text", "") for block in result["content"])
        assert text, "all of it is there as text"
        assert "ui://" not in str(result)
    assert all(clip["video_url"] in str(without[1][0]["content"]) for clip in stage.clips(2))
