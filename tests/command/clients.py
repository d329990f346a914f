"""The SDK's client over each transport and in each era of the protocol."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TextIO

import anyio
import httpx2
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from command.process import COMMAND, CommandProcess, environment

MODERN = "2026-07-28"
ERAS = ("legacy", MODERN)
_PATIENCE_SECONDS = 120.0


class Progress:
    """A progress callback that remembers."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.messages: list[str] = []
        self._news = anyio.Event()

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        del total
        self.values.append(progress)
        self.messages.append(message or "")
        self._news.set()
        self._news = anyio.Event()

    async def said(self, word: str, *, seconds: float = 300) -> None:
        """Wait until a message holds this."""
        with anyio.fail_after(seconds):
            while not any(word in message for message in self.messages):
                await self._news.wait()

    @property
    def strictly_increases(self) -> bool:
        return all(one < other for one, other in zip(self.values, self.values[1:], strict=False))


@asynccontextmanager
async def connect(
    transport: str,
    era: str,
    *,
    to: CommandProcess | str | None = None,
    headers: dict[str, str] | None = None,
    settings: dict[str, str] | None = None,
    log: TextIO = sys.stderr,
    **options: Any,
) -> AsyncIterator[Client]:
    """Yield a client. to: the server for HTTP and SSE, or its URL; settings, log: of the one that stdio starts."""
    async with AsyncExitStack() as stack:
        if transport == "stdio":
            parameters = StdioServerParameters(command=COMMAND, env=environment(settings or {}))
            connection: Any = stdio_client(parameters, errlog=log)
        else:
            assert to is not None
            url = to if isinstance(to, str) else to.url
            if transport == "sse":
                connection = sse_client(f"{url}/sse", headers=headers, timeout=_PATIENCE_SECONDS)
            else:
                http = httpx2.AsyncClient(headers=headers, timeout=_PATIENCE_SECONDS)
                connection = streamable_http_client(f"{url}/mcp", http_client=await stack.enter_async_context(http))
        yield await stack.enter_async_context(
            Client(connection, mode=era, read_timeout_seconds=_PATIENCE_SECONDS, **options)
        )


def text_of(result: CallToolResult) -> str:
    """Return all text of a result."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))
