"""What the figures were measured on, and what a process has cost so far (Linux)."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path


def facts(packages: Iterable[str]) -> str:
    """Return one line: processor, cores, memory, system, Python, versions of packages, load at the start."""
    processor = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{processor}, {os.cpu_count()} cores, {memory / 2**20:.0f} GiB; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}; {versions}; load at the start {os.getloadavg()[0]:.1f}"
    )


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process's living threads have taken, user and system, in seconds."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident_bytes(pid: int) -> int:
    """Return the memory of a process that is resident now."""
    return next(int(line.split()[1]) for line in _lines(f"/proc/{pid}/status") if line.startswith("VmRSS")) * 1024


def peak_bytes() -> int:
    """Return the most memory that was ever resident of this process.

    Not `ru_maxrss`: that counts what the process held that started this one, as it was when it did.
    """
    return next(int(line.split()[1]) for line in _lines("/proc/self/status") if line.startswith("VmHWM")) * 1024


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
