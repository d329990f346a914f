"""ffmpeg as a subprocess: the one place that starts it, follows it, bounds it and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import warnings
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import anyio

from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.errors import EngineMissingError
from reka_clips.subprocesses import find_program, media_environment

if TYPE_CHECKING:
    from asyncio import StreamReader
    from asyncio.subprocess import Process
    from collections.abc import Callable, Iterable, Sequence
    from fractions import Fraction

    from reka_clips.engine.media.ffmpeg.media_info import VideoStream

NEEDED_FEATURES: Final = frozenset({"libx264", "aac", "ass", "scdet", "astats", "sobel", "tblend"})

# Containers whose demuxers read one file and open no other. No playlists (hls, dash, concat), no image sequences.
FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,nut,dv,m4v,h264,hevc,mjpeg,ivf,obu,"
    "gif,apng,wtv,rm,vob,swf,y4m,yuv4mpegpipe,live_flv,av1,"
    # Sound alone, so that such a file is called what it is.
    "mp3,wav,w64,flac,aac,ac3,eac3,dts,truehd,aiff,caf,amr,au,ape,wv,tta,mpc,mpc8,loas"
)
MAX_PICTURE_PX: Final = 64 * 1024 * 1024
_MEMORY_SHARE: Final = 0.5  # of what the machine has
_MIN_MEMORY_BYTES: Final = 1536 * 1024**2  # address space, of which a decoder's threads reserve much and use little
_MAX_MEMORY_BYTES: Final = 8 * 1024**3
_MAX_LOG_BYTES: Final = 64 * 1024
_NICENESS: Final = 5
# What the `scale` filter takes, by ffmpeg's names; empty is unknown, gbr is RGB.
SCALE_MATRICES: Final = frozenset({"", "gbr", "bt709", "fcc", "bt470bg", "smpte170m", "smpte240m", "bt2020nc"})
_PR_SET_PDEATHSIG: Final = 1
_READ_BYTES: Final = 65536
_MAX_PADDING_RATE: Final = 250
_PADDING_RATE: Final = 100
_INSTALL_HINT: Final = (
    "Install one with: pip install 'reka-clips-mcp[local]' (which includes ffmpeg), or install ffmpeg with "
    "libx264 and libass from your system's packages, or set REKA_CLIPS_FFMPEG to the path of one."
)


def input_arguments(path: Path, *, options: Sequence[str] = ()) -> list[str]:
    """Return the arguments that open `path` as an input, and nothing but that file.

    path: a relative one is one of this program, wherever ffmpeg runs. options: further input options, such as
    `["-ss", "12.5"]`. The `file:` in front keeps a name like `concat:a|b` or `-y` from being read as anything but a
    name. The format list keeps out playlists.
    """
    guards = ["-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-max_pixels", str(MAX_PICTURE_PX)]
    return [*guards, *options, "-i", f"file:{path.absolute()}"]


def picture_input(path: Path, start: Fraction, *, options: Sequence[str] = ()) -> list[str]:
    """Return the arguments that open the picture of `path` at `start`, in source seconds, which becomes time 0.

    Frames come from the keyframe before on, so the last one with a time of 0 or less is the one that stands at `start`:
    `steady_rate` begins with it. ffmpeg's accurate seeking would drop it, and show the next slide too early.
    Let the filter graph end the picture (`trim`): `-t` would count from the first frame that comes.
    """
    seek = ["-noaccurate_seek", "-ss", f"{float(start):.6f}"] if start > 0 else []
    return input_arguments(path, options=["-an", "-sn", "-dn", "-reinit_filter", "0", *options, *seek])


def steady_rate(video: VideoStream, rate: Fraction | int, *, hold_seconds: float | None = None) -> str:
    """Return the filters that give a picture opened with `picture_input` a constant rate from time 0 on.

    hold_seconds: for how long the last frame is held after its time; None: for ever, so end the picture by `trim`.
    """
    # `fps` drops a last frame that is shown before time 0, so it is given another one. `tpad` repeats it at the rate
    # that ffmpeg takes the stream for, which may be none, or the 90,000 of its clock.
    is_usable = 0 < video.grid_rate <= _MAX_PADDING_RATE
    known = "" if is_usable else f"fps={_PADDING_RATE}:eof_action=pass,"
    length = "stop=-1" if hold_seconds is None else f"stop_duration={hold_seconds:.3f}"
    return f"{known}tpad=stop_mode=clone:{length},fps={rate}:start_time=0"


def known_matrix(video: VideoStream) -> str:
    """Return the filter, with a comma, without which `scale` refuses a picture whose matrix it does not know."""
    return "" if video.color_matrix in SCALE_MATRICES else "setparams=colorspace=bt709,"


def output_argument(path: Path) -> str:
    """Return the argument that names `path` as an output, whatever it begins with and wherever ffmpeg runs."""
    return f"file:{path.absolute()}"


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """An ffmpeg that can be run. `features`: the names of its filters and encoders; `version`: (7, 0).

    decoders: the codecs that it can decode, by the names of its banner; empty when that is not known.
    dies_with_parent: what runs is killed when this program is, where the platform can do that (Linux).
    """

    path: str
    version: tuple[int, ...]
    features: frozenset[str]
    decoders: frozenset[str] = frozenset()
    dies_with_parent: bool = False

    async def run(
        self,
        arguments: Sequence[str],
        *,
        duration_seconds: float | None = None,
        on_progress: Callable[[float], None] | None = None,
        on_output: Callable[[bytes], None] | None = None,
        on_log: Callable[[bytes], None] | None = None,
        timeout_seconds: float = 3600,
        log_level: str = "error",
        directory: Path | None = None,
    ) -> str:
        """Run ffmpeg to its end; return what it logged, at most the last 64 KB.

        arguments: without the program's name and the general options, which are added here; inputs through
        `input_arguments`. duration_seconds: how much output is expected, for `on_progress`, which is called
        with a rising share, 0 to 1, about four times a second. on_output: gets the bytes of stdout as they
        come (write the output to `pipe:1`); there is no progress then: count the bytes. on_log: gets the bytes of the
        log as they come, all of them. Each line that ffmpeg begins says how grave it is: `[info] …`. directory: where
        to run.
        Existing output files are overwritten. When cancelled, the process is killed and waited for.
        Raises MediaError when ffmpeg fails or takes longer than `timeout_seconds`, DiskFullError for a full disk.
        """
        general = ["-hide_banner", "-nostdin", "-y", "-nostats", "-loglevel", f"level+{log_level}"]
        if on_output is None:
            general += ["-progress", "pipe:1", "-stats_period", "0.25"]
        receive = on_output or _progress_reader(on_progress, duration_seconds)
        log = bytearray()

        def receive_log(chunk: bytes) -> None:
            _append_bounded(log, chunk)
            if on_log is not None:
                on_log(chunk)

        process = await _start([self.path, *general, *arguments], directory, dies_with_parent=self.dies_with_parent)
        try:
            _bound(process.pid, timeout_seconds)
            with anyio.fail_after(timeout_seconds):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_drain, process.stderr, receive_log)
                    tasks.start_soon(_drain, process.stdout, receive)
                    await process.wait()
        except TimeoutError:
            minutes = max(1, round(timeout_seconds / 60))
            words = f"Reading or cutting the video took longer than {minutes} min and was stopped."
            raise MediaError(words) from None
        finally:
            await _end(process)
        text = log.decode("utf-8", "replace")
        if process.returncode != 0:
            names = [argument for argument in arguments if argument.startswith("file:")]
            raise failure(process.returncode or 0, text, names=names)
        return text


def find_ffmpeg(named: str | None = None, *, fetched: Path | None = None) -> Ffmpeg:
    """Return the ffmpeg to use.

    named: a path or a name on PATH, the setting REKA_CLIPS_FFMPEG. Without it, the one of the package imageio-ffmpeg,
    so that the same request gives the same clips on every machine; without that, `fetched`, if it is there, or the one
    on PATH. Raises EngineMissingError, with what to install, when there is none that can do all that is needed.
    """
    if named:
        found = inspect_ffmpeg(named)
        if found is None or not found.features >= NEEDED_FEATURES:
            lacks = "cannot be run" if found is None else f"lacks {_list(NEEDED_FEATURES - found.features)}"
            raise EngineMissingError(f"The ffmpeg that REKA_CLIPS_FFMPEG names {lacks}. {_INSTALL_HINT}")
        return found
    for path in (packaged_ffmpeg(), fetched and str(fetched), find_program("ffmpeg")):
        found = inspect_ffmpeg(path) if path else None
        if found is not None and found.features >= NEEDED_FEATURES:
            return found
    raise EngineMissingError(f"No ffmpeg that the clip engine can use was found. {_INSTALL_HINT}")


def packaged_ffmpeg() -> str | None:
    """Return the path of the ffmpeg inside the package imageio-ffmpeg; None if it is not installed, or without one.

    The package's own function would also look at IMAGEIO_FFMPEG_EXE, which is meant for other programs, and at PATH.
    """
    try:
        from imageio_ffmpeg import binaries  # type: ignore[import-untyped]
    except ImportError:
        return None
    folders = [Path(folder) for folder in cast("list[str]", binaries.__path__)]
    return next((str(file) for folder in folders for file in sorted(folder.glob("ffmpeg-*")) if file.is_file()), None)


def inspect_ffmpeg(path: str) -> Ffmpeg | None:
    """Return what the program at `path` can do, or None if it is no ffmpeg that runs.

    path: a name is looked for where programs are; a relative path is one of this program, wherever ffmpeg will run.
    """
    path = os.path.abspath(find_program(path) or path)  # noqa: PTH100 - as a shell would find it
    texts: list[str] = []
    for question in ("-version", "-filters", "-encoders", "-codecs"):
        try:
            answer = subprocess.run(  # noqa: S603 - the path is the user's own setting or installation
                [path, "-hide_banner", question],
                capture_output=True,
                timeout=30,
                check=True,
                stdin=subprocess.DEVNULL,
                env=media_environment(os.environ),
                creationflags=no_window(),
            )
        except (OSError, subprocess.SubprocessError):
            return None
        texts.append(answer.stdout.decode("utf-8", "replace"))
    version = re.search(r"ffmpeg version \D{0,2}(\d+(?:\.\d+)*)", texts[0])
    numbers = tuple(int(part) for part in version[1].split(".")) if version else ()
    # " TSC sobel  V->V  Apply …" and " V....D libx264  …": flags, then the name.
    names = re.findall(r"^ [A-Z.|]{2,6} +(\w+) ", "\n".join(texts[1:3]), flags=re.MULTILINE)
    # " DEV.LS h264  …": what begins with a D can be decoded.
    decoders = re.findall(r"^ D[A-Z.]{5} +(\w+) ", texts[3], flags=re.MULTILINE)
    return Ffmpeg(path, numbers, frozenset(names), frozenset(decoders))


def no_window(*, windows: bool = sys.platform == "win32") -> int:
    """Return the creation flags of a program that must not open a console window. A server has no console to share."""
    return 0x08000000 if windows else 0  # CREATE_NO_WINDOW, which `subprocess` has on Windows only


def failure(code: int, log: str, *, names: Iterable[str] = ()) -> MediaError:
    """Return the error that tells in plain words why ffmpeg ended with `code`.

    log: what it wrote to stderr, each line with its level. names: of the files it worked on, which say nothing of the
    reason, whatever is in them. ffmpeg's own words go into the error's `detail` only.
    """
    for name in names:
        log = log.replace(name, "the file")
    reasons = _reasons(log)
    for needle, words in _FAILURES:
        if needle in reasons:
            kind = DiskFullError if words.startswith("The disk") else MediaError
            return kind(words, detail=log[-2000:])
    if code < 0 and -code == getattr(signal, "SIGXCPU", None):
        words = "Reading or cutting the video took too much computing time and was stopped."
    elif code < 0 or code >= _WINDOWS_CRASH:
        words = "ffmpeg was ended from outside, or crashed on this file; if memory is short, try a smaller video."
    else:
        words = "This video could not be read or cut: ffmpeg gave up on it. The engine's log holds ffmpeg's own words."
    return MediaError(words, detail=log[-2000:])


def _reasons(log: str) -> str:
    """Return what ffmpeg complained of, without what it says of the file's contents.

    A line that it began itself names its level; text out of the file (a title, say) may hold line ends, but no level
    in front of them. What a decoder could not read is no reason to give up: ffmpeg goes on after it.
    """
    found = (_COMPLAINT.match(line) for line in log.split("\n"))
    texts = (complaint[1] for complaint in found if complaint)
    return "\n".join(text for text in texts if not text.startswith(_DECODING))


_COMPLAINT: Final = re.compile(r"(?:\[[^\]\n]{1,200}\] ){0,3}\[(?:warning|error|fatal|panic)\] (.*)")
_DECODING: Final = ("Error submitting packet to decoder", "Decoding error", "Error while decoding stream")
_WINDOWS_CRASH: Final = 0xC0000000  # exit codes from here on are exceptions, such as an access violation
_FAILURES: Final = (
    ("No space left", "The disk is full: free some space where the clips are kept, then try again."),
    ("Disk quota exceeded", "The disk quota is used up: free some space where the clips are kept, then try again."),
    ("Format not on whitelist", "This kind of file is not accepted as a video; playlists and scripts are refused."),
    ("not on whitelist", "The file refers to other files or addresses; only a self-contained video is accepted."),
    ("moov atom not found", "The file is no video, or an incomplete one: its index, usually at its end, is missing."),
    ("Picture size", "The picture of this video is too large to be handled."),
    ("Cannot allocate memory", "There is not enough memory to handle this video."),
    ("Invalid data found when processing input", "The file is not a video that can be read, or it is damaged."),
    ("Permission denied", "The video file may not be read, or the clips' folder may not be written."),
    ("No such file or directory", "The video file is gone."),
    ("Is a directory", "This is a folder, not a video file."),
)


@cache
def machine_memory_bytes() -> int:
    """Return how much memory this machine, or this container, has."""
    found: list[int] = []
    with contextlib.suppress(OSError, ValueError, AttributeError):  # Windows has no sysconf
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            found.append(int(Path(file).read_text()))
    return min(found, default=4 * 1024**3)


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


async def _start(argv: list[str], directory: Path | None, *, dies_with_parent: bool) -> Process:
    # MALLOC_ARENA_MAX: each thread's own arena reserves address space that would count against the memory limit.
    environment = {**media_environment(os.environ), "MALLOC_ARENA_MAX": "4", "AV_LOG_FORCE_NOCOLOR": "1"}
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.BELOW_NORMAL_PRIORITY_CLASS | no_window()
    elif sys.platform == "linux" and dies_with_parent:
        options["preexec_fn"] = partial(_prctl(), _PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        with warnings.catch_warnings():
            # Python warns of code between fork and exec beside threads; this is one system call, found beforehand.
            warnings.simplefilter("ignore", DeprecationWarning)
            # asyncio's own, as anyio's has no preexec_fn.
            return await asyncio.create_subprocess_exec(
                *argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                cwd=directory,
                **options,
            )
    except OSError as error:
        raise EngineMissingError(f"ffmpeg could not be started ({error.strerror}). {_INSTALL_HINT}") from error


@cache
def _prctl() -> Callable[[int, int], int]:
    """Return Linux's prctl, found before the fork: between fork and exec nothing may be looked up any more."""
    import ctypes

    return ctypes.CDLL(None).prctl


