"""The gallery finds its running generation in the list, whatever the list cuts."""

from __future__ import annotations

import json
import subprocess
from importlib.resources import files
from typing import Any

import pytest

from reka_clips.mcp_server.output.text import clean

PAGE = files("reka_clips.mcp_server.extensions.gallery").joinpath("page")
ID = "550e8400-e29b-41d4-a716-446655440000"


def found(prompt: str, listed: str) -> Any:
    """Return what the page's own function finds, run by Node."""
    item = {"id": ID, "status": "processing", "video_urls": ["https://a.example/v.mp4"], "prompt": listed}
    script = f"""{PAGE.joinpath("text.js").read_text()}
{PAGE.joinpath("finding.js").read_text()}
const host = {{ callTool: async () => ({{ structuredContent: {{ items: [{json.dumps(item)}] }} }}) }};
const args = {{ video_urls: ["https://a.example/v.mp4"], prompt: {json.dumps(prompt)} }};
console.log(JSON.stringify(await findRunning(host, args)));
"""
    run = ["node", "--input-type=module", "-"]
    return json.loads(subprocess.run(run, input=script, capture_output=True, text=True, check=True, timeout=60).stdout)


@pytest.mark.parametrize("length", [20, 199, 200, 201, 5000])
def test_a_running_generation_is_found_by_its_prompt_however_long(length: int):
    prompt = ("every goal, with the reaction of the crowd " * 200)[:length].strip()
    assert found(prompt, clean(prompt, max_characters=200)) == ID
    assert found("another wish " + prompt, clean(prompt, max_characters=200)) is None
