"""Finds the engine of a data folder, or starts it.

The engine is a process of its own that any number of servers share: `owner` says how they find each other. It
outlives the server that started it until its work is done and nobody has asked for a while. Light to import.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from reka_clips.engine.owner import Owner, find_owner
from reka_clips.engine.service.paths import Folders
from reka_clips.errors import EngineMissingError, EngineStartError
from reka_clips.subprocesses import engine_environment, python_command

if TYPE_CHECKING:
    from reka_clips.settings import Settings

_START_SECONDS: Final = 180.0  # usually one second; a busy machine takes its time
_LOOK_SECONDS: Final = 0.1
# Those that this process started: an object that goes while its process runs would complain.
_started: list[subprocess.Popen[bytes]] = []


class EngineProcess:
    """The engine of a data folder as servers see it: after `start`, `base_url` and `api_key` say where it answers."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is looked for yet."""
        self._settings = settings
        self._root = Folders.of(settings.data_dir).root
        self._owner: Owner | None = None

    def __repr__(self) -> str:
        return f"EngineProcess({self.base_url!r})"

    @property
    def base_url(self) -> str:
        """Where it answers; empty before the start."""
        return "" if self._owner is None else self._owner.base_url

    @property
    def api_key(self) -> str | None:
        """What its callers must send."""
        return None if self._owner is None else self._owner.api_key

    @property
    def pid(self) -> int | None:
        """The id of its process."""
        return None if self._owner is None else self._owner.pid

    @property
    def is_alive(self) -> bool:
        """Whether the engine that was found or started still owns the folder. Looks at the disk, for microseconds."""
        return self._owner is not None and find_owner(self._root) == self._owner

    async def start(self) -> None:
        """Find the engine that owns the data folder, or start one; return when it answers.

        Raises EngineMissingError, EngineStartError.
        """
        try:
            with anyio.fail_after(_START_SECONDS):
                while True:
                    owner = find_owner(self._root)
                    if owner is not None:
                        break
                    if not await self._launch():  # another one owns the folder, and will say where it answers
                        await anyio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise EngineStartError(
                f"The clip engine did not start within {_START_SECONDS:.0f} seconds. Its log: {self._root}/engine.log."
            ) from None
        if not owner.is_near:
            raise EngineStartError(
                f"The data folder {self._root.parent} is used by an engine on another machine or in another container. "
                "Give this server a folder of its own with REKA_CLIPS_DATA_DIR, or the address of that engine with "
                "REKA_BASE_URL."
            )
        self._owner = owner

    async def answers(self, *, seconds: float) -> bool:
        """Whether the engine answers within so many seconds."""
        address = urlsplit(self.base_url)
        request = f"GET /healthz HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n"
        with anyio.move_on_after(seconds):
            with contextlib.suppress(OSError, anyio.BrokenResourceError, anyio.EndOfStream):
                async with await anyio.connect_tcp(address.hostname or "", address.port or 0) as stream:
                    await stream.send(request.encode())
                    return b" 200 " in await stream.receive(64)
        return False

    def kill(self) -> None:
        """Kill the engine if it still owns the folder and a server started it; the next one does its work."""
        if self.is_alive and self._owner is not None and self._owner.is_embedded:
            self._owner.end(at_once=True)

    async def _launch(self) -> bool:
        """Start an engine; return whether it is ready, or False if another one owns the folder."""
        process = _popen(self._settings)
        stdout = cast("IO[bytes]", process.stdout)
        try:
            line = await anyio.to_thread.run_sync(stdout.readline, abandon_on_cancel=True)
            told = cast("dict[str, Any]", json.loads(line))
        except ValueError as error:
            code = await anyio.to_thread.run_sync(process.wait)
            raise EngineStartError(
                f"The clip engine did not start (exit code {code}). The log on standard error says why; "
                "`reka-clips-mcp engine` shows it, too."
            ) from error
        finally:
            stdout.close()
        if "error" in told:
            raise (EngineMissingError if told["is_missing"] else EngineStartError)(told["error"])
        return bool(told["ready"])


def _popen(settings: Settings) -> subprocess.Popen[bytes]:
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    try:
        process = subprocess.Popen(  # noqa: S603 - this very program
            python_command("--data-dir", str(settings.data_dir), "engine", "--embedded"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=engine_environment(os.environ),
            start_new_session=True,  # neither Ctrl-C nor the end of a terminal is meant for it
            creationflags=flags,
        )
    except OSError as error:
        raise EngineStartError(f"The clip engine could not be started ({error.strerror}).") from error
    _started[:] = [*(one for one in _started if one.poll() is None), process]
    return process
