"""Starts the engine as a child of this process, and sees to it that it ends with it.

The child reads its key from stdin, so that no other process can see it, and ends when stdin closes: that
happens however this process ends. An engine that was killed can be started again in its place: it listens at the
same address, takes the same key and goes on with what it had not finished. Light to import.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
from typing import IO, TYPE_CHECKING, Any, Final, Self, cast

import anyio
import anyio.to_thread

from reka_clips.errors import EngineMissingError, EngineStartError
from reka_clips.subprocesses import engine_environment, python_command

if TYPE_CHECKING:
    from types import TracebackType

    from reka_clips.settings import Settings

_START_SECONDS: Final = 180.0  # a second as a rule; a busy machine takes its time
_STOP_SECONDS: Final = 4.0
_LOOK_SECONDS: Final = 0.05


class EngineProcess:
    """The embedded engine: `async with EngineProcess(settings) as engine`, then `engine.base_url`, `engine.api_key`."""

    def __init__(self, settings: Settings, *, public_url: str | None = None) -> None:
        """public_url: where others reach its clips; its links start with it then, instead of being `file://` ones."""
        self._settings = settings
        self._public_url = public_url
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self.api_key = secrets.token_urlsafe(32)
        self.base_url = ""

    def __repr__(self) -> str:
        return f"EngineProcess({self.base_url!r})"

    @property
    def is_alive(self) -> bool:
        """Whether the engine still runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The id of its process while there is one."""
        return None if self._process is None else self._process.pid

    async def __aenter__(self) -> Self:
        """Start the engine; return when it answers. Raises EngineMissingError, EngineStartError."""
        await self.start()
        return self

    async def start(self) -> None:
        """Start the engine, also again in place of one that ended; return when it answers.

        Raises EngineMissingError, EngineStartError.
        """
        await self._stop()
        process = self._process = _start(self._settings, self._public_url)
        try:
            stdin, stdout = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
            stdin.write(json.dumps({"key": self.api_key, "port": self._port}).encode() + b"\n")
            stdin.flush()
            with anyio.fail_after(_START_SECONDS):
                line = await anyio.to_thread.run_sync(stdout.readline, abandon_on_cancel=True)
            self._port = _port(json.loads(line))
            self.base_url = f"http://127.0.0.1:{self._port}"
        except (OSError, ValueError, KeyError) as error:  # OSError: also TimeoutError, BrokenPipeError
            await self._stop()
            late = f"within {_START_SECONDS:.0f} seconds" if isinstance(error, TimeoutError) else ""
            raise EngineStartError(
                f"The clip engine did not start {late or f'(exit code {process.returncode})'}. "
                "The log on standard error says why; `reka-clips-mcp engine` shows it, too."
            ) from error
        except BaseException:
            await self._stop()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def wait(self, *, look_seconds: float = _LOOK_SECONDS) -> int:
        """Return the exit code of the engine when it has ended. look_seconds: how often to look."""
        while True:
            code = -1 if self._process is None else self._process.poll()
            if code is not None:
                return code
            await anyio.sleep(look_seconds)

    async def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        with anyio.CancelScope(shield=True):
            with contextlib.suppress(OSError):  # what was not sent to an engine that is gone
                cast("IO[bytes]", process.stdin).close()
            with anyio.move_on_after(_STOP_SECONDS):
                await self.wait()
            if process.poll() is None:
                process.kill()
                await self.wait()
            cast("IO[bytes]", process.stdout).close()


def _port(told: dict[str, Any]) -> int:
    """Return where the engine listens, from the line it said when it was ready or gave up."""
    if "error" in told:
        raise (EngineMissingError if told["is_missing"] else EngineStartError)(told["error"])
    return int(told["port"])


def _start(settings: Settings, public_url: str | None) -> subprocess.Popen[bytes]:
    argv = python_command("--data-dir", str(settings.data_dir), "engine", "--embedded")
    if public_url is not None:
        argv += ["--public-url", public_url]
    try:
        return subprocess.Popen(  # noqa: S603 - this very program
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=engine_environment(os.environ),
            # Ctrl-C goes to the whole group of the terminal: the server ends the engine itself.
            start_new_session=True,
        )
    except OSError as error:
        raise EngineStartError(f"The clip engine could not be started ({error.strerror}).") from error
