"""Connections that send nothing, or half a request, keep nobody else out: on both servers, with few descriptors."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from command import CommandProcess

pytestmark = pytest.mark.timeout(300)

SERVERS = [("--transport", "streamable-http", "--port", "0"), ("engine", "--port", "0")]
PORT = re.compile(r"istens? on http://127.0.0.1:(\d+)|istening on http://127.0.0.1:(\d+)")
needs_limits = pytest.mark.skipif(sys.platform == "win32", reason="descriptors are not limited there")


@contextlib.contextmanager
def serving(
    arguments: tuple[str, ...], data_dir: Path, *, descriptors: int | None = None
) -> Iterator[tuple[CommandProcess, int]]:
    """Run a server, with a hard limit of descriptors if one is given; yield it and its port."""
    shell = () if descriptors is None else ("sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh")
    command = str(Path(sys.executable).with_name("reka-clips-mcp"))
    settings = {"REKA_CLIPS_DATA_DIR": str(data_dir), "REKA_CLIPS_BACKEND": "local"}
    with CommandProcess(*arguments, program=(*shell, command), **settings) as server:
        if arguments[0] == "engine":
            assert server.process.stdout is not None
            found = PORT.search(server.process.stdout.readline().decode())
        else:
            found = server.said(PORT)
        assert found is not None
        yield server, int(found[1] or found[2])


@contextlib.contextmanager
def silent(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Open connections that say nothing; fewer where the server takes no more."""
    with contextlib.ExitStack() as stack:
        connections: list[socket.socket] = []
        for _ in range(count):
            try:
                connection = socket.create_connection(("127.0.0.1", port), timeout=20)
            except OSError:
                break
            connections.append(stack.enter_context(connection))
        yield connections


def answers(port: int) -> bool:
    return httpx2.get(f"http://127.0.0.1:{port}/healthz", timeout=20).json() == {"status": "ok"}


@needs_limits
@pytest.mark.parametrize("arguments", SERVERS, ids=lambda arguments: arguments[0].strip("-"))
def test_silent_connections_leave_the_service_answering(arguments: tuple[str, ...], tmp_path: Path):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    try:
        with serving(arguments, tmp_path, descriptors=1024) as (server, port), silent(port, 1100) as connections:
            assert len(connections) == 1100
            for _ in range(20):
                assert answers(port)
            log = server.log
            assert "Traceback" not in log
            assert len(log) < 10_000, "the log is not flooded"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@needs_limits
def test_the_limit_of_descriptors_is_raised_at_the_start(tmp_path: Path):
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    command = str(Path(sys.executable).with_name("reka-clips-mcp"))
    low = ("sh", "-c", 'ulimit -S -n 128; exec "$@"', "sh", command)
    with CommandProcess(*SERVERS[0], program=low, REKA_CLIPS_DATA_DIR=str(tmp_path)) as server:
        port = int(server.url.rpartition(":")[2])
        with silent(port, 200):
            assert answers(port)
        limits = Path(f"/proc/{server.process.pid}/limits")
        if limits.exists():
            line = next(line for line in limits.read_text().splitlines() if line.startswith("Max open files"))
            assert int(line.split()[3]) == min(hard, 16384)


@pytest.mark.parametrize("arguments", SERVERS, ids=lambda arguments: arguments[0].strip("-"))
def test_a_head_that_does_not_come_to_its_end_is_given_up(arguments: tuple[str, ...], tmp_path: Path):
    begun = [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"]
    after = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with serving(arguments, tmp_path) as (_, port), silent(port, 4) as connections:
        for connection, half in zip(connections, begun, strict=False):
            connection.sendall(half)
        connections[3].sendall(after)
        assert b"200 OK" in connections[3].recv(4096)
        connections[3].sendall(b"G")  # the next request of a connection that was answered before
        deadline = time.monotonic() + 40
        waiting = set(connections)
        while waiting and time.monotonic() < deadline:
            for connection in list(waiting)[:2]:
                with contextlib.suppress(OSError):
                    connection.sendall(b"")
            readable, _, _ = select.select(list(waiting), [], [], 1)
            for connection in readable:
                with contextlib.suppress(ConnectionError):
                    if connection.recv(4096):
                        continue
                waiting.discard(connection)
        assert not waiting, "still open after 40 seconds"
        assert answers(port)
