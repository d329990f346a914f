"""`create_clips`: have clips made, relay the progress, answer with the clips or with how to go on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from mcp_types import InputRequiredResult, ToolAnnotations

from reka_clips.contract.schemas import JsonSchema, described, flat_schema, without
from reka_clips.contract.video_urls import NO_FILES
from reka_clips.errors import ArgumentError, FieldError
from reka_clips.mcp_server.extensions import gallery
from reka_clips.mcp_server.icons import icon
from reka_clips.mcp_server.input.arguments import CreateArguments, FindArguments, parse_create
from reka_clips.mcp_server.output.models import GenerationResult
from reka_clips.mcp_server.output.results import submitting_result
from reka_clips.mcp_server.progress import ProgressReporter
from reka_clips.mcp_server.tools import confirmation
from reka_clips.mcp_server.tools.base import ClipTool, ToolResult, clip_tool
from reka_clips.mcp_server.tools.tool_call import Call, job_result, waited_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp.server.mcpserver.context import Context

    from reka_clips.generations import ApiSession, SubmissionHandle
    from reka_clips.mcp_server.context import AppContext

NAME: Final = "create_clips"
_LOOK_SECONDS: Final = 2.0
_SUBMITTING: Final = "Submitting the request"

DESCRIPTION: Final = """\
Make short clips from one or more videos: the best moments, or one reel compiled from them, cut and reframed, with \
captions where the words are known. Returns for each clip a link to the MP4, title, caption, hashtags and score.

For a generation that has an id, use get_clip_status. To choose before anything is rendered, find_moments. To change \
one clip, make it again alone: its source times, from get_clip_status, as segments (embedded engine).

Cost: Reka allows ten creations per 24 hours and may charge for each; the embedded engine is free. The same arguments \
again join the generation while it runs, or return it if it ended within ten minutes; force_new overrides that.

