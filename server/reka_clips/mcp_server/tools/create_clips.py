"""`create_clips`: have clips made, relay the progress, answer with the clips or with how to go on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread
from mcp_types import InputRequiredResult, ToolAnnotations

from reka_clips.contract.schemas import JsonSchema, described, flat_schema
from reka_clips.contract.video_urls import NO_FILES
from reka_clips.errors import ArgumentError, FieldError
from reka_clips.mcp_server.extensions import gallery
from reka_clips.mcp_server.extensions.task_handoff import taker
from reka_clips.mcp_server.icons import icon
from reka_clips.mcp_server.input.arguments import CreateArguments, parse_create
from reka_clips.mcp_server.output.models import GenerationResult
from reka_clips.mcp_server.output.results import submitting_result
from reka_clips.mcp_server.progress import ProgressReporter
from reka_clips.mcp_server.tools import confirmation
from reka_clips.mcp_server.tools.base import ClipTool, ToolResult, clip_tool
from reka_clips.mcp_server.tools.tool_call import Call, job_result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp.server.mcpserver.context import Context

    from reka_clips.generations import ApiSession, Generation, SubmissionHandle
    from reka_clips.mcp_server.context import AppContext

NAME: Final = "create_clips"
_LOOK_SECONDS: Final = 2.0
_SUBMITTING: Final = "Submitting the request"

DESCRIPTION: Final = """\
Make new short clips from one or more videos: the best moments, or one reel compiled from them, cut, reframed and \
captioned. Returns for each clip a link to the MP4, title, caption, hashtags and score.

Use get_clip_status instead for a generation that has an id already (also to renew its links), list_clips to find \
earlier ones.

Cost: with the Reka backend each creation takes one of ten per 24 hours and may charge the account; the embedded \
engine is free. The same arguments again create nothing: they join the generation while it runs, or return it if it \
ended lately; force_new overrides that.

