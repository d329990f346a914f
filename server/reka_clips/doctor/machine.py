"""What this computer brings: settings, Python and packages, ffmpeg, speech recognition, folders, disk."""

from __future__ import annotations

import difflib
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

from reka_clips.doctor.report import Finding, Status
from reka_clips.errors import EngineMissingError
from reka_clips.files import keeps_out, private_folders, real_place
from reka_clips.settings import KNOWN_VARIABLES, Settings

PACKAGES: Final = ("mcp", "httpx2", "pydantic")

_PREFIX: Final = "REKA_"
_BACKEND: Final = "REKA_CLIPS_BACKEND"
_GET_A_KEY: Final = "A free key comes from Reka's platform site, https://platform.reka.ai."
_OLDEST_PYTHON: Final = (3, 11)
_GIGABYTE: Final = 1024**3
_SCARCE_BYTES: Final = 5 * _GIGABYTE
_TOO_LITTLE_BYTES: Final = _GIGABYTE // 2


def backend_of(settings: Settings) -> Literal["reka", "local"] | None:
    """Return the backend that these settings choose, or None where the choice is wrong."""
    if settings.backend == "auto":
        return "reka" if settings.api_key else "local"
    return settings.backend


def check_settings(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """Return what is wrong with the settings, one finding each, or one that says all is well."""
    findings = [
        Finding("settings", "problem", problem, "Correct it, or remove it to use the default.")
        for problem in settings.problems
        if not problem.startswith(_BACKEND)  # check_backend reports it
    ]
    findings += [
        Finding(
            "settings",
            "note",
            f"{name} still holds a placeholder, because the program that starts the server had no value for it. "
            "It counts as not set.",
        )
        for name in settings.placeholders
    ]
    for name in sorted(name for name in environ if name.startswith(_PREFIX) and name not in KNOWN_VARIABLES):
        close = difflib.get_close_matches(name, KNOWN_VARIABLES, n=1)
        findings.append(
            Finding(
                "settings",
                "note",
                f"{name} is not a setting of this server and has no effect.",
                f"Did you mean {close[0]}?" if close else None,
            )
        )
    count = sum(name in KNOWN_VARIABLES for name in environ)
    told = "no variable is set; defaults are used" if count == 0 else f"{count} set, all valid"
    return findings or [Finding("settings", "ok", told)]


def check_backend(settings: Settings) -> Finding:
    """Return where clips will be made, or what keeps the choice from working."""
    backend = backend_of(settings)
    if backend is None:
        return Finding("backend", "problem", "REKA_CLIPS_BACKEND names no backend.", "Set it to auto, reka or local.")
    if backend == "reka" and not settings.api_key:
        return Finding(
            "backend",
            "problem",
            "REKA_CLIPS_BACKEND is reka, and there is no key.",
            f"Set REKA_API_KEY in the configuration of the client that starts the server. {_GET_A_KEY} "
            "Or set REKA_CLIPS_BACKEND to local: clips are then cut on this computer.",
        )
    if backend == "reka":
        return Finding("backend", "ok", f"clips are made by the Clip API at {settings.base_url}")
    why = "there is no key" if settings.backend == "auto" else "as REKA_CLIPS_BACKEND says"
    return Finding("backend", "ok", f"clips are cut on this computer ({why})")


def check_python() -> Finding:
    """Return whether Python is new enough and the packages that the server needs are installed."""
    where = f"Python {platform.python_version()} at {sys.executable}"
    if sys.version_info < _OLDEST_PYTHON:
        oldest = ".".join(str(part) for part in _OLDEST_PYTHON)
        return Finding("Python", "problem", where, f"Install Python {oldest} or newer and the server into it.")
    missing: list[str] = []
    found: list[str] = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding(
            "Python", "problem", f"{where}; missing: {', '.join(missing)}", "pip install --upgrade reka-clips-mcp"
        )
    return Finding("Python", "ok", f"{where}; {', '.join(found)}")


def check_ffmpeg(settings: Settings, backend: Literal["reka", "local"] | None) -> list[Finding]:
    """Return which ffmpeg the engine uses and whether it can do all it must, and whether speech is recognised."""
    weight: Status = "problem" if backend == "local" else "note"
    try:
        from reka_clips.engine.media.ffmpeg.fetch import find_or_fetch_later
        from reka_clips.engine.media.ffmpeg.process import packaged_ffmpeg

        ffmpeg = find_or_fetch_later(settings.data_dir, settings.ffmpeg)
    except EngineMissingError as error:
        words, _, remedy = str(error).partition(". ")
        message = f"{words}." if backend == "local" else f"{words} (needed without a key only)."
        return [Finding("ffmpeg", weight, message, remedy or None)]
    if ffmpeg is None:
        return [Finding("ffmpeg", "ok", "ffmpeg will be fetched when clips are first made on this computer")]
    version = ".".join(str(number) for number in ffmpeg.version) or "of unknown version"
    if settings.ffmpeg:
        origin = "named by REKA_CLIPS_FFMPEG"
    elif ffmpeg.path == packaged_ffmpeg():
        origin = "from the package"
    else:
        origin = "fetched" if Path(ffmpeg.path).is_relative_to(settings.data_dir) else "found on PATH"
    return [Finding("ffmpeg", "ok", f"ffmpeg {version}, {origin}: {ffmpeg.path}"), *_check_speech(settings, backend)]


def _check_speech(settings: Settings, backend: Literal["reka", "local"] | None) -> list[Finding]:
    from reka_clips.engine.media.text.speech import Recognizer

    speech = Recognizer(settings.speech, settings.data_dir)
    problem = speech.problem()
    if problem is None:
        return [Finding("speech", "ok", speech.state())]
    hint = f"For captions from speech, {speech.remedy()}."
    if settings.speech.folder is not None:
        return [Finding("speech", "problem", problem, hint)]
    told = f"{problem} Captions come from subtitles beside or inside the video."
    return [Finding("speech", "ok" if backend == "reka" else "note", told, None if backend == "reka" else hint)]


async def check_fonts(settings: Settings) -> list[Finding]:
    """Return whether ffmpeg draws captions in the engine's own fonts; nothing where there is no ffmpeg to ask."""
    from reka_clips.engine.media.captions.ass import resolve_look
    from reka_clips.engine.media.captions.fonts import FAMILIES
    from reka_clips.engine.media.captions.overlay import ask_for_font
    from reka_clips.engine.media.ffmpeg.errors import MediaError
    from reka_clips.engine.media.ffmpeg.fetch import find_or_fetch_later

    others: dict[str, str] = {}
    try:
        ffmpeg = find_or_fetch_later(settings.data_dir, settings.ffmpeg)
        if ffmpeg is None:
            return []
        with tempfile.TemporaryDirectory(prefix="reka-clips-doctor-", ignore_cleanup_errors=True) as directory:
            for family in FAMILIES:
                look = resolve_look(None, family)
                drawn = await ask_for_font(ffmpeg, look, Path(directory))
                if drawn != look.face.postscript_name:
                    others[look.face.name] = drawn or "no font at all"
    except EngineMissingError:
        return []
    except (MediaError, OSError) as error:
        return [Finding("fonts", "note", f"ffmpeg could not be asked which caption fonts it draws: {error}")]
    if not others:
        return [Finding("fonts", "ok", f"captions are drawn in the bundled fonts ({len(FAMILIES)} families)")]
    told = ", ".join(f"{drawn} instead of {name}" for name, drawn in others.items())
    remedy = 'Use another ffmpeg: pip install "reka-clips-mcp[local]", or set REKA_CLIPS_FFMPEG to the path of one.'
    return [Finding("fonts", "note", f"captions are drawn in {told}: this ffmpeg cannot open the fonts.", remedy)]


def check_folder(check: str, folder: Path, *, variable: str, needed: bool) -> Finding:
    """Return whether files can be written into `folder`, which is made when it is first used.

    variable: the setting that names it. needed: whether clips cannot be made without it.
    """
    bad: Status = "problem" if needed else "note"
    remedy = f"Give yourself the right to write there, or name another folder in {variable}."
    present = nearest_folder(folder)
    if present is None:
        return Finding(check, bad, f"{folder} cannot be made: something that is not a folder is in the way.", remedy)
    if present != folder:
        if os.access(present, os.W_OK | os.X_OK):
            return Finding(check, "ok", f"{folder} will be made when it is first used")
        return Finding(check, bad, f"{folder} is not there, and {present} cannot be written to.", remedy)
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"x")
            file.flush()
            place = real_place(Path(file.name)).parent
    except OSError as error:
        return Finding(check, bad, f"{folder} cannot be written to ({error.strerror}).", remedy)
    if place not in (folder, real_place(folder)):  # a packaged app's folder is seen through for files only
        told = f"what is written to {folder} is kept in {place}, where other programs find it"
        return Finding(check, "note", told, f"To have it at one place, name a folder outside AppData in {variable}.")
    return Finding(check, "ok", f"{folder} can be written to")


