"""The process ends soon in every state, with a code that says why, and leaves nothing behind.

The limit is five seconds on a computer that starts the server in three; a slower one gets as much more.
"""

from __future__ import annotations

import json
import signal
import sys
import time

import pytest

from command import CommandProcess, ScriptedUpstream

pytestmark = [
    pytest.mark.timeout(1200),
    pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX"),
]

CALL = {
    "jsonrpc": "2.0",
    "id": 2,
    "method": "tools/call",
    "params": {
        "name": "create_clips",
        "arguments": {"video_urls": ["https://example.com/a.mp4"], "prompt": "[scenario manual]", "wait_seconds": 600},
    },
}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}


def limit(start_seconds: float) -> float:
    return 5.0 * max(1.0, start_seconds / 3.0)


def begun_on_stdio(server: CommandProcess) -> float:
    """Shake hands; return how long the start took."""
    began = time.monotonic()
    assert server.process.stdin is not None
    assert server.process.stdout is not None
    server.process.stdin.write(
        json.dumps(INITIALIZE).encode() + b'\n{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
    )
    server.process.stdin.flush()
    assert b"reka-clips" in server.process.stdout.readline()
    return time.monotonic() - began


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
@pytest.mark.parametrize("waiting", [False, True])
def test_a_signal_ends_stdio(number: signal.Signals, code: int, waiting: bool, settings: dict[str, str]):
    with ScriptedUpstream.running() as upstream:
        settings = settings | {"REKA_BASE_URL": upstream.base_url}
        with CommandProcess(**settings) as server:
            allowed = limit(begun_on_stdio(server))
            if waiting:
                assert server.process.stdin is not None
                server.process.stdin.write(json.dumps(CALL).encode() + b"\n")
                server.process.stdin.flush()
                upstream.wait_for("POST")
            assert server.stop(number) < allowed
            assert server.process.returncode == code
            assert "Traceback" not in server.log


def test_stdin_closing_ends_stdio_while_a_call_waits(settings: dict[str, str], upstream: ScriptedUpstream):
    with CommandProcess(**settings) as server:
        allowed = limit(begun_on_stdio(server))
        assert server.process.stdin is not None
        server.process.stdin.write(json.dumps(CALL).encode() + b"\n")
        server.process.stdin.flush()
        upstream.wait_for("POST")
        began = time.monotonic()
        server.process.stdin.close()
        assert server.wait(60) == 0
        assert time.monotonic() - began < allowed


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_http(number: signal.Signals, code: int, settings: dict[str, str]):
    began = time.monotonic()
    with CommandProcess("--transport", "streamable-http", "--port", "0", **settings) as server:
        assert server.url
        allowed = limit(time.monotonic() - began)
        assert server.stop(number) < allowed
        assert server.process.returncode == code
        assert "Traceback" not in server.log
