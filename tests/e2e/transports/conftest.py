"""One server for HTTP and SSE, and one scripted Clip API, for all tests of a module: a start is not cheap."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from command import CommandProcess, ScriptedUpstream

KEY = "operator-key-planted-4711"
COMBINATIONS = [
    ("stdio", "legacy"),
    ("stdio", "2026-07-28"),
    ("sse", "legacy"),
    ("sse", "2026-07-28"),
    ("streamable-http", "legacy"),
    ("streamable-http", "2026-07-28"),
]


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream.running() as scripted:
        yield scripted


@pytest.fixture(scope="module")
def settings(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder: Path = tmp_path_factory.mktemp("data")
    return {
        "REKA_API_KEY": KEY,
        "REKA_BASE_URL": upstream.base_url,
        "REKA_CLIPS_DATA_DIR": str(folder),
        "REKA_CLIPS_LOG_LEVEL": "DEBUG",
    }


@pytest.fixture(scope="module")
def served(settings: dict[str, str]) -> Iterator[CommandProcess]:
    with CommandProcess("--transport", "streamable-http", "--port", "0", **settings) as process:
        yield process
        assert process.process.poll() is None, f"the server ended by itself: {process.log}"
