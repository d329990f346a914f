"""The TypeScript SDK's client over stdio: progress must never reach it together with the result.

Such a notification is one of an unknown token to it, and Cursor, for one, gives up a server after some of them. Source:
modelcontextprotocol/typescript-sdk#2580.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from command.process import COMMAND, ScriptedUpstream, environment

pytestmark = pytest.mark.timeout(600)

HERE = Path(__file__).resolve().parents[2] / "node_client"
CALLS = 100


@pytest.fixture
def upstream():
    with ScriptedUpstream.running() as running:
        yield running


def call_all(upstream: ScriptedUpstream, calls: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the client saw: its protocol errors, the progress and the result of every call."""
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules" / "@modelcontextprotocol" / "sdk").is_dir():
        pytest.skip("the client's npm packages are not installed: `make test` does, where there is npm")
    settings = {"REKA_API_KEY": "key", "REKA_BASE_URL": upstream.base_url}
    argv = [node, str(HERE / "calls.mjs"), COMMAND, json.dumps(calls)]
    done = subprocess.run(argv, check=False, env=environment(settings), capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_progress_of_creations_never_comes_with_the_result(upstream: ScriptedUpstream):
    calls = [
        {"name": "create_clips", "arguments": {"video_urls": ["https://example.com/v.mp4"], "prompt": f"number {n}"}}
        for n in range(CALLS)
    ]
    seen = call_all(upstream, calls)
    assert seen["errors"] == []
    assert [result["status"] for result in seen["results"]] == ["completed"] * CALLS
    assert all("queued" in " ".join(messages) for messages in seen["progress"])


def test_progress_of_calls_that_are_answered_at_once_never_comes_with_the_result(upstream: ScriptedUpstream):
    generation_id = upstream.plant(key="key", url="https://example.com/v.mp4", prompt="goals")
    running = {"name": "get_clip_status", "arguments": {"id": generation_id, "wait_seconds": 0}}
    unknown = {"name": "get_clip_status", "arguments": {"id": "550e8400-e29b-41d4-a716-446655440000"}}
    seen = call_all(upstream, [running, unknown] * (CALLS // 4))
    assert seen["errors"] == []
    upstream.set_stage(generation_id, "completed")
    ended = {"name": "get_clip_status", "arguments": {"id": generation_id}}
    seen = call_all(upstream, [ended, {"name": "list_clips", "arguments": {}}] * (CALLS // 4))
    assert seen["errors"] == []
    assert {result["status"] for result in seen["results"][::2]} == {"completed"}
