"""Which engine owns a data folder, and where it answers.

A data folder belongs to one engine at a time. It holds `lock` (an operating system lock, which ends with the process,
however it went) and describes itself in `owner.json`, which only this person can read. The lock alone decides: as
long as it is held, the address in `owner.json` is that of the process that holds it, so neither an engine that died
nor another program that got its port since can be taken for the owner. A file that is missing or damaged while the
lock is held is written again by the owner.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final, Self, cast

from reka_clips.errors import EngineStartError

_LOCK: Final = "lock"
_FILE: Final = "owner.json"
_RESERVED_BYTES: Final = 1024  # the file keeps this size, so that it can be written again on a full disk


class FolderOwnedError(EngineStartError):
    """Another engine owns the data folder."""

    def __init__(self, root: Path) -> None:
        owner = find_owner(root)
        who = "Another engine" if owner is None else f"The engine at {owner.base_url} (process {owner.pid})"
        super().__init__(
            f"{who} works in the folder {root}. Use that one, end it with `reka-clips-mcp engine --stop`, or give this "
            "one another folder with REKA_CLIPS_DATA_DIR."
        )


@dataclass(frozen=True, slots=True)
class Owner:
    """An engine that owns a data folder.

    api_key: what its callers must send; None: nothing. is_embedded: a server started it, and it leaves when it is not
    needed. machine: where its address and process id mean something, see `this_machine`.
    """

    base_url: str
    api_key: str | None
    pid: int
    is_embedded: bool
    machine: str

    def __repr__(self) -> str:  # without the key
        return f"Owner({self.base_url!r}, pid={self.pid})"

    @property
    def is_near(self) -> bool:
        """Whether it runs where this process does, and not in another container or on another machine."""
        return self.machine == this_machine()

    def end(self, *, at_once: bool = False) -> None:
        """Ask it to end, or kill it. Only while it owns the folder: afterwards its process id may be another's."""
        hard = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, hard if at_once else signal.SIGTERM)


class Ownership:
    """The folder as its owner holds it: `Ownership.take(root)`, `publish`, in the end `close`."""

    def __init__(self, root: Path, lock: IO[bytes]) -> None:
        self._root = root
        self._lock = lock
        self._text = ""

    @classmethod
    def take(cls, root: Path) -> Self | None:
        """Take the folder, which must exist; None if another engine owns it. Raises EngineStartError."""
        try:
            lock = _opened(root / _LOCK)
        except OSError as error:
            raise EngineStartError(f"The engine's folder {root} cannot be written ({error.strerror}).") from error
        if not _locked(lock, root):
            lock.close()
            return None
        owned = cls(root, lock)
        owned.hide()  # what the last owner left is not true any more
        return owned

    def publish(self, owner: Owner) -> None:
        """Write where this owner answers. Raises EngineStartError."""
        self._text = json.dumps(asdict(owner)).ljust(_RESERVED_BYTES)
        try:
            _write(self._root / _FILE, self._text)
        except OSError as error:
            raise EngineStartError(
                f"The engine's folder {self._root} cannot be written ({error.strerror}). Free some disk space, or set "
                "REKA_CLIPS_DATA_DIR to a folder that can be written."
            ) from error

    def hide(self) -> None:
        """Let nobody else find this owner, which is about to leave; `keep` takes that back."""
        with contextlib.suppress(OSError):
            _overwrite(self._root / _FILE, " " * _RESERVED_BYTES)

    def keep(self) -> bool:
        """Write the file again if it was damaged; return False if the folder is no longer there."""
        with contextlib.suppress(OSError):
            if (self._root / _FILE).read_text() != self._text:
                _write(self._root / _FILE, self._text)
        return self._root.is_dir()

    def close(self) -> None:
        """Give the folder back."""
        self.hide()
        self._lock.close()


def this_machine() -> str:
    """Return a name of where this process runs, in which two containers that share a folder differ."""
    names = [socket.gethostname()]
    for kind in ("net", "pid"):
        with contextlib.suppress(OSError):
            names.append(os.readlink(f"/proc/self/ns/{kind}"))  # noqa: PTH115 - the text is no path
    return " ".join(names)


def find_owner(root: Path) -> Owner | None:
    """Return the engine that owns the folder now, or None: there is none, or it does not say yet where it answers."""
    try:
        fields = cast("dict[str, Any]", json.loads((root / _FILE).read_bytes()))
        owner = Owner(**fields)
    except (OSError, ValueError, TypeError):
        return None
    return owner if is_owned(root) else None


def is_owned(root: Path) -> bool:
    """Whether an engine owns the folder now."""
    try:
        lock = (root / _LOCK).open("r+b")
    except OSError:
        return False
    with lock:
        return not _locked(lock, root, is_probe=True)


def _locked(lock: IO[bytes], root: Path, *, is_probe: bool = False) -> bool:
    """Take the lock; return whether that worked. It ends when the file is closed. Raises EngineStartError."""
    import portalocker

    # Two that look at the same moment must not take each other for the owner. Windows has no shared locks here.
    is_shared = is_probe and sys.platform != "win32"
    kind = portalocker.LockFlags.SHARED if is_shared else portalocker.LockFlags.EXCLUSIVE
    try:
        portalocker.lock(lock, kind | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.AlreadyLocked:
        return False
    except portalocker.LockException as error:
        if getattr(error.__cause__, "errno", None) == 0:  # what Wine says where Windows says EACCES
            return False
        raise EngineStartError(
            f"The engine's folder {root} is on a file system without locks. Set REKA_CLIPS_DATA_DIR to a folder on a "
            "disk of this machine."
        ) from error
    return True


def _opened(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")


def _write(path: Path, text: str) -> None:
    """Replace the file whole; on a full disk write over what is there."""
    new = path.with_suffix(".new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _overwrite(path, text)


def _overwrite(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:  # not truncated: its space is needed
        file.write(text)
