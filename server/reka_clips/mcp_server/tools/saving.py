"""Where a saved clip goes: inside the folder that is allowed, under a name that is new there."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from reka_clips.contract.video_urls import file_path
from reka_clips.errors import ArgumentError, DownloadError, FieldError
from reka_clips.mcp_server.output.text import clean

_MAX_NAME_BYTES: Final = 120
_UNSAFE: Final = re.compile(r'[<>:"/\\|?*.\x00-\x1f]+')
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)( .*)?")
_ATTEMPTS: Final = 1000


def folder_for(directory: str | None, *, save_dir: Path) -> Path:
    """Return the folder to save in, made if it is not there.

    directory: within save_dir, relative to it or absolute. Raises ArgumentError for a folder outside of it, also by
    way of `..` or a symbolic link, DownloadError if it cannot be made.
    """
    try:
        allowed = save_dir.expanduser().resolve()
        folder = (allowed / (directory or "")).resolve()
    except (OSError, ValueError, RuntimeError):
        raise ArgumentError((FieldError("directory", "must be a path that this computer can have"),)) from None
    if not folder.is_relative_to(allowed):
        problem = f"must lie within {allowed}, the folder that is allowed (REKA_CLIPS_SAVE_DIR); a relative path does"
        raise ArgumentError((FieldError("directory", problem),))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise DownloadError(f"The folder for the clip cannot be made: {disk_words(error)}.") from error
    return folder


def names(title: str | None, clip: int) -> Iterator[str]:
    """Yield file names for a clip, the nicest first: its title, then the same with numbers."""
    text = unicodedata.normalize("NFC", clean(title or "", max_characters=200))
    stem = _UNSAFE.sub(" ", text).encode()[:_MAX_NAME_BYTES].decode(errors="ignore")
    stem = " ".join(stem.split()).strip(" -_")
    if not stem or _RESERVED.fullmatch(stem):
        stem = f"clip {clip}"
    yield f"{stem}.mp4"
    yield from (f"{stem} ({number}).mp4" for number in count(2))


def move_into(part: Path, folder: Path, *, title: str | None, clip: int) -> Path:
    """Give a finished file its name in the folder, never that of a file which is there; return its path."""
    for _, name in zip(range(_ATTEMPTS), names(title, clip), strict=False):
        path = folder / name
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))  # from here on the name is ours
        except FileExistsError:
            continue
        try:
            part.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        return path
    raise DownloadError(f"There are {_ATTEMPTS} files with this clip's name already; choose another directory.")


def engine_path(url: str, *, data_dir: Path) -> Path:
    """Return the path behind a `file://` link of the embedded engine's; raises DownloadError for any other."""
    try:
        resolved = Path(file_path(url, windows=sys.platform == "win32")).resolve()
    except ValueError:
        raise DownloadError("The link of this clip names no file of this computer.") from None
    if not resolved.is_relative_to(data_dir.expanduser().resolve()) or not resolved.is_file():
        raise DownloadError("The file of this clip is not among those of the clip engine any more.")
    return resolved


def disk_words(error: Exception) -> str:
    """Return what the system says of a failure, in words that hold no path."""
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return "the disk is full"
        return (error.strerror or type(error).__name__).lower()
    return "it is no path that this computer can have"
