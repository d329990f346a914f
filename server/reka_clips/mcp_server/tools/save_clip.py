"""`save_clip`: put a finished clip's video into a folder of this computer. Over stdio only."""

from __future__ import annotations

import contextlib
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp_types import ToolAnnotations

from reka_clips.contract.schemas import described, flat_schema
from reka_clips.errors import ArgumentError, DownloadError, FieldError
from reka_clips.mcp_server.icons import icon
from reka_clips.mcp_server.input.arguments import SaveArguments, parse_save
from reka_clips.mcp_server.output.models import SavedClipResult
from reka_clips.mcp_server.output.moments import in_clip_time
from reka_clips.mcp_server.output.results import error_result, plain_result
from reka_clips.mcp_server.progress import ProgressReporter
from reka_clips.mcp_server.tools.base import ClipTool, clip_tool
from reka_clips.mcp_server.tools.saving import disk_words, engine_path, folder_for, move_into

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mcp.server.mcpserver.context import Context
    from mcp_types import CallToolResult

    from reka_clips.contract import ClipOutput
    from reka_clips.download.fetch import NetworkAccess
    from reka_clips.generations import ApiSession, Generation
    from reka_clips.mcp_server.context import AppContext

NAME: Final = "save_clip"
MAX_CLIP_BYTES: Final = 2 * 1024**3
_COPY_BYTES: Final = 1024 * 1024
_TELL_SECONDS: Final = 1.0
# A download may take its time while it gets on: it is given up when so little came in so long.
_STALL_SECONDS: Final = 15.0
_STALL_BYTES: Final = 128 * 1024

DESCRIPTION: Final = """\
Save the video of one finished clip as an MP4 file on this computer and return its absolute path: for the file itself, \
or to keep a clip whose link will expire.

Writes only inside {folder}, under a name made from the title, never over an existing file. Up to 2 GB. Free. The \
generation must be completed."""

FIELDS: Final = {
    "id": "The completed generation.",
    "clip": "Which of its clips, from 1 (default 1).",
    "directory": 'Folder inside the allowed one, such as "reels/monday"; made if missing.',
    "with_subtitles": "true: also write the .srt beside it (default false).",
}


def tool(runtime: AppContext) -> ClipTool:
    """Return the tool as it is registered."""
    return clip_tool(
        partial(_run, runtime),
        name=NAME,
        title="Save a clip to this computer",
        description=DESCRIPTION.format(folder=runtime.settings.save_dir),
        input_schema=described(flat_schema(SaveArguments), FIELDS),
        result=SavedClipResult,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
        ),
        icon=icon(NAME),
    )


async def _run(runtime: AppContext, raw: Mapping[str, Any], context: Context[Any, Any]) -> CallToolResult:
    arguments = parse_save(raw)
    folder = folder_for(arguments.directory, save_dir=runtime.settings.save_dir)
    async with ProgressReporter(context.report_progress, runtime.heartbeat) as relay:
        await relay.tell(f"Asking for generation {arguments.id}")
        with runtime.deadline(runtime.call_seconds / 2):  # the download may need the rest
            account = await runtime.session_of(arguments.id, context.headers)
            job = await runtime.manager.job(account, arguments.id)
        if job.state.stage != "completed":
            return error_result(_not_completed(job))
        output = _chosen(job, arguments.clip)
        part = folder / f".reka-clips-{secrets.token_hex(8)}.part"
        try:
            await _fetch(runtime, account, output, part, relay)
            path = move_into(part, folder, title=output.title, clip=arguments.clip)
            size_bytes = path.stat().st_size
            subtitles = _save_subtitles(path, output) if arguments.with_subtitles else None
        except OSError as error:
            raise DownloadError(f"The clip could not be written: {disk_words(error)}.") from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink()
    return plain_result(
        SavedClipResult(
            id=arguments.id,
            clip=arguments.clip,
            path=str(path),
            size_bytes=size_bytes,
            subtitles_path=str(subtitles) if subtitles else None,
            backend=account.backend.name,
            message=(
                f"Clip {arguments.clip} of generation {arguments.id} saved as {path} ({size_bytes / 1e6:.1f} MB, "
                f"backend {account.backend.name}).{_subtitles_words(arguments, subtitles)}"
            ),
        )
    )


