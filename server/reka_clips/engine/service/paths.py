"""Where the engine keeps what: one folder under the data folder, which belongs to one engine at a time.

engine/lock, owner.json     which engine that is: see `engine.owner`
engine/engine.log           what an engine that a server started has to say
engine/jobs.sqlite3         the generations
engine/clips/ID/N.mp4       finished clips, and N.jpg beside them
engine/staging/ID/          clips in the making; moved to `clips/ID` when all are done
engine/sources/HASH/NAME    fetched sources, kept for use again
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reka_clips.errors import EngineStartError
from reka_clips.files import move

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Folders:
    """The engine's folders, all under `root`. Nothing is touched before `make`."""

    root: Path

    @classmethod
    def of(cls, data_dir: Path) -> Folders:
        """Return the engine's folders in a data folder."""
        return cls(data_dir / "engine")

    @property
    def database(self) -> Path:
        return self.root / "jobs.sqlite3"

    @property
    def log(self) -> Path:
        return self.root / "engine.log"

    @property
    def all_clips(self) -> Path:
        return self.root / "clips"

    @property
    def all_staging(self) -> Path:
        return self.root / "staging"

    @property
    def all_sources(self) -> Path:
        return self.root / "sources"

    def clips(self, job_id: str) -> Path:
        """Where the finished clips of a generation are."""
        return self.all_clips / job_id

    def staging(self, job_id: str) -> Path:
        """Where the clips of a generation are made."""
        return self.all_staging / job_id

    def prepare(self, job_id: str) -> Path:
        """Make an empty folder for the clips in the making, and return it. What an earlier attempt left is removed."""
        self.clear(job_id)
        self.staging(job_id).mkdir(mode=0o700)
        return self.staging(job_id)

    def publish(self, job_id: str) -> None:
        """Put finished clips in their place, all at once."""
        move(self.staging(job_id), self.clips(job_id))

    def clear(self, job_id: str) -> None:
        """Remove the clips of a generation, finished or half-made."""
        remove(self.clips(job_id))
        remove(self.staging(job_id))

    def source(self, url: str) -> Path:
        """Where the fetched source of a URL is."""
        return self.all_sources / hashlib.sha256(url.encode()).hexdigest()[:24]

    def make(self) -> None:
        """Make the folders, readable by this person only. Raises EngineStartError in plain words."""
        owner = _stranger(self.root.parent)
        if owner is not None:
            raise EngineStartError(
                f"The data folder, {self.root.parent}, belongs to another user (id {owner}), who could read and change "
                "what is in it. Set REKA_CLIPS_DATA_DIR to a folder of your own."
            )
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in (self.all_clips, self.all_staging, self.all_sources):
                folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise EngineStartError(
                f"The folder for clips, {self.root}, cannot be made ({error.strerror}). "
                "Set REKA_CLIPS_DATA_DIR to a folder that can be written."
            ) from error


def _stranger(folder: Path) -> int | None:
    """Return the id of another user who owns a folder at a place where anybody may make one, such as /tmp."""
    try:
        is_public = folder.parent.stat().st_mode & 0o002 != 0
        owner = folder.lstat().st_uid
    except OSError:  # it is not there yet
        return None
    return owner if os.name == "posix" and is_public and owner != os.getuid() else None


def remove(path: Path) -> None:
    """Remove a file or a folder with all in it; what is gone already, or cannot be removed now, is passed over."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def size_bytes(path: Path) -> int:
    """Return what the files in a folder take; 0 for one that is not there."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.stat(os.path.join(folder, name), follow_symlinks=False).st_size  # noqa: PTH116, PTH118
    return total