def check_privacy(
    home: Path | None = None, *, platform: str = sys.platform, look: Callable[[Path], object] = os.listdir
) -> list[Finding]:
    """Return which folders macOS keeps this program out of; nothing elsewhere.

    home: the user's, by default this one's. look: lists a folder.
    """
    home = Path(os.path.expanduser("~")) if home is None else home  # noqa: PTH111 - Path's raises without a home
    if platform != "darwin":
        return []
    closed: list[str] = []
    for folder in map(Path, private_folders(home)):
        try:
            look(folder)
        except OSError as error:
            if keeps_out(folder, error, home=home, platform=platform):
                closed.append(str(folder))
    if not closed:
        return []
    message = f"macOS keeps this program out of {', '.join(closed)}: films there cannot be read."
    remedy = (
        "Move films to Movies, or allow the app that starts this program under System Settings, Privacy & Security, "
        "Full Disk Access."
    )
    return [Finding("privacy", "note", message, remedy)]


def check_disk(folder: Path, *, needed: bool) -> Finding:
    """Return whether the disk of `folder` has room for films and clips."""
    present = nearest_folder(folder)
    if present is None:
        return Finding("disk", "skipped", "not measured: there is no such folder")
    return judge_disk(shutil.disk_usage(present).free, needed=needed)


def judge_disk(free_bytes: int, *, needed: bool) -> Finding:
    """Return what so many free bytes mean: under half a gigabyte nothing can be made, under five not much."""
    told = f"{free_bytes / _GIGABYTE:.1f} GB free where clips are kept"
    remedy = "Free some space, or put REKA_CLIPS_DATA_DIR on another disk."
    if free_bytes < _TOO_LITTLE_BYTES:
        return Finding("disk", "problem" if needed else "note", f"only {told}", remedy)
    if free_bytes < _SCARCE_BYTES:
        return Finding("disk", "note", f"{told}: long films need more", remedy)
    return Finding("disk", "ok", told)


def nearest_folder(folder: Path) -> Path | None:
    """Return `folder` or the nearest folder above it that exists; None where a file stands in the way."""
    for path in (folder, *folder.parents):
        if path.is_dir():
            return path
        if path.exists():
            return None
    return None
