"""The servers that are compared, each started the same way, and the Clip API behind them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from command import free_port
from engine_openapi import document
from reka_clips import __version__

HERE = Path(__file__).resolve().parent
OURS, BARE, HANDWRITTEN, GENERATED = "reka-clips-mcp", "bare SDK server", "hand-written", "FastMCP from OpenAPI"
_ROUTES = ("/v1/clips", "/v1/clips/{id}")
_FOR_FASTMCP = {"openapi": "3.1.1"}  # it reads no newer one; the four routes use nothing newer


@dataclass(frozen=True)
class Bench:
    """The running Clip API and a folder; from these, how each server is started."""

    upstream: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Bench]:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            process = stack.enter_context(
                subprocess.Popen([sys.executable, HERE / "upstream.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            upstream = f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
            whole = document(__version__)
            routes = {path: whole["paths"][path] for path in _ROUTES}
            (folder / "openapi.json").write_text(json.dumps(whole | _FOR_FASTMCP | {"paths": routes}))
            settings = {
                "REKA_API_KEY": "key-of-the-benchmarks",
                "REKA_BASE_URL": upstream,
                "REKA_CLIPS_DATA_DIR": str(folder),
                "REKA_CLIPS_MAX_CALLS": "2000",
            }
            yield cls(upstream, folder, dict(os.environ) | settings)

    def argv(self, name: str, *transport: str) -> list[str]:
        """Return the command of a server. transport: `stdio`, or `http` and a port."""
        python = [sys.executable, str(HERE / "peers")]
        if name == OURS:
            command = str(Path(sys.executable).with_name("reka-clips-mcp"))
            return [command] if transport[0] == "stdio" else [command, *_HTTP, transport[1]]
        if name == BARE:
            return [python[0], f"{python[1]}/bare.py", *transport]
        if name == HANDWRITTEN:
            return [python[0], f"{python[1]}/handwritten.py", self.upstream, *transport]
        return [python[0], f"{python[1]}/generated.py", self.upstream, f"{self.folder}/openapi.json", *transport]

    @contextmanager
    def serving(self, name: str) -> Iterator[tuple[str, int]]:
        """Yield the address of a server over HTTP, and its process id."""
        port = free_port()
        with subprocess.Popen(
            self.argv(name, "http", str(port)),
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                _wait_for(port, process)
                yield f"http://127.0.0.1:{port}", process.pid
            finally:
                process.kill()

    def count(self, method: str) -> int:
        """Return how many requests of a method have reached the Clip API so far; `waiting`: streams that have begun."""
        with urlopen(f"{self.upstream}/_counts", timeout=60) as answer:  # noqa: S310 - our own
            return json.loads(answer.read()).get(method, 0)

    def go(self) -> None:
        """Let the streams begin that wait."""
        with urlopen(f"{self.upstream}/_go", timeout=60):  # noqa: S310 - our own
            pass


_HTTP: Sequence[str] = ("--transport", "streamable-http", "--port")


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    import socket

    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")
