"""The MCP server in this process, over a scripted Clip API, with the SDK's own client in either era."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import jsonschema
from mcp import Client
from mcp_types import CallToolResult, TextContent

from reka_clips.generations import GenerationManager, PollingConfig
from reka_clips.mcp_server.app import build_server
from reka_clips.mcp_server.context import AppContext
from reka_clips.settings import Settings
from scripted_api import ScriptedClipApi

KEY = "sk-reka-planted-7f3a9c"
LINK = "https://example.com/film.mp4"
UNKNOWN_ID = "550e8400-e29b-41d4-a716-446655440000"
QUICK = PollingConfig(poll_first_seconds=0.01, poll_longest_seconds=0.05, search_waits_seconds=(0.0, 0.02))

Era = Literal["auto", "legacy"]
ERAS: tuple[Era, ...] = ("auto", "legacy")


class Progress:
    """Collects progress notifications, as a callback."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.totals: list[float | None] = []
        self.messages: list[str] = []

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.values.append(progress)
        self.totals.append(total)
        self.messages.append(message or "")

    def check(self) -> None:
        """Assert what holds for the progress of every call; one that is answered at once has none."""
        assert all(before < after for before, after in zip(self.values, self.values[1:], strict=False))
        assert all(0 <= value <= 1 for value in self.values)
        assert all(total in (None, 1.0) for total in self.totals)
        assert all(0 < len(message) < 200 for message in self.messages)


class ToolDesk:
    """A connected client, and the schemas that its results must match."""

    def __init__(self, client: Client, runtime: AppContext, schemas: dict[str, dict[str, Any]]) -> None:
        self.client = client
        self.runtime = runtime
        self._schemas = schemas

    async def call(self, tool: str, arguments: dict[str, Any], progress: Progress | None = None) -> CallToolResult:
        """Call a tool and check what holds for every result: its form, its length, that it holds no key."""
        result = await self.client.call_tool(tool, arguments, progress_callback=progress)
        whole = result.model_dump_json(by_alias=True, exclude_none=True, exclude={"meta"})
        assert len(whole.encode()) <= 24_000
        assert KEY not in whole
        assert "Traceback" not in whole
        assert any(isinstance(block, TextContent) and block.text for block in result.content)
        if result.structured_content is not None:
            jsonschema.validate(result.structured_content, self._schemas[tool])
        else:
            assert result.is_error
        if progress is not None:
            progress.check()
        return result


@asynccontextmanager
async def open_runtime(
    api: ScriptedClipApi | None = None, *, config: PollingConfig = QUICK, call_seconds: float = 45.0, **settings: Any
) -> AsyncIterator[AppContext]:
    """Open a runtime that talks to the scripted API (or to nothing at all)."""
    base_url = "http://127.0.0.1:9" if api is None else api.base_url
    runtime = AppContext(
        Settings(**({"api_key": KEY, "backend": "reka", "base_url": base_url} | settings)), call_seconds=call_seconds
    )
    runtime.manager = GenerationManager(config=config)
    async with runtime:
        yield runtime


@asynccontextmanager
async def open_desk(runtime: AppContext, era: Era = "auto", **client: Any) -> AsyncIterator[ToolDesk]:
    """Connect the SDK's client to the server in this process."""
    async with Client(build_server(runtime), mode=era, **client) as connected:
        tools = (await connected.list_tools()).tools
        yield ToolDesk(connected, runtime, {tool.name: tool.output_schema or {} for tool in tools})


def text_of(result: CallToolResult) -> str:
    """Return the text of a result."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def structured(result: CallToolResult) -> dict[str, Any]:
    """Return the structured content of a result, which must be there."""
    assert isinstance(result.structured_content, dict)
    return json.loads(json.dumps(result.structured_content))
