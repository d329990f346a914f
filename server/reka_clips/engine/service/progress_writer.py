"""Keeps the store up to date with what a worker finds out: stages at once, progress twice a second."""

from __future__ import annotations

import logging
import sqlite3
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reka_clips.engine.service.models import JobRecord

_WRITE_SECONDS: Final = 0.5
_FETCHING_SHARE: Final = 0.05  # of all the progress there is

logger = logging.getLogger(__name__)


class LeaseLostError(Exception):
    """Another process works on the generation now; this one stops."""


class ProgressWriter:
    """The newest state of one running generation. Its progress only goes up."""

    def __init__(self, job: JobRecord, save: Callable[[JobRecord], Awaitable[JobRecord | None]]) -> None:
        """save: writes the state to the store; None says that the lease was lost."""
        self.job = job
        self._save = save
        self._written = job
        self._changed = anyio.Event()

    def enter(self, status: str) -> None:
        """Note that the generation came into a stage; the one it is in already changes nothing."""
        if status != self.job.status:
            self.job = self.job.entering(status, at=time.time())
            self._changed.set()

    def progress(self, share: float) -> None:
        """Note how much is done, 0 to 1; less than before changes nothing."""
        if share > self.job.progress:
            self.job = replace(self.job, progress=min(share, 1.0), updated_at=time.time())

    def fetching(self, detail: str | None, share: float) -> None:
        """Note what is fetched before the stage can go on, None: nothing more; and how much is there, 0 to 1."""
        self.job = replace(self.job, detail=detail, updated_at=time.time())
        self.progress(_FETCHING_SHARE * share)

    async def keep_writing(self) -> None:
        """Write what changed, until cancelled. Raises LeaseLostError."""
        while True:
            with anyio.move_on_after(_WRITE_SECONDS):
                await self._changed.wait()
            self._changed = anyio.Event()
            job = self.job
            if job is self._written:
                continue
            try:
                saved = await self._save(job)
            except sqlite3.Error as error:  # a busy or full disk; the next round writes it
                logger.warning("The progress of generation %s could not be written: %s", job.id, error)
                continue
            if saved is None:
                raise LeaseLostError
            self._written = job
