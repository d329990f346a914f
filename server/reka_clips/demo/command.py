"""Starts the installed server over stdio, asks it for clips as an agent would, and checks what came out."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any, cast

import anyio
from mcp import Client, StdioServerParameters, stdio_client
from mcp.shared.dispatcher import ProgressFnT
from mcp_types import CallToolResult, TextContent

from reka_clips.demo.film import Moment
from reka_clips.errors import RekaClipsError
from reka_clips.settings import Settings
from reka_clips.subprocesses import python_command

_WAIT_SECONDS = 900


def run(settings: Settings, *, video: str | None, prompt: str | None, directory: Path) -> int:
    """Make clips of `video` (a path or a link; None: of a film made for it) into `directory`; return 0 or 1.

    With a Reka key and an http(s) link it runs against Reka and spends one creation; otherwise on the embedded
    engine. 0 only if there are clips and each of them could be decoded to its end.
    """
    try:
        return anyio.run(_demo, settings, video, prompt, directory.absolute())
    except RekaClipsError as error:
        told: list[RekaClipsError] = [error]
    except BaseExceptionGroup as group:  # the SDK's client runs in a task group
        ours, rest = group.split(RekaClipsError)
        if ours is None or rest is not None:
            raise
        told = _leaves(ours)
    except KeyboardInterrupt:
        print(
            "\nThe demo was stopped. The clip engine finishes its work in the background; to end it, too: "
            "reka-clips-mcp engine --stop",
            file=sys.stderr,
        )
        raise
    for error in told:
        print(f"\nThe demo stopped: {error}", file=sys.stderr)
    return 1


async def _demo(settings: Settings, video: str | None, prompt: str | None, directory: Path) -> int:
    await anyio.Path(directory).mkdir(parents=True, exist_ok=True)
    is_link = video is not None and video.startswith(("http://", "https://"))
    backend = "reka" if is_link and settings.api_key and settings.backend != "local" else "local"
    moments: tuple[Moment, ...] = ()
    if video is None:
        film, moments = await _film(settings, directory)
        source = film.as_uri()
    else:
        source = video if is_link else _file_url(video)
    if settings.api_key and backend == "local":
        print(
            "(Running on the embedded engine. To run this demo against Reka, give it a link: it spends one creation.)"
        )
    print(f"Asking for clips of {source}")
    arguments: dict[str, Any] = {"video_urls": [source], "wait_seconds": _WAIT_SECONDS}
    if moments:
        options = {"num_generations": 3, "min_duration_seconds": 6, "max_duration_seconds": 12}
        arguments |= {"generation_config": options, "rendering_config": {"resolution": 480}}
    if prompt:
        arguments["prompt"] = prompt
    async with Client(stdio_client(_server(backend, directory))) as client:
        result = await client.call_tool(
            "create_clips", arguments, progress_callback=_progress_lines(), read_timeout_seconds=None
        )
        answer = _answer(result)
        if result.is_error or answer.get("status") != "completed":
            print(f"\n{_text(result)}", file=sys.stderr)
            return 1
        clips = cast("list[dict[str, Any]]", answer.get("output", []))
        for warning in answer.get("warnings", []):
            print(f"  Note: {warning}")
        saved = [await _save(client, str(answer["id"]), number, directory) for number in range(1, len(clips) + 1)]
    return await _report(settings, clips, saved, moments)


def _progress_lines() -> ProgressFnT:
    """Return a callback that prints a line for each new stage, and for each tenth of the way."""
    started = time.monotonic()
    last = ("", 0)

    async def show(progress: float, total: float | None, message: str | None) -> None:
        nonlocal last
        stage = (message or "").partition(" ")[0]
        news = (stage, int(10 * progress / total) if total else 0)  # Reka does not say how far it is
        if news != last:
            last = news
            print(f"  {time.monotonic() - started:4.0f} s  {message or ''}", flush=True)

    return show


async def _film(settings: Settings, directory: Path) -> tuple[Path, tuple[Moment, ...]]:
    from reka_clips.demo.film import make_film
    from reka_clips.engine.media.ffmpeg.process import find_ffmpeg

    path = directory / "demo-film.mp4"
    print("Drawing a film of 70 seconds in which three things happen.", flush=True)
    return path, await make_film(find_ffmpeg(settings.ffmpeg), path)


def _file_url(video: str) -> str:
    path = Path(os.path.expanduser(video.removeprefix("file://"))).resolve()  # noqa: PTH111 - Path's raises without a home
    if not path.is_file():
        raise RekaClipsError(f"there is no file {path}. Give a path to a video file, or a link to one.")
    return path.as_uri()


def _server(backend: str, directory: Path) -> StdioServerParameters:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment = inherited | {"REKA_CLIPS_BACKEND": backend, "REKA_CLIPS_SAVE_DIR": str(directory)}
    command, *arguments = python_command()
    return StdioServerParameters(command=command, args=arguments, env=environment)


async def _save(client: Client, generation: str, number: int, directory: Path) -> Path | None:
    arguments = {"id": generation, "clip": number, "directory": str(directory)}
    result = await client.call_tool("save_clip", arguments, read_timeout_seconds=None)
    if result.is_error:
        print(f"  Clip {number} could not be saved: {_text(result)}", file=sys.stderr)
        return None
    return Path(str(_answer(result)["path"]))


async def _report(
    settings: Settings, clips: list[dict[str, Any]], saved: list[Path | None], moments: tuple[Moment, ...]
) -> int:
    from reka_clips.engine.media.ffmpeg.probe import probe
    from reka_clips.engine.media.ffmpeg.process import find_ffmpeg, input_arguments

    ffmpeg = find_ffmpeg(settings.ffmpeg)
    are_good = bool(clips)
    for number, (clip, path) in enumerate(zip(clips, saved, strict=True), start=1):
        print(f"\n  {number}. {clip.get('title') or 'Untitled'}   (score {clip.get('ai_score')})")
        if path is None:
            are_good = False
            continue
        info = await probe(ffmpeg, path)
        await ffmpeg.run([*input_arguments(path), "-f", "null", "-"])  # raises if it cannot be decoded to its end
        start = clip.get("source_start_time")
        place = "" if start is None else f", from {start:.1f} s of the film"
        print(f"     {float(info.duration):.1f} s, plays to its end{place}\n     {path}")
    missed = [moment for moment in moments if not any(_shows(clip, moment) for clip in clips)]
    print()
    for moment in moments:
        found = "missed" if moment in missed else "found"
        print(f"  Planted at {moment.start_seconds}-{moment.end_seconds} s ({moment.name}): {found}")
    if not clips:
        print("No clips came out.", file=sys.stderr)
    return 0 if are_good and not missed else 1


def _shows(clip: dict[str, Any], moment: Moment) -> bool:
    """Whether at least half of a planted moment is in the clip."""
    start, end = clip.get("source_start_time"), clip.get("source_end_time")
    if start is None or end is None:
        return False
    overlap = min(end, moment.end_seconds) - max(start, moment.start_seconds)
    return overlap >= (moment.end_seconds - moment.start_seconds) / 2


def _answer(result: CallToolResult) -> dict[str, Any]:
    return cast("dict[str, Any]", result.structured_content or {})


def _text(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def _leaves(group: BaseExceptionGroup[RekaClipsError]) -> list[RekaClipsError]:
    found: list[RekaClipsError] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found