Time: minutes (Reka: 2 to 15), with progress. The call returns when the clips are ready or after wait_seconds, then \
with the id and the next call to make. The generation continues by itself when the call ends or is cancelled."""

FIELDS: Final = {
    "video_urls": (
        "Videos to cut from. Reka: YouTube, Twitch and direct video links. Embedded engine: direct links and "
        "file:///absolute/path."
    ),
    "prompt": 'What to look for, such as "every goal"; the embedded engine matches it with what is said.',
    "generation_config": "What is cut.",
    "generation_config.template": (
        "moments (default): one clip per moment; compilation: several moments in one clip; the others: Reka only."
    ),
    "generation_config.num_generations": (
        "How many. Left out: 3, more from 45 minutes on. For more, ask for one part of the source after the other."
    ),
    "generation_config.min_duration_seconds": "Shortest length of a clip (default 0).",
    "generation_config.max_duration_seconds": "Longest (default 90). For about a minute: min 50, max 60.",
    "generation_config.source_start_time": "Search from here on, in seconds of each source.",
    "generation_config.source_end_time": "Search up to here. For exactly 0:05 to 0:20: {exactly}.",
    "generation_config.segments": (
        "Exactly these stretches, nothing is searched: each a clip, or a part of one reel, in this order."
    ),
    "generation_config.segments[].start": "In seconds of the source.",
    "generation_config.segments[].end": "In seconds.",
    "generation_config.segments[].source": "Which of video_urls, from 0.",
    "generation_config.plan_only": "As find_moments does.",
    "generation_config.translated_subtitles_target_language": "Reka only: such as es_ES, es_MX, fr_FR, pt_BR.",
    "generation_config.translated_subtitles_group_length": "Reka only: characters shown at once.",
    "rendering_config": "How the clips look (default: vertical, 720, captions).",
    "rendering_config.show_watermark": "Default false.",
    "rendering_config.subtitles": "Burn in what is said, where it is known (default true).",
    "rendering_config.subtitles_language": "Which of the film's subtitles, such as en (embedded engine).",
    "rendering_config.aspect_ratio": (
        "9:16 (default), 1:1, 4:5, 16:9; 9:16-split stacks the left and the right part of the picture."
    ),
    "rendering_config.resolution": "Shorter side in pixels (default 720). 1080 may cost extra.",
    "rendering_config.layout": "ai (default): crop to follow the action; fit: whole picture on a blurred copy of it.",
    "rendering_config.caption_style": "Look of the captions.",
    "rendering_config.caption_style.desired_font_size": "On a picture 1080 wide (default 120).",
    "rendering_config.caption_style.text_transform": "initial: as spoken; default uppercase.",
    "rendering_config.caption_style.text_color": "#RRGGBB (default white).",
    "rendering_config.caption_style.highlight_color": "Of the word being spoken.",
    "rendering_config.caption_style.stroke_color": "Of the outline.",
    "rendering_config.caption_style.position": "Place on the picture.",
    "rendering_config.caption_style.font_family": "Typeface.",
    "rendering_config.subtitles_srt": (
        "Captions to use, as SRT in source time: a clip's subtitles_srt, corrected or translated (embedded engine)."
    ),
    "reel_quality": "Reka only; best left out.",
    "force_vllm_whisper_asr": "Reka only; best left out.",
    "stream": "false: return once the creation is accepted.",
    "wait_seconds": "How long to wait (default 45); below the client's own time-out. 0: return with the id.",
    "force_new": "true: create although the same request runs or just ended.",
}
_ENGINE_ONLY: Final = "is for the embedded engine (file:// sources, or REKA_CLIPS_BACKEND=local)"
_END: Final = "generation_config.source_end_time"
_HIDDEN: Final = frozenset({"stream", "generation_config.plan_only"})  # still accepted
_REKA_ONLY: Final = frozenset(
    {
        "generation_config.translated_subtitles_target_language",
        "generation_config.translated_subtitles_group_length",
        "reel_quality",
        "force_vllm_whisper_asr",
    }
)
_ENGINE_ONLY_FIELDS: Final = frozenset(
    {"generation_config.segments", "rendering_config.subtitles_srt", "rendering_config.subtitles_language"}
)
_EXACTLY: Final = {True: "use segments", False: "start 5, end 20, and min and max 15"}


def full_schema() -> JsonSchema:
    """Return all that the tool takes, every field described."""
    fields = FIELDS | {_END: FIELDS[_END].format(exactly=_EXACTLY[True])}
    return described(flat_schema(CreateArguments), fields)


def input_schema(*, has_reka: bool = True, has_engine: bool = True) -> JsonSchema:
    """Return what a model is shown: without the fields that no backend of this server knows.

    has_reka: Reka may answer. has_engine: the embedded engine may.
    """
    left_out = set(_HIDDEN)
    if not has_reka:
        left_out |= _REKA_ONLY
    if not has_engine:
        left_out |= _ENGINE_ONLY_FIELDS
    fields = FIELDS | {_END: FIELDS[_END].format(exactly=_EXACTLY[has_engine])}
    schema = without(described(flat_schema(CreateArguments), fields), left_out)
    config = schema["properties"]["generation_config"]["properties"]
    if has_reka:  # a pattern instead of 35 locales
        language = config["translated_subtitles_target_language"]
        language["pattern"] = "^[a-z]{2,3}_[A-Z]{2}$"
        del language["enum"]
    else:
        config["template"]["enum"] = ["moments", "compilation"]
        config["template"]["description"] = config["template"]["description"].partition("; the others")[0]
    return schema


def tool(runtime: AppContext) -> ClipTool:
    """Return the tool as it is registered."""
    has_reka, has_engine = runtime.possible_backends()
    return clip_tool(
        partial(_run, runtime),
        name=NAME,
        title="Create video clips",
        description=DESCRIPTION,
        input_schema=input_schema(has_reka=has_reka, has_engine=has_engine),
        result=GenerationResult,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
        ),
        icon=icon(NAME),
        meta=gallery.TOOL_META,
    )


async def sources_state(arguments: CreateArguments | FindArguments) -> str:
    """Return what the files among the sources are now: with new subtitles beside one, the request is a new one."""
    urls = arguments.request.video_urls
    if not any(url.startswith("file:") for url in urls):
        return ""
    from reka_clips.download.local import sources_state

    with anyio.move_on_after(_LOOK_SECONDS):  # a network drive that hangs is the engine's business
        return await anyio.to_thread.run_sync(sources_state, urls, abandon_on_cancel=True)
    return ""


async def _run(runtime: AppContext, raw: Mapping[str, Any], context: Context[Any, Any]) -> ToolResult:
    call = Call.now(runtime, context)
    no_files = runtime.no_files_reason(call.headers)
    arguments = parse_create(raw, allow_file=no_files is None, no_files=no_files or NO_FILES)
    async with ProgressReporter(context.report_progress, runtime.heartbeat) as relay:
        await relay.tell(_SUBMITTING)
        creation: SubmissionHandle | None = None
        with call.deadline(_wait_seconds(arguments)):
            backend = runtime.backend_for(arguments.video_urls, call.headers)
            if not backend.has_extras and (refused := arguments.request.engine_only()):
                raise ArgumentError(tuple(FieldError(path, f"{_ENGINE_ONLY}; {way}") for path, way in refused))
            account = await runtime.account(call.headers, backend=backend)
            if asks := runtime.settings.confirm and account.backend.costs_money:
                if not arguments.force_new:
                    creation = await runtime.manager.earlier(account, arguments.request, stream=arguments.stream)
                if creation is None:
                    confirmation.check_can_ask(call.context)
                    # Costs nothing and says what is left of the day.
                    await runtime.manager.list(account, offset=0, limit=1)
        if asks and creation is None:
            asked = await _ask(call, account, arguments, relay)
            if asked is not None:
                return asked
            call = Call.now(runtime, context)  # the time a person took to answer is not ours
        if creation is None:
            state = await sources_state(arguments)
            creation = runtime.manager.create(
                account,
                arguments.request,
                stream=arguments.stream,
                force_new=arguments.force_new,
                sources_state=state,
            )
        asked_to_wait = arguments.stream and arguments.wait_seconds != 0
        job = await waited_for(creation, call, relay, wait_seconds=arguments.wait_seconds if asked_to_wait else 0)
    if job is None:
        again = {name: value for name, value in raw.items() if name != "force_new"}
        return submitting_result(again, backend=account.backend)
    return job_result(job, call, note=creation.note, rate_limit=creation.rate_limit)


async def _ask(
    call: Call, account: ApiSession, arguments: CreateArguments, relay: ProgressReporter
) -> InputRequiredResult | None:
    await relay.tell("Waiting for a person to agree")
    text = confirmation.question(arguments.request, account.client.rate_limit)
    asked = await confirmation.ask(text, call.context)
    if asked is None:
        await relay.tell(_SUBMITTING)
    return asked


def _wait_seconds(arguments: CreateArguments) -> float | None:
    """Return how long the call may wait; None, the server's default, also where it asks for the id alone."""
    return arguments.wait_seconds if arguments.stream and arguments.wait_seconds else None
