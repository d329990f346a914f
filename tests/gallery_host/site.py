"""Serves the host's page, the sandbox, media, the lines of a server that speaks over stdio, and a Clip API's answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

from command.process import COMMAND, environment

HERE = Path(__file__).parent
_END = b""
_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mp4": "video/mp4", ".jpg": "image/jpeg"}


class HostSite:
    """The site of one host. media: files by name, served below /media/; a name that is not there is 404.

    upstream: a Clip API that this site passes /v1/ on to, so that its clips come from the address that it has itself:
    the page loads media from there, and from no other address on this machine.
    """

    def __init__(self, *, script: bytes, media: dict[str, Path] | None = None, upstream: str = "") -> None:
        self.upstream = upstream
        self.media = dict(media or {})
        self._script = script
        self._relay: _StdioServer | None = None
        site = self

        class Handler(_Handler):
            host = site

        self._server = _Server(("127.0.0.1", 0), Handler)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        """The sandbox, on another origin than the host, as the specification wants it."""
        return f"http://localhost:{self.port}/sandbox.html"

    def media_url(self, name: str) -> str:
        return f"{self.url}/media/{name}"

    @contextmanager
    def serving(self) -> Iterator[HostSite]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join(10)
            self._server.server_close()

    @contextmanager
    def stdio_server(self, *, program: Sequence[str] = (COMMAND,), **settings: str) -> Iterator[None]:
        """Start a server over stdio, which the host's page then talks to."""
        with _StdioServer(program, settings).running() as relay:
            self._relay = relay
            try:
                yield
            finally:
                self._relay = None

    def file(self, path: str) -> tuple[bytes, str] | None:
        """Return content and type of a page or a medium."""
        name = path.removeprefix("/")
        if name == "host.js":
            return self._script, _TYPES[".js"]
        file = self.media.get(name.removeprefix("media/")) if name.startswith("media/") else None
        if name in ("host.html", "sandbox.html"):
            file = HERE / name
        return None if file is None else (file.read_bytes(), _TYPES[file.suffix])

    @property
    def relay(self) -> _StdioServer:
        assert self._relay is not None, "no server over stdio runs"
        return self._relay


def policy(csp: dict[str, Any]) -> str:
    """Return the policy that a host makes of what a page declares. Source: the Apps specification of 2026-01-26."""
    resources = " ".join(csp.get("resourceDomains", []))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'unsafe-inline' {resources}",
            f"style-src 'self' 'unsafe-inline' {resources}",
            f"img-src 'self' data: {resources}",
            f"media-src 'self' data: {resources}",
            f"connect-src 'self' {' '.join(csp.get('connectDomains', []))}",
            f"frame-src 'self' {' '.join(csp.get('frameDomains', []))}",
            "object-src 'none'",
            "base-uri 'self'",
        )
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host: HostSite

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/v1/"):
            self._pass_on()
            return
        if parts.path == "/stdio":
            self._stream_lines()
            return
        found = self.host.file(parts.path)
        if found is None:
            self._answer(HTTPStatus.NOT_FOUND, b"", "text/plain")
            return
        headers = {}
        if parts.path == "/sandbox.html":
            headers["Content-Security-Policy"] = policy(json.loads(parse_qs(parts.query)["csp"][0]))
        self._answer(HTTPStatus.OK, *found, **headers)

    def do_DELETE(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        """Answer as the Clip API behind this site does, streams included."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name: self.headers[name] for name in ("X-Api-Key", "Content-Type", "Accept") if name in self.headers}
        request = Request(self.host.upstream + self.path, data=body or None, headers=headers, method=self.command)  # noqa: S310 - http, of the tests
        try:
            answer = urlopen(request, timeout=120)  # noqa: S310 - the same
        except HTTPError as error:
            answer = error
        with answer:
            self.send_response(answer.status or 502)
            for name, value in answer.headers.items():
                if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            while (piece := answer.read1(65536)) and self._write(piece):
                pass
        self.close_connection = True

    def do_POST(self) -> None:
        if self.path.startswith("/v1/"):
            self._pass_on()
            return
        self.host.relay.send(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(HTTPStatus.ACCEPTED, b"", "text/plain")

    def _answer(self, status: HTTPStatus, content: bytes, content_type: str, **headers: str) -> None:
        piece = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if piece and status == HTTPStatus.OK:  # a video that cannot be asked for in pieces does not seek
            first, last = int(piece[1]), min(int(piece[2] or len(content)), len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            status, content = HTTPStatus.PARTIAL_CONTENT, content[first : last + 1]
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self._write(content)

    def _stream_lines(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for line in self.host.relay.lines():
            if not self._write(b"data: " + line.strip() + b"\n\n"):
                return

    def _write(self, content: bytes) -> bool:
        try:
            self.wfile.write(content)
        except ConnectionError:  # the browser has what it wanted
            self.close_connection = True
            return False
        return True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        del format, args


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over browsers that hang up; anything else is a fault of the tests."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _StdioServer:
    """`reka-clips-mcp` over stdio. Its lines go to the page that asked for them last."""

    def __init__(self, program: Sequence[str], settings: dict[str, str]) -> None:
        self._program = program
        self._settings = settings
        self._lock = threading.Lock()
        self._reader: Queue[bytes] = Queue()
        self._process: subprocess.Popen[bytes]

    @contextmanager
    def running(self) -> Iterator[_StdioServer]:
        with subprocess.Popen(
            self._program,
            env=environment(self._settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as self._process:
            passing_on = threading.Thread(target=self._pass_on, daemon=True)
            passing_on.start()
            try:
                yield self
            finally:
                self._process.terminate()
                self._process.wait(20)
                passing_on.join(10)

    def send(self, line: bytes) -> None:
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()

    def lines(self) -> Iterator[bytes]:
        """Yield the server's lines from now on, until somebody else asks for them or the server ends."""
        before, self._reader = self._reader, Queue()
        before.put(_END)
        yield from iter(self._reader.get, _END)

    def _pass_on(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._reader.put(line)
        self._reader.put(_END)
