"""Runs a worker process for one generation, and sees to it that it neither hangs, nor bloats, nor outlives its use.

Time is counted in looks, a second apart, not read from a clock: a machine that sleeps, a process that is stopped for
a while, or a clock that is set adds at most one look.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from anyio.abc import ByteReceiveStream, Process
from pydantic import ValidationError

from reka_clips.engine.worker.messages import MAX_MESSAGE_BYTES, Assignment, Report
from reka_clips.subprocesses import python_command, worker_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_LOOK_SECONDS: Final = 1.0
_END_SECONDS: Final = 2.0

logger = logging.getLogger(__name__)


class WorkerLostError(Exception):
    """A worker ended without a result; the message says why, to follow "the process that worked on it"."""


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """When a worker is given up.

    silent_seconds: without a sign of life. stuck_seconds: without progress. total_seconds: in all.
    memory_bytes: what it and its ffmpeg processes may take together.
    """

    silent_seconds: float = 60.0
    stuck_seconds: float = 30 * 60.0
    total_seconds: float = 12 * 3600.0
    memory_bytes: int = 2 * 1024**3


async def run_worker(
    assignment: Assignment, *, limits: WorkerLimits, on_progress: Callable[[str, float, str], None]
) -> Report:
    """Have a worker make the clips of a generation; return its last report, `done` or `failed`.

    on_progress: gets the stage, the rising share done, 0 to 1, and what else it is busy with. When cancelled, the
    worker and its ffmpeg processes are killed. Raises WorkerLostError when it crashes, is killed
    or breaks a limit; OSError when it cannot start.
    """
    process = await _start()
    watch = _Watch(process, limits)
    last: Report | None = None
    try:
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch.run)
            with contextlib.suppress(anyio.BrokenResourceError):  # it died already: how is found out below
                await process.stdin.send(assignment.line())
            async for report in _reports(process.stdout):
                watch.note(report)
                if report.kind == "progress":
                    on_progress(report.stage, report.share, report.detail)
                elif report.kind in ("done", "failed"):
                    last = report
                    break
            if last is None:
                await process.wait()
            else:
                with anyio.move_on_after(_END_SECONDS):
                    await process.wait()
            tasks.cancel_scope.cancel()
    finally:
        await _end(process)
    if last is None:
        raise WorkerLostError(watch.why or _how_it_ended(process.returncode))
    return last


async def _start() -> Process:
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return await anyio.open_process(
        python_command("engine", "--worker"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None,  # into the engine's log
        env=worker_environment(os.environ),
        start_new_session=True,  # it leads the group that its ffmpeg processes are in
        **options,
    )


async def _reports(stream: ByteReceiveStream) -> AsyncIterator[Report]:
    """Yield what a worker reports until it closes its output, or writes what is no report."""
    rest = b""
    async for chunk in stream:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            try:
                yield Report.model_validate_json(line)
            except ValidationError:
                logger.warning("A worker sent a report that cannot be read.")
                return
        if len(rest) > MAX_MESSAGE_BYTES:
            logger.warning("A worker sent a report that is too long.")
            return


class _Watch:
    """Kills a worker that breaks a limit. why: which limit that was."""

    def __init__(self, process: Process, limits: WorkerLimits) -> None:
        self.why: str | None = None
        self._process = process
        self._limits = limits
        self._silent = self._stuck = self._total = 0
        self._last = ("", -1.0, "")

    def note(self, report: Report) -> None:
        self._silent = 0
        if report.kind == "progress" and (report.stage, report.share, report.detail) != self._last:
            self._last = (report.stage, report.share, report.detail)
            self._stuck = 0

    async def run(self) -> None:
        while self.why is None:
            await anyio.sleep(_LOOK_SECONDS)
            self._silent, self._stuck, self._total = self._silent + 1, self._stuck + 1, self._total + 1
            if self._silent * _LOOK_SECONDS > self._limits.silent_seconds:
                self.why = "stopped responding"
            elif self._stuck * _LOOK_SECONDS > self._limits.stuck_seconds:
                self.why = "made no progress any more"
            elif self._total * _LOOK_SECONDS > self._limits.total_seconds:
                self.why = "took too long"
            elif group_memory_bytes(self._process.pid) > self._limits.memory_bytes:
                self.why = "needed too much memory"
        _kill_group(self._process)


def group_memory_bytes(group: int) -> int:
    """Return what the processes of a group take of the memory, swapped out or not; 0 where that cannot be told."""
    if sys.platform != "linux":
        return 0
    total_kib = 0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if os.getpgid(int(folder.name)) == group:
                status = (folder / "status").read_text()
                fields = dict(
                    line.split(":", 1) for line in status.splitlines() if line.startswith(("VmRSS", "VmSwap"))
                )
                total_kib += sum(int(value.split()[0]) for value in fields.values())
        except (OSError, ValueError):
            continue  # it ended just now
    return total_kib * 1024


def _how_it_ended(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
    return f"ended unexpectedly (exit code {code})"


def _kill_group(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)  # also ffmpeg processes of a worker that is gone itself


async def _end(process: Process) -> None:
    with anyio.CancelScope(shield=True):
        _kill_group(process)
        with anyio.move_on_after(_END_SECONDS):  # one that cannot be killed, or whose end is not told, holds up nobody
            await process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                await stream.aclose()
