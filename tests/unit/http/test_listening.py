"""The listening socket: what asyncio makes of its connections, and addresses that cannot be had."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

from reka_clips.web.server import address_of, listen, send_at_once


def test_connections_send_small_packets_at_once() -> None:
    """Else an answer whose head and body are two writes comes 40 ms late."""

    async def accepted_option() -> int:
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection: socket.socket = writer.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)  # as on Windows
            send_at_once(writer.transport)
            accepted.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = listen("127.0.0.1", 0)
        async with await asyncio.start_server(connected, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname()[:2])
            try:
                return await asyncio.wait_for(accepted, 10)
            finally:
                writer.close()

    assert asyncio.run(accepted_option()) != 0


def test_the_address_is_written_as_a_client_would() -> None:
    with listen("127.0.0.1", 0) as listening:
        assert address_of(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_port_in_use_is_refused() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(OSError, match=r"\d") as raised:
        listen("127.0.0.1", taken.getsockname()[1])
    assert raised.value.errno in (errno.EADDRINUSE, 10048)


def test_a_host_that_is_no_name_is_refused() -> None:
    with pytest.raises((OSError, UnicodeError)):
        listen("a..b", 0)