def _save_subtitles(video: Path, output: ClipOutput) -> Path | None:
    """Write the clip's words beside it, timed from its beginning; return the file, or None if there are no words."""
    text = in_clip_time(output.subtitles_srt or "", output)
    if not text:
        return None
    path = video.with_suffix(".srt")
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
    return path


def _subtitles_words(arguments: SaveArguments, path: Path | None) -> str:
    if not arguments.with_subtitles:
        return ""
    return f" Its subtitles: {path}." if path else " There are no words for subtitles."


def _not_completed(job: Generation) -> str:
    if job.state.is_terminal:
        return f"Generation {job.id} failed, so there is no clip to save. get_clip_status tells the reason."
    return f'Generation {job.id} is not completed yet. get_clip_status with {{"id": "{job.id}"}} waits for it.'


def _chosen(job: Generation, clip: int) -> ClipOutput:
    outputs = job.state.snapshot.output
    if clip > len(outputs):
        have = f"has {len(outputs)} clip{'' if len(outputs) == 1 else 's'}" if outputs else "has no clips"
        raise ArgumentError((FieldError("clip", f"is {clip}, but this generation {have}"),))
    return outputs[clip - 1]


async def _fetch(
    runtime: AppContext, account: ApiSession, output: ClipOutput, part: Path, relay: ProgressReporter
) -> None:
    """Put the clip's video into a file that is there only when this returns."""
    link = output.link or ""
    if link.startswith("file://"):
        if not account.backend.is_embedded:
            raise DownloadError("The link of this clip leads to a file, which only the embedded engine may give.")
        await _copy(engine_path(link, data_dir=runtime.settings.data_dir), part, relay)
    elif link.startswith(("http://", "https://")):
        from reka_clips.download.fetch import NetworkAccess, origin

        access = NetworkAccess(
            allow_private=runtime.settings.allow_private_sources,
            # The service that made the clip may stand on this very machine.
            trusted_origins=frozenset({origin(account.client.base_url)}),
            redirects_to_https_only=True,
        )
        await _download(link, part, relay, access=access)
    else:
        raise DownloadError("This clip has no link yet; get_clip_status asks for it again.")


async def _copy(source: Path, part: Path, relay: ProgressReporter) -> None:
    total_bytes = (await anyio.Path(source).stat()).st_size
    copied_bytes = 0
    told_at = anyio.current_time()
    async with await anyio.open_file(source, "rb") as reader, await anyio.open_file(part, "xb") as writer:
        while chunk := await reader.read(_COPY_BYTES):
            copied_bytes += await writer.write(chunk)
            if anyio.current_time() - told_at >= _TELL_SECONDS:
                told_at = anyio.current_time()
                await relay.tell(_amount(copied_bytes, total_bytes), progress=copied_bytes / total_bytes)


async def _download(link: str, part: Path, relay: ProgressReporter, *, access: NetworkAccess) -> None:
    from reka_clips.download.fetch import DownloadLimits, download

    amount: list[int | None] = [0, None]
    failure: DownloadError | None = None

    def note(received_bytes: int, total_bytes: int | None) -> None:
        amount[:] = received_bytes, total_bytes

    async def tell() -> None:
        nonlocal failure
        told = enough_bytes = 0
        stalls_at = anyio.current_time()
        while True:
            if amount[0] is not None and amount[0] >= enough_bytes:
                enough_bytes, stalls_at = amount[0] + _STALL_BYTES, anyio.current_time() + _STALL_SECONDS
            elif anyio.current_time() >= stalls_at:
                failure = DownloadError("The clip arrives too slowly to be saved. Open its link instead, or try later.")
                tasks.cancel_scope.cancel()
            await anyio.sleep(_TELL_SECONDS)
            received_bytes, total_bytes = amount[0] or 0, amount[1]
            if received_bytes > told:
                told = received_bytes
                share = min(0.99, received_bytes / total_bytes) if total_bytes else 0.0
                await relay.tell(_amount(received_bytes, total_bytes), progress=share, is_measured=bool(total_bytes))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tell)
        try:
            await download(link, part, limits=DownloadLimits(max_bytes=MAX_CLIP_BYTES), access=access, on_progress=note)
        except DownloadError as error:
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


def _amount(done_bytes: int, total_bytes: int | None) -> str:
    of = f" of {total_bytes / 1e6:.1f}" if total_bytes else ""
    return f"Saving: {done_bytes / 1e6:.1f}{of} MB"
