"""What a `file://` source is at this moment: the file's own state and that of the subtitles beside it."""

from __future__ import annotations

import hashlib
import os
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from reka_clips.contract.video_urls import file_path

SUBTITLE_SUFFIXES: Final = (".srt", ".vtt", ".ass", ".ssa")


def sources_state(urls: Iterable[str]) -> str:
    """Return a hash that changes when a file among these sources changes, or subtitles beside it; "" without files.

    A request for the same addresses is another request then: its clips come out differently. Size and time of change
    are what counts, as for `make`. Blocks for a look into the folders. Never raises: a file that cannot be looked at
    has no state, and the engine says what is wrong with it.
    """
    states = [state for url in urls if urlsplit(url).scheme == "file" for state in _states(url)]
    return hashlib.sha256(repr(states).encode("utf-8", "surrogateescape")).hexdigest() if states else ""


def _states(url: str) -> list[tuple[str, int, int]]:
    try:
        video = Path(file_path(url, windows=sys.platform == "win32"))
        stem = _plain(video.stem)
        with os.scandir(video.parent) as entries:
            # Whatever may be a subtitle file of this video: which of them are is for the engine to say.
            near = [entry for entry in entries if entry.name == video.name or _is_subtitle(entry.name, stem)]
            return sorted((entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in near)
    except (OSError, ValueError):
        return []


def _is_subtitle(name: str, stem: str) -> bool:
    return name.lower().endswith(SUBTITLE_SUFFIXES) and _plain(name).startswith(f"{stem}.")


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
