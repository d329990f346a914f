"""A job object of Windows: what process groups, PR_SET_PDEATHSIG and rlimits are on Linux."""

from __future__ import annotations

import sys
from typing import Any, Final

_MAX_MEMORY_BYTES: Final = 8 * 1024**3  # of each process; ffmpeg's bound on Linux, too
# Windows ends the job when its last handle is closed, which is when this process ends, however that happens.
_held: Final[list[Any]] = []


def bind_children() -> bool:
    """Have Windows end what this process starts when it ends itself, and bound the memory of each; nothing elsewhere.

    Return whether it does.
    Source: Microsoft, "Job Objects", JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE and JOB_OBJECT_LIMIT_PROCESS_MEMORY.
    """
    if sys.platform != "win32":
        return False
    import ctypes

    import pywintypes
    import win32api
    import win32job

    if hasattr(ctypes.WinDLL("ntdll"), "wine_get_version"):  # Wine 8's server crashes when such a job ends
        return False
    try:
        job = win32job.CreateJobObject(None, "")
        kind = win32job.JobObjectExtendedLimitInformation
        limits = win32job.QueryInformationJobObject(job, kind)
        limits["BasicLimitInformation"]["LimitFlags"] |= (
            win32job.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | win32job.JOB_OBJECT_LIMIT_PROCESS_MEMORY
        )
        limits["ProcessMemoryLimit"] = _MAX_MEMORY_BYTES
        win32job.SetInformationJobObject(job, kind, limits)
        win32job.AssignProcessToJobObject(job, win32api.GetCurrentProcess())
    except pywintypes.error:  # no right to, in a job that allows no other: ffmpeg then ends by itself, a little later
        return False
    _held.append(job)
    return True
