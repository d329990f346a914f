"""MCP as lines and requests, with as little between a measurement and the server as can be."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any

import httpx2

VERSION = "2025-11-25"
INITIALIZE = {
    "protocolVersion": VERSION,
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "1"},
}
Heard = Callable[[str], None]
"""Is told the message of each progress notification, at the moment it arrives."""


class Talk(ABC):
    """One connection to a server. Every answer is the JSON-RPC result; an error is raised."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._heard: dict[int, Heard] = {}

    async def begin(self) -> None:
        """Shake hands."""
        await self.request("initialize", INITIALIZE)
        await self.notify("notifications/initialized")

    async def call(self, tool: str, arguments: dict[str, Any], heard: Heard | None = None) -> dict[str, Any]:
        """Call a tool and return its result."""
        return await self.request("tools/call", {"name": tool, "arguments": arguments}, heard)

    async def request(self, method: str, params: dict[str, Any] | None = None, heard: Heard | None = None) -> Any:
        """Send a request and return its result."""
        number = next(self._ids)
        params = dict(params or {})
        if heard is not None:
            params["_meta"] = {"progressToken": number}
            self._heard[number] = heard
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
            message = await answer
        finally:
            self._waiting.pop(number, None)
            self._heard.pop(number, None)
        if "result" not in message or message["result"].get("isError"):
            raise RuntimeError(f"{method}: {json.dumps(message)[:500]}")
        return message["result"]

    async def notify(self, method: str) -> None:
        """Send a notification."""
        await self._send({"jsonrpc": "2.0", "method": method})

    @abstractmethod
    async def _send(self, message: dict[str, Any]) -> None: ...

    def _take(self, line: str | bytes) -> None:
        message = json.loads(line)
        if message.get("method") == "notifications/progress":
            params = message["params"]
            if (heard := self._heard.get(params["progressToken"])) is not None:
                heard(params.get("message") or "")
        elif (answer := self._waiting.get(message.get("id"))) is not None and not answer.done():
            answer.set_result(message)


class StdioTalk(Talk):
    """Over the pipes of a process that it starts."""

    process: asyncio.subprocess.Process

    @classmethod
    @asynccontextmanager
    async def to(cls, argv: Sequence[str], environment: dict[str, str]) -> AsyncIterator[StdioTalk]:
        talk = cls()
        talk.process = await asyncio.create_subprocess_exec(
            *argv,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=2**24,
        )
        reading = asyncio.ensure_future(talk._read())
        try:
            await talk.begin()
            yield talk
        finally:
            reading.cancel()
            talk.process.kill()
            await talk.process.wait()

    async def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        await self.process.stdin.drain()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self._take(line)


class HttpTalk(Talk):
    """Over streamable HTTP: each request's answer comes on its own response."""

    def __init__(self, url: str, http: httpx2.AsyncClient) -> None:
        super().__init__()
        self._url = url
        self._http = http
        self._headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": VERSION}

    @classmethod
    @asynccontextmanager
    async def to(cls, url: str) -> AsyncIterator[HttpTalk]:
        async with _client() as http:
            talk = cls(f"{url}/mcp", http)
            await talk.begin()
            yield talk

    async def _send(self, message: dict[str, Any]) -> None:
        async with self._http.stream("POST", self._url, json=message, headers=self._headers) as response:
            response.raise_for_status()
            if session := response.headers.get("mcp-session-id"):
                self._headers["Mcp-Session-Id"] = session
            if response.headers.get("content-type", "").startswith("text/event-stream"):
                async for line in response.aiter_lines():
                    if line.startswith("data:") and line != "data:":
                        self._take(line[5:].strip() or "{}")
            elif content := await response.aread():
                self._take(content)


class SseTalk(Talk):
    """Over SSE: answers come on one stream, requests go to the address that it names."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        super().__init__()
        self._http = http
        self._messages: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @classmethod
    @asynccontextmanager
    async def to(cls, url: str) -> AsyncIterator[SseTalk]:
        async with AsyncExitStack() as stack:
            talk = cls(await stack.enter_async_context(_client()))
            reading = asyncio.ensure_future(talk._read(url))
            stack.callback(reading.cancel)
            await talk.begin()
            yield talk

    async def _send(self, message: dict[str, Any]) -> None:
        (await self._http.post(await self._messages, json=message)).raise_for_status()

    async def _read(self, url: str) -> None:
        async with self._http.stream("GET", f"{url}/sse") as response:
            event = ""
            async for line in response.aiter_lines():
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:") and event == "endpoint":
                    self._messages.set_result(url + line[5:].strip())
                elif line.startswith("data:") and line[5:].strip():
                    self._take(line[5:].strip())


def _client() -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx2.AsyncClient(timeout=httpx2.Timeout(600), limits=limits)
