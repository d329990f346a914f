"""What a desktop client does over stdio beside waiting for clips: ask the person, save a clip, read, complete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp_types import ElicitResult, PromptReference, ResourceTemplateReference, TextContent, TextResourceContents

from command import ERAS, Progress, ScriptedUpstream, connect, text_of
from e2e.transports.conftest import KEY
from file_server import answer, serve_files

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

VIDEO = b"\0\0\0\x20ftypisom" + bytes(range(256)) * 8000


@pytest.mark.parametrize("era", ERAS)
async def test_a_person_agrees_and_the_clip_lands_in_their_folder(
    era: str, settings: dict[str, str], upstream: ScriptedUpstream, tmp_path: Path
):
    questions: list[str] = []

    async def agree(_context: Any, params: Any) -> ElicitResult:
        questions.append(params.message)
        return ElicitResult(action="accept" if len(questions) > 1 else "decline", content={"create": True})

    prompt = f"desktop {era} [scenario manual]"
    film = {"video_urls": ["https://example.com/film.mp4"], "prompt": prompt, "wait_seconds": 0}
    wanted = {
        "REKA_CLIPS_CONFIRM": "1",
        "REKA_CLIPS_SAVE_DIR": str(tmp_path),
        "REKA_CLIPS_ALLOW_PRIVATE_SOURCES": "1",
    }
    async with (
        serve_files({"/1.mp4": answer(VIDEO)}) as files,
        connect("stdio", era, settings=settings | wanted, elicitation_callback=agree) as client,
    ):
        declined = await client.call_tool("create_clips", film)
        assert declined.is_error
        assert "Nothing was sent" in text_of(declined)
        assert upstream.requests("POST", containing=prompt) == []
        created = (await client.call_tool("create_clips", film)).structured_content or {}
        assert len(upstream.requests("POST", containing=prompt)) == 1
        assert "From: https://example.com/film.mp4" in questions[1]

        clip = {"title": "Größe ../ zählt", "video_url": f"{files.url}/1.mp4", "caption": "c", "hashtags": []}
        upstream.set_stage(created["id"], "completed", output=[clip])
        await client.call_tool("get_clip_status", {"id": created["id"]})
        progress = Progress()
        result = await client.call_tool("save_clip", {"id": created["id"]}, progress_callback=progress)
        saved = result.structured_content or {}
        assert saved["path"] == str(tmp_path / "Größe zählt.mp4"), text_of(result)
        assert await anyio.Path(saved["path"]).read_bytes() == VIDEO
        assert progress.strictly_increases
        assert KEY not in str(files.requests)
        outside = await client.call_tool("save_clip", {"id": created["id"], "directory": "../"})
        assert "must lie within" in text_of(outside)

        uri = f"reka-clips://clips/{created['id']}"
        [contents] = (await client.read_resource(uri)).contents
        assert isinstance(contents, TextResourceContents)
        assert json.loads(contents.text)["output"][0]["video_url"] == clip["video_url"]
        [guide] = (await client.read_resource("reka-clips://guide")).contents
        assert isinstance(guide, TextResourceContents)
        assert guide.text.startswith("# Making clips")
        template = ResourceTemplateReference(uri="reka-clips://clips/{id}")
        ids = await client.complete(template, {"name": "id", "value": created["id"][:8]})
        assert created["id"] in ids.completion.values
        shapes = await client.complete(PromptReference(name="highlight_reel"), {"name": "shape", "value": "9"})
        assert shapes.completion.values == ["9:16", "9:16-split"]
        [message] = (await client.get_prompt("highlight_reel", {"link": "https://example.com/film.mp4"})).messages
        assert isinstance(message.content, TextContent)
        assert "https://example.com/film.mp4" in message.content.text
