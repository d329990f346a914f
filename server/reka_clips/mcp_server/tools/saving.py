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
from pathlib import Path, PureWindowsPath
from typing import Final
from urllib.parse import urlsplit

from reka_clips.contract import is_generation_id
from reka_clips.errors import ArgumentError, DownloadError, FieldError
from reka_clips.files import move
from reka_clips.mcp_server.output.text import clean

_MAX_NAME_BYTES: Final = 120
_UNSAFE: Final = re.compile(r'[<>:"/\\|?*.\x00-\x1f]+')
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³])( .*)?")
_ATTEMPTS: Final = 1000


def folder_for(directory: str | None, *, save_dir: Path) -> Path:
    """Return the folder to save in, made if it is not there.

    directory: within save_dir, relative to it or absolute. Raises ArgumentError for a folder outside of it, also by
    way of `..` or a symbolic link, DownloadError if it cannot be made.
    """
    if sys.platform == "win32" and is_foreign_share(directory or "", save_dir=str(save_dir)):
        raise ArgumentError((FieldError("directory", "must not name a share or a device; a relative path does"),))
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


def is_foreign_share(directory: str, *, save_dir: str) -> bool:
    r"""Whether a Windows path leads to a share or a device, such as `\\host\share`, that save_dir is not on itself.

    To be asked before the path is touched: looking at a share logs this user in at that host.
    """
    drive = PureWindowsPath(directory).drive.casefold()
    return drive.startswith("\\\\") and drive != PureWindowsPath(save_dir).drive.casefold()


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
            move(part, path)
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        return path
    raise DownloadError(f"There are {_ATTEMPTS} files with this clip's name already; choose another directory.")


def engine_path(url: str, *, data_dir: Path) -> Path:
    """Return the file behind a `file://` link of the embedded engine; raises DownloadError for any other.

    It is found by the generation's id and the clip's number alone. Windows may show the file at another place than it
    was written to, when a packaged app started the server, so that paths cannot be compared.
    """
    from reka_clips.engine.service.paths import Folders

    *_, generation_id, name = ["", *urlsplit(url).path.split("/")]
    if is_generation_id(generation_id) and re.fullmatch(r"\d{1,3}\.(mp4|jpg)", name, re.ASCII):
        path = Folders.of(data_dir).clips(generation_id.lower()) / name
        if path.is_file() and not path.is_symlink():
            return path
    raise DownloadError("The clip engine no longer has the file of this clip.")


def disk_words(error: Exception) -> str:
    """Return what the system says of a failure, in words that hold no path."""
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return "the disk is full"
        return (error.strerror or type(error).__name__).lower()
    return "it is no path that this computer can have"
