"""A worker: a process that makes the clips of one generation and ends. The engine starts it, see `supervisor`.

Whatever a hostile video does to it (hang it, bloat it, crash it) ends with it. It ends with the engine, too, and its
ffmpeg processes with it, however either of them went.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, BinaryIO, Final

import anyio

from reka_clips.engine.worker.failures import reason
from reka_clips.engine.worker.messages import Assignment, Report

if TYPE_CHECKING:
    from reka_clips.engine.media.pipeline import Outcome

_ALIVE_SECONDS: Final = 2.0
_REPORT_SECONDS: Final = 0.25
_NICENESS: Final = 5


def run() -> int:
    """Read an assignment from stdin, make its clips, report on stdout; return 0 if the end could be reported."""
    _end_with_parent()
    # What a library prints must not get between the reports.
    reports = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    assignment = Assignment.model_validate_json(sys.stdin.buffer.readline())
    _limit(assignment.memory_bytes)
    sender = _Sender(reports)
    threading.Thread(target=_end_when_closed, args=(sys.stdin.fileno(),), daemon=True).start()
    threading.Thread(target=_stay_alive, args=(sender,), daemon=True).start()
    try:
        outcome = anyio.run(_make, assignment, sender)
    except Exception as caught:  # noqa: BLE001 - whatever a video can bring about is reported
        sender.send(Report(kind="failed", reason=reason(caught, assignment.generation_id)))
    else:
        sender.send(Report(kind="done", clips=outcome.clips, warnings=outcome.warnings))
    if sys.platform == "win32":  # a thread that waits for input would hold up the interpreter's end
        os._exit(0)
    return 0


class _Sender:
    """Sends reports, from any thread. When nobody reads them any more, the process ends."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, report: Report) -> None:
        try:
            with self._lock:
                self._pipe.write(report.line())
        except OSError:
            _end_group()


async def _make(assignment: Assignment, sender: _Sender) -> Outcome:
    from reka_clips.engine.media.pipeline import make_clips

    last = Report(kind="progress")
    sent_at = 0.0

    def send(new: Report) -> None:
        nonlocal last, sent_at
        now = anyio.current_time()
        if (new.stage, new.detail) != (last.stage, last.detail) or now - sent_at >= _REPORT_SECONDS:
            sent_at = now
            sender.send(new)
        last = new

    def report(stage: str, share: float) -> None:
        send(last.model_copy(update={"stage": stage, "share": share}))

    def detail(words: str | None) -> None:
        send(last.model_copy(update={"detail": words or ""}))

    request = assignment.request
    return await make_clips(
        assignment.sources,
        prompt=request.prompt,
        generation=request.generation_config,
        rendering=request.rendering_config,
        directory=assignment.directory,
        ffmpeg=assignment.ffmpeg,
        report=report,
        speech=assignment.speech,
        detail=detail,
        video_urls=request.video_urls,
    )


def _stay_alive(sender: _Sender) -> None:
    """Say every few seconds that this process runs. A thread, as the work itself may compute for minutes."""
    wait = threading.Event().wait
    while not wait(_ALIVE_SECONDS):
        sender.send(Report(kind="alive"))


def _end_with_parent() -> None:
    """Have Linux kill this process when the engine ends, even while Python is too busy to notice."""
    if sys.platform == "linux":
        import ctypes

        parent = os.getppid()
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG; ffmpeg: see `ffmpeg.process`
        if os.getppid() != parent:
            os._exit(1)


def _end_when_closed(descriptor: int) -> None:
    """End with all that was started when stdin closes, as it does when the engine is gone."""
    with contextlib.suppress(OSError):
        while os.read(descriptor, 1024):
            pass
    _end_group()


def _end_group() -> None:
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _limit(memory_bytes: int) -> None:
    """Bound what this process may take, as far as the platform can; ffmpeg has bounds of its own."""
    if sys.platform == "win32":
        from reka_clips.engine.worker.windows_job import bind_children

        bind_children()
        return
    import resource

    with contextlib.suppress(OSError):
        os.nice(_NICENESS)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # What it has allocated, unlike RLIMIT_AS, which counts what libraries only reserve.
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard == resource.RLIM_INFINITY or memory_bytes < hard:
            resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, hard))
