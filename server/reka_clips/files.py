"""Files as Windows and macOS have them: held by other programs, kept back by the system."""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_HELD_SECONDS: Final = 5.0
_FIRST_PAUSE_SECONDS: Final = 0.05
# ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION: what opening a file without sharing it does to
# others. Virus scanners and indexers let go soon.
_HELD: Final = frozenset({5, 32, 33})
# What macOS asks the person about before a program may look into it; a server in an app cannot ask.
_PRIVATE: Final = ("Desktop", "Documents", "Downloads", "Library/CloudStorage", "Library/Mobile Documents")


def is_held(error: OSError) -> bool:
    """Whether Windows refused because another program has the file open."""
    return getattr(error, "winerror", None) in _HELD


def move(
    source: Path,
    target: Path,
    *,
    replace: Callable[[Path, Path], object] = os.replace,
    patience_seconds: float = _HELD_SECONDS,
) -> Path:
    """Give a file or a folder another name, in place of a file of that name; return it. Blocks.

    On Windows another program may hold it for a moment: then it is tried again, for so long. Raises OSError.
    """
    deadline = time.monotonic() + patience_seconds
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        try:
            replace(source, target)
        except OSError as error:
            if not is_held(error) or time.monotonic() + pause_seconds > deadline:
                raise
            time.sleep(pause_seconds)
            pause_seconds *= 2
        else:
            return target


def real_place(path: Path, *, windows: bool = sys.platform == "win32") -> Path:
    """Return the path by which other programs find a file that is there.

    What a packaged app and the programs it starts write below AppData, Windows keeps in the package's own folder, which
    only they see under the old path. Elsewhere, and for what lies on another drive or share, that is the path itself.
    """
    if not windows:
        return path
    real = Path(os.path.realpath(path))
    return real if real.drive == path.drive else path


def private_folders(home: PurePath) -> list[PurePath]:
    """Return the folders of a Mac's user that programs are kept out of."""
    return [home / name for name in _PRIVATE]


def keeps_out(path: PurePath, error: OSError, *, home: PurePath, platform: str = sys.platform) -> bool:
    """Whether macOS refused because this program may not look into that folder, whatever the file's permissions are."""
    if platform != "darwin" or error.errno not in (errno.EPERM, errno.EACCES):
        return False
    return any(PurePosixPath(path).is_relative_to(folder) for folder in private_folders(home))


PRIVACY_WORDS: Final = (
    "macOS keeps this program out of Desktop, Documents, Downloads and cloud folders. Move the file to Movies or "
    "another folder, or allow the app that started this program under System Settings, Privacy & Security, "
    "Full Disk Access"
)
