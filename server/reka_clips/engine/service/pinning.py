"""Takes a file of a shared folder into the engine's own, so that what was checked is what will be read.

Whoever may write in the folder can replace a file, or a folder on the way to it, by a symbolic link at any time: a path
that was checked says nothing about what it leads to later. So the file is opened once, without following a link, and
the engine gets a hard link to exactly that file, or a copy of it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_READ: Final = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)


class MovedError(Exception):
    """What the path leads to is not the plain file in the folder that it was when it was checked."""


def pin(path: Path, root: Path | None, target: Path) -> int:
    """Make `target` the file at `path`, which lies in `root`; return its size in bytes.

    path, root: without symbolic links, as `os.path.realpath` returns them; root None: it lies in no allowed folder any
    more. target: on any disk; must not exist.
    Raises MovedError if a link is found on the way after all, or anything but a plain file; OSError.
    """
    if root is None:
        raise MovedError
    with _opened(path, root) as (descriptor, folder):
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise MovedError
        if folder is not None and _linked(path.name, folder, target, found):
            return found.st_size
        with os.fdopen(os.dup(descriptor), "rb") as source, target.open("xb") as copy:
            shutil.copyfileobj(source, copy, 1024 * 1024)
            return copy.tell()


@contextlib.contextmanager
def _opened(path: Path, root: Path) -> Generator[tuple[int, int | None]]:
    """Open a file, and the folder that it lies in; None where a system has no descriptors of folders (Windows)."""
    with contextlib.ExitStack() as stack:

        def opened(name: str | Path, flags: int, folder: int | None = None) -> int:
            try:
                descriptor = os.open(name, flags, dir_fd=folder)
            except OSError as error:
                raise MovedError from error
            stack.callback(os.close, descriptor)
            return descriptor

        if os.open not in os.supports_dir_fd:
            descriptor = opened(path, _READ)
            real = os.path.realpath(path)
            if real != str(path) or not os.path.samestat(os.fstat(descriptor), path.lstat()):
                raise MovedError
            yield descriptor, None
            return
        *folders, name = path.relative_to(root).parts
        folder = opened(root, _READ | os.O_DIRECTORY)
        for part in folders:
            folder = opened(part, _READ | os.O_DIRECTORY | _NO_LINK, folder)
        yield opened(name, _READ | _NO_LINK, folder), folder


def _linked(name: str, folder: int, target: Path, wanted: os.stat_result) -> bool:
    """Make a hard link, and return whether it is one to the very file; none is left otherwise."""
    try:
        os.link(name, target, src_dir_fd=folder, follow_symlinks=False)
    except (OSError, NotImplementedError):  # another disk, another owner, or no such thing here
        return False
    if os.path.samestat(target.lstat(), wanted):
        return True
    target.unlink()
    return False
