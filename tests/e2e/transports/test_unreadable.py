"""Lines on standard input and bodies over HTTP that hold no message: each is answered, and the server goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from command import CommandProcess

pytestmark = pytest.mark.timeout(600)

BOM = b"\xef\xbb\xbf"
PING = b'{"jsonrpc":"2.0","id":7,"method":"ping"}'
INITIALIZE = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 0,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "tests", "version": "1"},
        },
    }
).encode()
LINES = {
    "batch": (b"[" + PING + b"]", -32600, 7),
    "params that are a list": (PING[:-1] + b',"params":[]}', -32600, 7),
    "no id": (PING.replace(b"7", b"null"), -32600, None),
    "1.0 as id": (PING.replace(b"7", b"1.0"), -32600, 1.0),
    "1.5 as id": (PING.replace(b"7", b"1.5"), -32600, 1.5),
    "no jsonrpc": (PING.replace(b'"jsonrpc":"2.0",', b""), -32600, 7),
    "garbage": (b"garbage", -32700, None),
    "two messages": (PING + PING, -32700, 7),
    "half a surrogate pair": (PING.replace(b"ping", b"\\ud800"), -32600, 7),
}


class Stdio:
    """A server over stdio, spoken to in bytes."""

    def __init__(self, command: CommandProcess) -> None:
        self._command = command

    def send(self, line: bytes) -> None:
        stdin = self._command.process.stdin
        assert stdin is not None
        stdin.write(line + b"\n")
        stdin.flush()

    def receive(self) -> dict[str, Any]:
        stdout = self._command.process.stdout
        assert stdout is not None
        return json.loads(stdout.readline())

    @property
    def warnings(self) -> list[str]:
        return [line for line in self._command.log.splitlines() if line.startswith("WARNING")]


@pytest.fixture
def stdio() -> Iterator[Stdio]:
    with CommandProcess(REKA_CLIPS_BACKEND="local") as command:
        yield Stdio(command)


def test_a_byte_order_mark_is_skipped_before_the_first_message_and_later(stdio: Stdio):
    stdio.send(BOM + INITIALIZE)
    assert stdio.receive()["result"]["serverInfo"]["name"] == "reka-clips"
    stdio.send(BOM + PING)
    assert stdio.receive() == {"jsonrpc": "2.0", "id": 7, "result": {}}
    assert stdio.warnings == []


def test_lines_that_cannot_be_read_are_answered_and_logged(stdio: Stdio):
    for is_initialized in (False, True):
        if is_initialized:
            stdio.send(INITIALIZE)
            assert "result" in stdio.receive()
        for name, (line, code, identity) in LINES.items():
            stdio.send(line)
            answers = [stdio.receive() for _ in range(2 if name == "two messages" else 1)]
            assert {answer["error"]["code"] for answer in answers} == {code}, name
            assert {answer["id"] for answer in answers} == {identity}, name
    stdio.send(PING.decode().encode("utf-16"))
    assert stdio.receive()["error"]["code"] == -32700
    stdio.send(b'{"jsonrpc":"2.0","id":3,"result":[]}')  # an answer is not answered
    stdio.send(b"")
    stdio.send(PING)
    while (answer := stdio.receive()).get("id") != 7:  # a line end in UTF-16 is two bytes
        assert answer["error"]["code"] == -32700
    assert answer == {"jsonrpc": "2.0", "id": 7, "result": {}}
    assert len([line for line in stdio.warnings if "could not be read" in line]) in range(
        2 * len(LINES) + 2, 2 * len(LINES) + 4
    )


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"name": "list_clips", "arguments": "{}"}, "arguments"),
        ({"name": "list_clips", "arguments": {}, "_meta": {"progressToken": None}}, "progressToken"),
        ({"arguments": {}}, "name"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(params: dict[str, Any], field: str, stdio: Stdio):
    stdio.send(INITIALIZE)
    stdio.receive()
    stdio.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode())
    error = stdio.receive()["error"]
    assert error["code"] == -32602
    assert field in error["message"]


@pytest.mark.parametrize("name", LINES)
def test_bodies_that_cannot_be_read_are_answered(name: str, server: CommandProcess):
    body, code, identity = LINES[name]
    status, answer = post(server.url + "/mcp", body)
    assert status == 400
    assert answer["error"]["code"] == code
    assert answer["id"] in (identity, None)


@pytest.fixture(scope="module")
def server() -> Iterator[CommandProcess]:
    with CommandProcess("--transport", "streamable-http", "--port", "0", REKA_CLIPS_BACKEND="reka") as command:
        yield command


def post(url: str, body: bytes) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    try:
        with urlopen(Request(url, body, headers)) as answer:  # noqa: S310 - our own server
            return answer.status, json.loads(answer.read() or b"{}")
    except HTTPError as error:
        with error:
            return error.code, json.loads(error.read())
