"""What the engine knows of one generation: plain data, as it stands in the store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from reka_clips.contract import ClipOutput, CreateRequest, is_terminal

QUEUED: Final = "queued"
DOWNLOADING: Final = "downloading"
INDEXING: Final = "indexing"
PREPROCESSING: Final = "preprocessing"
PROCESSING: Final = "processing"
COMPLETED: Final = "completed"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class SourcePolicy:
    """What the sources of a generation may be, as decided when it was accepted.

    folders: `file://` sources must lie inside one of them; None: anywhere. allow_private: links may lead into
    this machine's own network. max_bytes: the largest source.
    """

    folders: tuple[str, ...] | None = None
    allow_private: bool = False
    max_bytes: int = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class StageEntry:
    """A stage that the generation came into: when (Unix seconds), and with what progress (0 to 1)."""

    status: str
    at: float
    progress: float = 0.0


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One generation. Times are Unix seconds.

    num_generations: 0 while automatic and not yet decided. clips: their links are the names of files in the
    generation's folder, `1.mp4` and `1.jpg`. detail: what the stage is busy with. attempts: how often work on it was
    begun; who works on an older attempt may not write any more.
    """

    id: str
    created_at: float
    updated_at: float
    request: CreateRequest
    policy: SourcePolicy
    status: str = QUEUED
    progress: float = 0.0
    stages: tuple[StageEntry, ...] = ()
    num_generations: int = 0
    clips: tuple[ClipOutput, ...] = ()
    warnings: tuple[str, ...] = ()
    error_message: str | None = None
    detail: str | None = None
    attempts: int = 0

    def entering(self, status: str, *, at: float) -> JobRecord:
        """Return the record as it enters a stage. at: Unix seconds; a clock that was set back moves no time back."""
        at = max(at, self.updated_at)
        return replace(
            self,
            status=status,
            detail=None,
            updated_at=at,
            stages=(*self.stages, StageEntry(status, at, self.progress)),
        )

    def waiting(self, *, at: float) -> JobRecord:
        """Return the record as it waits to be begun, anew if it was begun already."""
        job = replace(self, progress=0.0, warnings=())
        return job if job.status == QUEUED else job.entering(QUEUED, at=at)

    def failed(self, reason: str, *, at: float) -> JobRecord:
        """Return the record as it failed."""
        return replace(self, error_message=reason).entering(FAILED, at=at)

    @property
    def is_terminal(self) -> bool:
        """Whether it has ended, well or not."""
        return is_terminal(self.status)

    @property
    def size_bytes(self) -> int:
        """What its clips take on the disk, pictures not counted."""
        return sum(clip.size_bytes or 0 for clip in self.clips)


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A fetched source kept for re-use. `path`: relative to the folder of sources. Times are Unix seconds."""

    url: str
    path: str
    size_bytes: int
    fetched_at: float
    used_at: float
    etag: str | None = None
    last_modified: str | None = None
