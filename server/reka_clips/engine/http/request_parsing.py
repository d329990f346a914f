"""From the bytes of a POST to a request the engine takes, or to one clear refusal. No I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import BaseModel, ValidationError

from reka_clips.contract import CreateRequest, DeleteRequest, video_url_problem
from reka_clips.contract.argument_errors import refusals_of
from reka_clips.contract.schemas import flat_schema
from reka_clips.contract.video_urls import is_video_page
from reka_clips.download.fetch import WEB_PAGE_MESSAGE
from reka_clips.errors import RekaClipsError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES: Final = 1024 * 1024
MAX_VIDEO_URLS: Final = 10
MAX_PROMPT_CHARACTERS: Final = 10_000
_TEMPLATES: Final = ("moments", "compilation")
_NO_TRANSLATION: Final = (
    "the embedded engine does not translate subtitles: translate a clip's subtitles_srt yourself and pass it as "
    "rendering_config.subtitles_srt, or put a translated .srt beside the video"
)
_QUERY: Final = ("reel_quality", "force_vllm_whisper_asr")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request. `param`: the field as in `generation_config.template`, or None."""

    message: str
    param: str | None = None


class RefusedError(RekaClipsError):
    """The request is wrong. Holds all problems found; there is at least one."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{p.param}: {p.message}" if p.param else p.message for p in problems))
        self.problems = problems


def parse_create(body: bytes, query: Mapping[str, str]) -> tuple[CreateRequest, bool]:
    """Return the request and whether its answer shall be a stream. Raises RefusedError."""
    fields = _json_object(body)
    stream = fields.pop("stream", False)
    if not isinstance(stream, bool):
        raise RefusedError(Problem("must be true or false", "stream"))
    misplaced = [name for name in _QUERY if name in fields]
    if misplaced:
        raise RefusedError(*(Problem("belongs in the query, not in the body", name) for name in misplaced))
    unknown = [name for name in query if name not in _QUERY]
    if unknown:
        raise RefusedError(*(Problem(f"is no query parameter; there are {', '.join(_QUERY)}", n) for n in unknown))
    asr = query.get("force_vllm_whisper_asr")
    if asr is not None:
        if asr.lower() not in ("true", "false", "1", "0"):
            raise RefusedError(Problem("must be true or false", "force_vllm_whisper_asr"))
        fields["force_vllm_whisper_asr"] = asr.lower() in ("true", "1")
    if "reel_quality" in query:
        fields["reel_quality"] = query["reel_quality"]
    try:
        request = CreateRequest.model_validate(fields)
    except ValidationError as error:
        raise RefusedError(*_problems(error, CreateRequest)) from None
    problems = _url_problems(request) + _engine_problems(request)
    if problems:
        raise RefusedError(*problems)
    return request, stream


def parse_delete(body: bytes) -> DeleteRequest:
    """Return the body of a DELETE; an empty one stands for the defaults. Raises RefusedError."""
    if not body.strip():
        return DeleteRequest()
    try:
        return DeleteRequest.model_validate(_json_object(body))
    except ValidationError as error:
        raise RefusedError(*_problems(error, DeleteRequest)) from None


def parse_page(query: Mapping[str, str]) -> tuple[int, int, str | None]:
    """Return offset, limit and status of a list. Raises RefusedError."""
    unknown = [name for name in query if name not in ("offset", "limit", "status")]
    if unknown:
        raise RefusedError(*(Problem("is no query parameter; there are offset, limit, status", n) for n in unknown))
    offset = _whole(query, "offset", default=0, lowest=0, highest=1_000_000)
    limit = _whole(query, "limit", default=20, lowest=1, highest=100)
    return offset, limit, query.get("status") or None


def _whole(query: Mapping[str, str], name: str, *, default: int, lowest: int, highest: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1  # noqa: PLR2004 - far too long
    if not lowest <= number <= highest:
        raise RefusedError(Problem(f"must be a whole number from {lowest} to {highest}", name))
    return number


def _json_object(body: bytes) -> dict[str, Any]:
    def refuse(_: str) -> None:
        raise ValueError("NaN and infinity are no JSON")

    try:
        # Back to bytes: finds lone surrogates, which JSON can spell and nothing else can hold.
        fields = json.loads(body.decode("utf-8"), parse_constant=refuse)
        json.dumps(fields, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise RefusedError(Problem("The body is no valid JSON in UTF-8.")) from None
    if not isinstance(fields, dict):
        raise RefusedError(Problem("The body must be a JSON object."))
    return cast("dict[str, Any]", fields)


def _url_problems(request: CreateRequest) -> list[Problem]:
    problems: list[Problem] = []
    if len(request.video_urls) > MAX_VIDEO_URLS:
        problems.append(Problem(f"must hold at most {MAX_VIDEO_URLS} links", "video_urls"))
    for index, url in enumerate(request.video_urls):
        problem = video_url_problem(url, allow_file=True) or (WEB_PAGE_MESSAGE if is_video_page(url) else None)
        if problem:
            problems.append(Problem(problem, f"video_urls[{index}]"))
    return problems


def _engine_problems(request: CreateRequest) -> list[Problem]:
    problems: list[Problem] = []
    if request.prompt is not None and len(request.prompt) > MAX_PROMPT_CHARACTERS:
        problems.append(Problem(f"must be at most {MAX_PROMPT_CHARACTERS} characters long", "prompt"))
    if request.reel_quality is not None:
        problems.append(Problem("has no meaning for the embedded engine; leave it out", "reel_quality"))
    if request.force_vllm_whisper_asr:
        problems.append(Problem("is not there in the embedded engine; leave it out", "force_vllm_whisper_asr"))
    generation = request.generation_config
    if generation is not None:
        if generation.template not in (None, *_TEMPLATES):
            words = f"the embedded engine makes {' and '.join(_TEMPLATES)}, not {generation.template}"
            problems.append(Problem(words, "generation_config.template"))
        problems += [
            Problem(_NO_TRANSLATION, f"generation_config.{name}")
            for name in ("translated_subtitles_target_language", "translated_subtitles_group_length")
            if getattr(generation, name) is not None
        ]
    return problems


def _problems(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    schema = flat_schema(model)
    in_body = {name: node for name, node in schema["properties"].items() if name not in _QUERY}
    found = refusals_of(error.errors(include_url=False), schema=schema | {"properties": in_body}, what="the request")
    return [Problem(refusal.problem, refusal.path or None) for refusal in found]
