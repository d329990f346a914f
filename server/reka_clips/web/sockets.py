"""The socket that a server of this project listens on, and how its address is written."""

from __future__ import annotations

import socket
import sys
from typing import Final

BACKLOG: Final = 2048


def listen(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket; port 0 picks a free one. host: a name, or an address with or without brackets.

    Raises OSError, OverflowError (port) or UnicodeError (host) if the address cannot be had.
    """
    address = host.strip("[]")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # asyncio sends small packets at once only where a socket says that it is TCP: else an answer in two writes waits
    # for the other side's delayed acknowledgement, 40 ms on Linux.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":  # there, it would let another program take the port over
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(BACKLOG)
    except (OSError, OverflowError, UnicodeError):
        listening.close()
        raise
    return listening


def address_of(listening: socket.socket) -> str:
    """Return `http://host:port` of a socket, as a client on this machine would write it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
