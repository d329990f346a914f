"""Which speech model to use, where it lies, and how it is fetched.

Models are the CTranslate2 conversions of Whisper that faster-whisper names. They are kept in the data directory, in the
layout of the model hub's own cache, so that a broken download resumes where it stopped. A small file beside them,
written last, marks a model as whole and its bytes as checked.

Everything here blocks, and importing faster-whisper takes about a second: call `fetch` from a worker process.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotDoneYet
from pathlib import Path
from typing import Any, Final, cast

import portalocker

from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.speech_setting import SIZES_MB

_NEEDED_FILES: Final = ("model.bin", "config.json", "tokenizer.json")
_ROOM_MB: Final = 200  # left free on the disk beside the model
_ATTEMPTS: Final = 3
_LOOK_SECONDS: Final = 0.25
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_GB: Final = 1 << 30
_SMALL_MACHINE_CPUS: Final = 1
_SMALL_MACHINE_BYTES: Final = 3 * _GB

NOT_INSTALLED: Final = "Captions from speech need the package faster-whisper: pip install 'reka-clips-mcp[captions]'."
HOW_TO_FETCH: Final = "reka-clips-mcp captions --get-model"


class ModelUnavailableError(MediaError):
    """The model is not here and cannot be had now: the clips are made without captions from speech."""


def is_installed() -> bool:
    """Whether faster-whisper is installed; nothing is imported to find out."""
    return importlib.util.find_spec("faster_whisper") is not None


def choose_size(language: str | None, *, present: Collection[str], cpus: int, memory_bytes: int | None) -> str:
    """Return the size that `auto` stands for.

    language: primary language subtag of the film's sound such as "en", None if it is not known. present: sizes that are
    on this machine already. On two cores tiny takes about 0.08 of a film's time and base 0.18; tiny.en reads English
    nearly as well as base, the multilingual tiny does not read other languages as well as base.
    """
    is_small = cpus <= _SMALL_MACHINE_CPUS or (memory_bytes is not None and memory_bytes < _SMALL_MACHINE_BYTES)
    fitting = [*(["tiny.en"] if language == "en" else []), *(["tiny"] if is_small else ["base"])]
    here = [size for size in reversed(fitting) if size in present]
    return here[0] if here else fitting[0]


class SpeechModels:
    """The models of a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "speech-models"

    def present(self) -> list[str]:
        """Return the sizes that are here, whole."""
        return [size for size in SIZES_MB if self.find(size) is not None]

    def find(self, size: str) -> Path | None:
        """Return the folder of a model that was fetched and checked, None if it is not here."""
        try:
            folder = self._folder / json.loads(self._mark(size).read_text(encoding="utf-8"))["folder"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return folder if missing_file(folder) is None else None

    def fetch(self, size: str, *, report: Callable[[str], None]) -> Path:
        """Return the folder of the model; download it first if it is not here.

        report: gets "fetching the speech model, 31 of 75 MB" a few times a second while bytes arrive. Two processes
        that want the same model take turns, so it is fetched once. A download that breaks resumes where it
        stopped, here and at the next call.
        Raises ModelUnavailableError, a sentence for people: no connection, no room on the disk, or wrong bytes.
        """
        if size not in SIZES_MB:
            raise ModelUnavailableError(f"There is no speech model {size}; there are {', '.join(SIZES_MB)}.")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / f"{size}.lock").open("a") as lock:
                while True:
                    try:
                        portalocker.lock(lock, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
                        break
                    except portalocker.AlreadyLocked:
                        report("waiting for another process that fetches the speech model")
                        time.sleep(_LOOK_SECONDS)
                return self.find(size) or self._fetch(size, report)
        except OSError as error:
            raise ModelUnavailableError(_no_room(error) or "The folder for speech models cannot be written.") from error

    def _fetch(self, size: str, report: Callable[[str], None]) -> Path:
        total_mb = SIZES_MB[size]
        free_mb = shutil.disk_usage(self._folder).free // 1_000_000
        if free_mb + self._bytes() // 1_000_000 < total_mb + _ROOM_MB:
            raise ModelUnavailableError(
                f"The speech model needs {total_mb} MB and {_ROOM_MB} MB to spare; the disk has {free_mb} MB free."
            )
        before = self._bytes()
        with ThreadPoolExecutor(1, thread_name_prefix="speech-model") as pool:
            download = pool.submit(_download, size, self._folder)
            while True:
                done_mb = min(total_mb, max(0, self._bytes() - before) // 1_000_000)
                report(f"fetching the speech model, {done_mb} of {total_mb} MB")
                try:
                    folder = download.result(timeout=_LOOK_SECONDS)
                    break
                except NotDoneYet:
                    if download.done():
                        raise  # the download itself timed out
        wrong = _first_wrong_file(folder)
        if wrong is not None:
            shutil.rmtree(folder.parent.parent, ignore_errors=True)  # the model's own folder in the cache
            raise ModelUnavailableError(
                f"The speech model arrived damaged ({wrong} is not what the model hub announced) and was removed; "
                f"the next call fetches it again."
            )
        mark = self._mark(size)
        unfinished = mark.with_suffix(".part")
        unfinished.write_text(json.dumps({"folder": folder.relative_to(self._folder).as_posix()}), encoding="utf-8")
        unfinished.replace(mark)
        return folder

    def _mark(self, size: str) -> Path:
        return self._folder / f"{size}.json"

    def _bytes(self) -> int:
        """Return how many bytes all models take, those under way included; links count once, as what they lead to."""
        total = 0
        for folder, _, names in os.walk(self._folder):
            for name in names:
                try:
                    total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - many files, four times a second
                except OSError:
                    continue  # renamed meanwhile
        return total


def missing_file(folder: Path) -> str | None:
    """Return the first file that a model's folder lacks, None if it is whole.

    Without its tokenizer faster-whisper would fetch one from the network.
    """
    return next((name for name in _NEEDED_FILES if not (folder / name).is_file()), None)


def _download(size: str, folder: Path) -> Path:
    """Let faster-whisper's own loader fetch a model. Raises ModelUnavailableError."""
    # Read when the hub's client is imported, which happens below: no telemetry, and plain HTTP with ranges, which
    # a proxy or mirror understands and which resumes.
    for name in ("HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_PROGRESS_BARS", "HF_HUB_DISABLE_XET"):
        os.environ.setdefault(name, "1")
    try:
        import faster_whisper  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
    except ImportError:
        raise ModelUnavailableError(NOT_INSTALLED) from None
    load = cast("Callable[..., str]", cast("Any", faster_whisper).download_model)
    for attempt in range(_ATTEMPTS):
        try:
            return Path(load(size, cache_dir=str(folder)))
        except Exception as error:  # the hub's client raises errors of its own and of its HTTP library
            full = _no_room(error)
            if full is not None:
                raise ModelUnavailableError(full) from error
            is_last = attempt == _ATTEMPTS - 1
            if is_last or type(error).__name__ in {"LocalEntryNotFoundError", "OfflineModeIsEnabled"}:
                raise ModelUnavailableError(
                    "The speech model could not be fetched: the model hub cannot be reached. "
                    f"Captions from speech need it once; with a connection, run: {HOW_TO_FETCH} {size}",
                    detail=f"{type(error).__name__}: {error}",
                ) from error
    raise AssertionError("unreachable")


def _no_room(error: BaseException) -> str | None:
    """Return a sentence if an error, or one that led to it, says that the disk is full."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in {errno.ENOSPC, errno.EDQUOT}:
            return "The disk is full, so the speech model could not be fetched; free some space."
        seen = seen.__cause__ or seen.__context__
    return None


def _first_wrong_file(folder: Path) -> str | None:
    """Return the name of a file that is missing or whose bytes differ from what the hub announced, None if all is well.

    The hub names a large file by its SHA-256, and its cache keeps that name for the file that the link leads to.
    """
    missing = missing_file(folder)
    if missing is not None:
        return missing
    for path in sorted(folder.iterdir()):
        expected = path.resolve().name
        if not _SHA256.fullmatch(expected):
            continue
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                return path.name
    return None