def _bound(pid: int, timeout_seconds: float) -> None:
    """Give the process a lower priority, and limits that hold even if this program dies before it."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, _NICENESS)
    if sys.platform == "linux":
        import resource

        cpu_seconds = int(timeout_seconds * (os.cpu_count() or 1)) + 1
        with contextlib.suppress(OSError, ValueError):
            memory_bytes = memory_limit()
            resource.prlimit(pid, resource.RLIMIT_AS, (memory_bytes, memory_bytes))
            resource.prlimit(pid, resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
            resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


def memory_limit() -> int:
    """Return how many bytes of address space ffmpeg may use: half of the machine's memory, 1.5 to 8 GiB."""
    return max(_MIN_MEMORY_BYTES, min(_MAX_MEMORY_BYTES, int(machine_memory_bytes() * _MEMORY_SHARE)))


async def _end(process: Process) -> None:
    with anyio.CancelScope(shield=True):
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        for stream in (process.stdout, process.stderr):  # at their ends the pipes close
            while stream is not None and await stream.read(_READ_BYTES):
                pass


async def _drain(stream: StreamReader | None, receive: Callable[[bytes], None]) -> None:
    while stream is not None and (chunk := await stream.read(_READ_BYTES)):
        receive(chunk)


def _append_bounded(log: bytearray, chunk: bytes) -> None:
    log += chunk
    if len(log) > _MAX_LOG_BYTES:
        del log[: len(log) - _MAX_LOG_BYTES]


def _progress_reader(report: Callable[[float], None] | None, duration_seconds: float | None) -> Callable[[bytes], None]:
    """Return a receiver of `-progress` lines that reports the rising share of `duration_seconds` done."""
    rest = b""
    highest = 0.0

    def receive(chunk: bytes) -> None:
        nonlocal rest, highest
        *lines, rest = (rest + chunk).split(b"\n")
        if report is None or not duration_seconds:
            return
        for line in lines:
            name, _, value = line.partition(b"=")
            if name != b"out_time_us" or not value.strip().isdigit():  # "N/A" at first, negative with edit lists
                continue
            share = min(1.0, int(value) / 1e6 / duration_seconds)
            if share > highest:
                highest = share
                report(share)

    return receive
