"""A small web server over loopback that gives out files well and badly: the other end of downloads."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Handler = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]


def answer(
    body: bytes = b"",
    *,
    status: str = "200 OK",
    content_type: str | None = "video/mp4",
    length: int | None = None,
    headers: dict[str, str] | None = None,
) -> Handler:
    """Return a handler that gives this answer. length: what Content-Length claims, if not the truth."""

    async def handle(_: Request, writer: asyncio.StreamWriter) -> None:
        fields = {"Content-Length": str(len(body) if length is None else length), "Connection": "close"}
        fields |= {"Content-Type": content_type} if content_type else {}
        write_head(writer, status, fields | (headers or {}))
        writer.write(body)

    return handle


def redirect(to: str) -> Handler:
    return answer(status="302 Found", headers={"Location": to})


def write_head(writer: asyncio.StreamWriter, status: str, headers: dict[str, str]) -> None:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())


@dataclass
class FileServer:
    """`routes` maps paths to handlers and may change while it runs; `requests` are all that came."""

    routes: dict[str, Handler]
    port: int = 0
    scheme: str = "http"
    requests: list[Request] = field(default_factory=list[Request])

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            fields = (line.partition(":") for line in lines[1:] if line)
            request = Request(lines[0].split()[1], {name.lower(): value.strip() for name, _, value in fields})
            self.requests.append(request)
            handle = self.routes.get(request.path.partition("?")[0]) or answer(b"gone", status="404 Not Found")
            await handle(request, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the downloader may hang up when it has seen enough; a slow answer may be cut off at the end
        finally:
            writer.close()


@asynccontextmanager
async def serve_files(routes: dict[str, Handler], *, tls: ssl.SSLContext | None = None) -> AsyncIterator[FileServer]:
    """Serve on a free port of 127.0.0.1 while the block lasts. tls: over https, with this certificate."""
    server = FileServer(routes, scheme="http" if tls is None else "https")
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(server._serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()
