"""Looks at the processes of this machine, for tests of what must not be left behind. Linux only."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anyio


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    arguments: tuple[str, ...]


def processes() -> list[Process]:
    """Return all that run now; those that ended and were not waited for yet are left out."""
    found: list[Process] = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            arguments = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it ended just now
        if state not in "ZX":
            found.append(Process(int(folder.name), int(parent), tuple(arguments)))
    return found


def running_with(*words: str) -> list[Process]:
    """Return the processes whose arguments hold all of these texts."""
    return [one for one in processes() if all(word in " ".join(one.arguments) for word in words)]


def children_of(pid: int) -> list[Process]:
    return [one for one in processes() if one.parent == pid]


def descendants_of(pid: int) -> list[Process]:
    found = children_of(pid)
    return found + [deeper for one in found for deeper in descendants_of(one.pid)]


def stop(stopped: list[Process]) -> set[int]:
    """Hold processes still, so that none can end by itself; return their ids. Whoever wants them gone has to kill."""
    for one in stopped:
        os.kill(one.pid, signal.SIGSTOP)
    return {one.pid for one in stopped}


async def all_gone(pids: set[int], *, seconds: float) -> None:
    """Wait until none of these is left; fail when the time is over."""
    await until(lambda: not pids & {one.pid for one in processes()}, seconds=seconds)


async def until(holds: Callable[[], bool], *, seconds: float) -> None:
    """Wait until this holds; fail when the time is over. For what tells nobody when it changes."""
    with anyio.fail_after(seconds):
        while not holds():  # noqa: ASYNC110 - processes of others set no event
            await anyio.sleep(0.02)
