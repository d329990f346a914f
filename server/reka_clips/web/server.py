"""The HTTP server that both faces run on: its socket, its limits, and a shutdown that ends in time.

Before a request is authenticated, anyone who can connect can hold connections open. So each one must send a complete
request head in time, and while all places are taken a connection without a request is closed in favour of a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from reka_clips.web.lifecycle import end_at_the_latest, exit_code, on_stop_signals

HEAD_SECONDS: Final = 15.0
GRACE_SECONDS: Final = 2
# Longer than proxies keep theirs: one that is closed just as a request comes in costs that request.
KEEP_ALIVE_SECONDS: Final = 75
WANTED_DESCRIPTORS: Final = 16384
"""Enough for 10,000 callers; the soft limit is often 1,024, or 256 on macOS."""

_KERNEL_BACKLOG: Final = 2048
# asyncio accepts this many connections in a row. Where descriptors run out it tries each of them, and logs each.
_ACCEPTED_AT_ONCE: Final = 32
# Connections that were accepted or aborted, and that the event loop has not taken note of yet.
_IN_TRANSIT: Final = 4 * _ACCEPTED_AT_ONCE
_REPEAT_SECONDS: Final = 60.0


def listen(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket; port 0 picks a free one. host: a name, or an address with or without brackets.

    Raises OSError, OverflowError (port) or UnicodeError (host) if the address cannot be had.
    """
    address = host.strip("[]")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":  # there, SO_REUSEADDR would let another program take the port over
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(_KERNEL_BACKLOG)
    except (OSError, OverflowError, UnicodeError):
        listening.close()
        raise
    return listening


