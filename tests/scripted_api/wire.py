"""A small HTTP/1.1 server that can misbehave: it gives the scripts the bytes and the socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

REASONS = {200: "OK", 202: "Accepted", 204: "No Content", 307: "Temporary Redirect", 400: "Bad Request"}


class GoneError(Exception):
    """The other side closed the connection."""


@dataclass
class Exchange:
    """One request, and the connection to answer it on."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    reader: asyncio.StreamReader = field(repr=False)
    writer: asyncio.StreamWriter = field(repr=False)
    extra_headers: dict[str, str] = field(default_factory=dict)
    keeps_connection: bool = False
    is_chunked: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        """Return the JSON body, or {}."""
        return json.loads(self.body) if self.body else {}

    async def raw(self, content: bytes) -> None:
        """Send bytes as they are."""
        try:
            self.writer.write(content)
            await self.writer.drain()
        except ConnectionError:
            raise GoneError from None

    async def head(self, status: int = 200, content_type: str = "application/json", **more: str) -> None:
        """Send the status line and headers; names with underscores for dashes."""
        headers = {"Content-Type": content_type, "Date": formatdate(usegmt=True)} | self.extra_headers
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Whatever')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self.raw(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def answer(self, status: int, content: bytes, content_type: str = "application/json", **more: str) -> None:
        """Send a whole answer and keep the connection."""
        await self.head(status, content_type, Content_Length=str(len(content)), **more)
        await self.raw(content)
        self.keeps_connection = True

    async def json(self, status: int, value: object, **more: str) -> None:
        await self.answer(status, json.dumps(value).encode(), **more)

    async def open_stream(self, *, chunked: bool = True, **more: str) -> None:
        """Begin an event stream."""
        self.is_chunked = chunked
        framing = {"Transfer_Encoding": "chunked"} if chunked else {"Connection": "close"}
        await self.head(200, "text/event-stream; charset=utf-8", **framing, **more)

    async def piece(self, content: bytes) -> None:
        """Send bytes of a stream that was opened."""
        await self.raw(b"%x\r\n%b\r\n" % (len(content), content) if self.is_chunked else content)

    async def event(self, value: object) -> None:
        await self.piece(b"data: " + json.dumps(value).encode() + b"\n\n")

    async def end_stream(self) -> None:
        """End a stream properly."""
        if self.is_chunked:
            await self.raw(b"0\r\n\r\n")
            self.keeps_connection = True

    def reset(self) -> None:
        """Break the connection with a RST."""
        connection: socket.socket = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def hang(self) -> None:
        """Say nothing until the other side gives up."""
        with contextlib.suppress(ConnectionError):
            await self.reader.read()
        raise GoneError


Handler = Callable[[Exchange], Awaitable[None]]


class WireServer:
    """Serves a handler on a loopback port of the system's choice: `async with`, then `.port`."""

    def __init__(self, handler: Handler, *, port: int = 0) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.port = port
        self.connections_seen = 0

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def until_closed(self) -> None:
        """Wait until the last connection is closed."""
        while self._connections:
            await asyncio.wait(self._connections)

    async def start(self) -> None:
        """Listen; after a stop(), on the same port again."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, limit=2**22)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and break every connection."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0)  # what was closed is gone in the loop's next round
        self._server = None

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection in a task that `stop` knows from the first moment on, before it has run at all."""
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._connections.add(task)
        self.connections_seen += 1

        def ended(_: asyncio.Task[None]) -> None:
            self._connections.discard(task)
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

        task.add_done_callback(ended)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(GoneError, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while (exchange := await _read_request(reader, writer)) is not None:
                await self._handler(exchange)
                if not exchange.keeps_connection:
                    break


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return Exchange(method, unquote(parts.path), dict(parse_qsl(parts.query)), headers, body, reader, writer)
