"""A hub of speech models on loopback, which speaks as much of the model hub's HTTP as its client asks for.

It can break a download once, send other bytes than it announced, and counts what it was asked.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REVISION = "f" * 40
_CHUNK_BYTES = 1_000_000


class Hub(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, files: Mapping[str, bytes], *, break_at: int | None, wrong: str | None, seconds_per_mb: float
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = dict(files)
        self.break_at = break_at  # the first answer with the largest file ends after so many bytes
        self.seconds_per_mb = seconds_per_mb  # a connection of this pace
        self.wrong = wrong  # this file's bytes are not those announced
        self.ranges: list[str] = []
        self.downloads: list[str] = []
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        pass

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/"):
            self._send_json(self._listing(path))
            return
        name = path.rpartition("/")[2]
        if "/resolve/" not in path or name not in self.server.files:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = self.server.files[name]
        start = 0
        asked = self.headers.get("Range")
        if asked and with_body:
            with self.server.lock:
                self.server.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").partition("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Linked-Etag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("Accept-Ranges", "bytes")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if not with_body:
            return
        body = content[start:]
        if name == self.server.wrong:
            body = bytes(byte ^ 1 for byte in body[:64]) + body[64:]
        self._send(name, body)

    def _send(self, name: str, body: bytes) -> None:
        with self.server.lock:
            self.server.downloads.append(name)
            breaks = (
                self.server.break_at
                if name == max(self.server.files, key=lambda key: len(self.server.files[key]))
                else None
            )
            if breaks is not None:
                self.server.break_at = None
        for at in range(0, len(body if breaks is None else body[:breaks]), _CHUNK_BYTES):
            self.wfile.write(body[at : min(at + _CHUNK_BYTES, len(body) if breaks is None else breaks)])
            if self.server.seconds_per_mb:
                time.sleep(self.server.seconds_per_mb)
        if breaks is not None:
            self.wfile.flush()
            self.close_connection = True

    def _listing(self, path: str) -> object:
        files = [
            {
                "type": "file",
                "path": name,
                "rfilename": name,
                "size": len(content),
                "oid": hashlib.sha256(content).hexdigest(),
                "lfs": {
                    "oid": hashlib.sha256(content).hexdigest(),
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "size": len(content),
                    "pointerSize": 134,
                },
            }
            for name, content in self.server.files.items()
        ]
        if "/tree/" in path:
            return files
        return {
            "id": "model",
            "modelId": "model",
            "sha": REVISION,
            "private": False,
            "disabled": False,
            "tags": [],
            "downloads": 0,
            "siblings": files,
        }

    def _send_json(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def model_hub(
    files: Mapping[str, bytes], *, break_at: int | None = None, wrong: str | None = None, seconds_per_mb: float = 0
) -> Generator[Hub]:
    """Serve the files of one model, whatever its name, until the block ends."""
    hub = Hub(files, break_at=break_at, wrong=wrong, seconds_per_mb=seconds_per_mb)
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