def send_at_once(transport: asyncio.Transport) -> None:
    """Have a connection send small packets at once.

    Otherwise an answer in two writes waits for the other side's delayed acknowledgement, 40 ms on Linux. asyncio does
    this for sockets that say that they are TCP, which those that its Windows event loop accepts do not.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def address_of(listening: socket.socket) -> str:
    """Return `http://host:port` of a socket, as a client on this machine would write it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def raise_descriptor_limit(wanted: int = WANTED_DESCRIPTORS) -> int:
    """Raise this process's limit of open descriptors towards `wanted`, as far as allowed; return what it is now."""
    if sys.platform == "win32":  # sockets are not limited by number there
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(OSError, ValueError):  # macOS allows less than its hard limit says
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def connections_for(descriptors: int) -> int:
    """Return how many connections to hold at once: two thirds of the descriptors; calls need the rest themselves."""
    return max(16, descriptors * 2 // 3 - _IN_TRANSIT)


class Server(uvicorn.Server):
    """Serves an app on a socket that is open already, until a signal comes or `stop` is called.

    on_ready: called when requests are answered. on_stop: called when the end begins, while calls are still answered.
    has_lifespan: whether the app has ASGI lifespan events. head_seconds: how long a connection may take to send the
    head of a request. max_connections: at once; None: as many as the descriptor limit allows.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        on_ready: Callable[[Server], None],
        on_stop: Callable[[], None],
        has_lifespan: bool = False,
        head_seconds: float = HEAD_SECONDS,
        max_connections: int | None = None,
    ) -> None:
        places = connections_for(raise_descriptor_limit()) if max_connections is None else max_connections
        super().__init__(
            uvicorn.Config(
                app,
                http=_Connection,
                log_config=None,  # to the root logger, which hides keys
                access_log=False,  # links carry their permission in the address
                lifespan="on" if has_lifespan else "off",
                ws="none",
                server_header=False,
                proxy_headers=False,  # nothing here depends on the caller's address
                timeout_graceful_shutdown=GRACE_SECONDS,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                backlog=_ACCEPTED_AT_ONCE,
                # Where every place holds a request, new ones are answered 503.
                limit_concurrency=places + _IN_TRANSIT,
            )
        )
        self.server_state = _State(places=places, head_seconds=head_seconds)
        self._on_ready = on_ready
        self._on_stop = on_stop
        self._signal: int | None = None

    @property
    def code(self) -> int:
        """The exit code of the process, after the end."""
        return 0 if self._signal is None else exit_code(self._signal)

    def stop(self) -> None:
        """End soon. May be called from any thread."""
        self.should_exit = True

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until the end. Takes over the sockets."""
        for name in ("asyncio", "uvicorn.error"):
            drop_repeats(logging.getLogger(name))
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections, then call `on_ready`."""
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(_KERNEL_BACKLOG)  # asyncio has set it to the number that it accepts at once
        if self.started:
            self._on_ready(self)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let waiting calls get an answer, then end."""
        self._on_stop()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Handle the stop signals, for good once one came: unlike uvicorn's own, this does not raise them again."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        restore = on_stop_signals(self.handle_exit)
        try:
            yield
        finally:
            if self._signal is None:
                restore()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Begin to end; a second signal ends at once what is still open."""
        if self._signal is None:
            end_at_the_latest(sig)
        else:
            self.force_exit = True
        self._signal = signal.Signals(sig)
        self.should_exit = True


class _State(ServerState):
    """What the connections of one server share. waiting: those without a request, the longest waiting first."""

    def __init__(self, *, places: int, head_seconds: float) -> None:
        super().__init__()
        self.places = places
        self.head_seconds = head_seconds
        self.waiting: dict[_Connection, None] = {}


class _Connection(H11Protocol):
    """A connection that must send each request's head in time, and that gives way to others while it has not.

    It is busy from a complete head to the end of the response, else waiting: at its start, between requests (then
    uvicorn's keep-alive limit applies), and from the first byte of a head to its last (then `head_seconds` applies).
    """

    def __init__(self, config: uvicorn.Config, server_state: ServerState, *rest: Any, **more: Any) -> None:
        super().__init__(config, server_state, *rest, **more)
        if not isinstance(server_state, _State):
            raise TypeError("this protocol needs the Server of this module")
        self._state = server_state
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as uvicorn declares it
        super().connection_made(transport)
        send_at_once(transport)
        if len(self.connections) > self._state.places:
            for oldest in self._state.waiting:
                oldest.give_way()
                break
        self._note_state(begins=True)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._note_state(begins=True)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._note_state(begins=False)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_waiting()

    def give_way(self) -> None:
        """Close the connection at once; nobody waits for an answer on it."""
        self._stop_waiting()
        self.transport.abort()

    def _note_state(self, *, begins: bool) -> None:
        """Keep the list of waiting connections right. begins: whether a head is awaited from now on."""
        is_busy = self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison] - None before the first request
        if is_busy or self.transport.is_closing():
            self._stop_waiting()
            return
        self._state.waiting.setdefault(self)
        if begins and self._deadline is None:
            self._deadline = self.loop.call_later(self._state.head_seconds, self.give_way)

    def _stop_waiting(self) -> None:
        self._state.waiting.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def drop_repeats(logger: logging.Logger, *, seconds: float = _REPEAT_SECONDS) -> None:
    """Log the same message from one logger once in `seconds` only, whoever causes it how often. Idempotent."""
    if not any(isinstance(known, _RepeatFilter) for known in logger.filters):
        logger.addFilter(_RepeatFilter(seconds))


class _RepeatFilter(logging.Filter):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._seen: dict[tuple[Any, ...], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        place = None if error is None or error.__traceback__ is None else error.__traceback__.tb_lineno
        key = (record.levelno, str(record.msg)[:200], type(error), place)
        now = time.monotonic()
        logged_at, dropped = self._seen.get(key, (-self._seconds, 0))
        if now - logged_at < self._seconds:
            self._seen[key] = (logged_at, dropped + 1)
            return False
        if len(self._seen) >= 256:  # noqa: PLR2004 - more kinds of message than these loggers have
            self._seen.clear()
        self._seen[key] = (now, 0)
        if dropped:
            record.msg = f"{record.msg} ({dropped} more like this were not logged)"
        return True