Time: minutes (Reka: 2 to 15). Progress is reported at every stage. The call returns when the clips are ready or \
after wait_seconds, then with the id, the stage and the next call to make; with stream=false as soon as the creation \
is accepted. The generation goes on by itself when the call ends, is cancelled or times out, and cannot be stopped."""

_ENGINE_ONLY: Final = (
    "is for the embedded engine; leave it out, or set generation_config.translated_subtitles_target_language"
)
_WHERE: Final = "whole seconds from the beginning of the source"
FIELDS: Final = {
    "video_urls": (
        "Videos to cut from; several are treated as one source. Reka: YouTube, Twitch and direct video links. "
        "Embedded engine: direct links and file:///absolute/path. No user name or password in a link."
    ),
    "prompt": (
        'What to look for and in which tone, in plain language, such as "every goal, with the crowd\'s reaction". '
        "Default: the best moments. Lengths, times, format and language belong in the fields below."
    ),
    "generation_config": "What is cut: kind, number, length and part of the source. Leave out for the defaults.",
    "generation_config.template": (
        "moments (default): one clip per moment; compilation: several moments in one clip. voiceover, trailer and "
        "caption_only exist on Reka only."
    ),
    "generation_config.num_generations": "How many clips, 1 to 3. Left out: as many as suit the source's length.",
    "generation_config.min_duration_seconds": (
        "Shortest length of a clip (default 0); at most max_duration_seconds, which is 90 unless set."
    ),
    "generation_config.max_duration_seconds": (
        "Longest length of a clip, 1 to 600 (default 90). For about one minute: min 50, max 60."
    ),
    "generation_config.source_start_time": f"Use the source from here on, in {_WHERE}: 300 for 5:00.",
    "generation_config.source_end_time": f"Use the source up to here, in {_WHERE}; after source_start_time.",
    "generation_config.translated_subtitles_target_language": (
        "Translate the subtitles into this language (Reka only); needs rendering_config.subtitles, which is on by "
        "default. Left out: the language spoken."
    ),
    "generation_config.translated_subtitles_group_length": (
        "Characters of translated subtitle shown at once; only with a target language."
    ),
    "rendering_config": "How the clips look. Leave out for vertical 720 with subtitles.",
    "rendering_config.show_watermark": "Show a watermark (default false).",
    "rendering_config.subtitles": "Burn in what is said (default true); false: no captions at all.",
    "rendering_config.subtitles_language": (
        "Which of the video's subtitles to show, such as en or pt-BR (embedded engine only; nothing is translated). "
        "Default: the language spoken."
    ),
    "rendering_config.aspect_ratio": (
        "9:16 (default) for reels, shorts and stories, 1:1 square, 4:5 for feeds, 16:9 wide; 9:16-split stacks two "
        "pictures."
    ),
    "rendering_config.resolution": "Shorter side in pixels (default 720; 9:16 is then 720x1280). 1080 may cost extra.",
    "rendering_config.layout": "ai (default): crop to follow the action; fit: whole picture with bars.",
    "rendering_config.caption_style": "Look of the subtitles, if they are on; every field optional.",
    "rendering_config.caption_style.desired_font_size": "Size on a picture 1080 wide (default 120).",
    "rendering_config.caption_style.text_transform": "initial: as spoken; default uppercase.",
    "rendering_config.caption_style.text_color": "Letters, #RRGGBB (default #FFFFFF).",
    "rendering_config.caption_style.highlight_color": "Word being spoken, #RRGGBB.",
    "rendering_config.caption_style.stroke_color": "Outline of the letters, #RRGGBB.",
    "rendering_config.caption_style.position": "Where on the picture the subtitles stand.",
    "rendering_config.caption_style.font_family": "Typeface of the subtitles.",
    "reel_quality": "Reka's quality tier, which Reka does not document; leave out for its default. No effect locally.",
    "force_vllm_whisper_asr": "Reka only: force its Whisper speech recognition (default false).",
    "stream": (
        "true (default): wait, with progress, up to wait_seconds. false: return once the creation is accepted; "
        "wait_seconds then has no effect."
    ),
    "wait_seconds": (
        "How long this call may take, 0 to 900 (default 45, unless the operator changed it). Keep it below the "
        "client's own time-out. 0 acts like stream=false."
    ),
    "force_new": (
        "true: create again although the same request runs or ended lately; counts and may be charged again. "
        "Default false."
    ),
}


def input_schema() -> JsonSchema:
    """Return what the tool takes, every field described."""
    return described(flat_schema(CreateArguments), FIELDS)


def tool(runtime: AppContext) -> ClipTool:
    """Return the tool as it is registered."""
    return clip_tool(
        partial(_run, runtime),
        name=NAME,
        title="Create video clips",
        description=DESCRIPTION,
        input_schema=input_schema(),
        result=GenerationResult,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
        ),
        icon=icon(NAME),
        meta=gallery.TOOL_META,
    )


async def _sources_state(arguments: CreateArguments) -> str:
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
            account = await runtime.account(call.headers)
            rendering = arguments.rendering_config
            if not account.backend.is_near and rendering and rendering.subtitles_language:
                raise ArgumentError((FieldError("rendering_config.subtitles_language", _ENGINE_ONLY),))
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
            state = await _sources_state(arguments)
            creation = runtime.manager.create(
                account,
                arguments.request,
                stream=arguments.stream,
                force_new=arguments.force_new,
                sources_state=state,
            )
        job = await _waited_for(creation, call, arguments, relay)
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


async def _waited_for(
    creation: SubmissionHandle, call: Call, arguments: CreateArguments, relay: ProgressReporter
) -> Generation | None:
    """Return the generation once it ended or the wait is over; None while its id is not known by then.

    A call that is to return at once waits for the id alone, and so does one whose generation is taken as a task.
    """
    asked_to_wait = arguments.stream and arguments.wait_seconds != 0
    handover = taker() if asked_to_wait else None  # of no use to who asked for the id alone
    returns_at_once = not asked_to_wait or handover is not None
    job: Generation | None = None
    seconds = None if returns_at_once else arguments.wait_seconds
    with call.deadline(seconds) as ends_at, anyio.move_on_at(ends_at):
        job = await creation.job()
        call.runtime.creators.note(job.id)
        if not returns_at_once:
            await relay.follow(job)
        if handover is not None:
            handover.take(creation, job)
    return job


def _wait_seconds(arguments: CreateArguments) -> float | None:
    """Return how long the call may wait; None, the server's default, also where it asks for the id alone."""
    return arguments.wait_seconds if arguments.stream and arguments.wait_seconds else None
