"""What is sent to a Clip API. Only what the caller set goes out, so that Reka's defaults stay Reka's.

Source for fields, ranges and defaults: Reka's Clip API reference and OpenAPI document (mid-2026).
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from reka_clips.contract.options import (
    AspectRatio,
    FontFamily,
    Layout,
    ReelQuality,
    Resolution,
    SubtitleLanguage,
    Template,
    TextPosition,
    TextTransform,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_CUE_TIMES: Final = re.compile(r"\d{1,2}:\d\d[.,]\d{1,3}[ \t]*-->[ \t]*(?:\d{1,3}:)?\d{1,2}:\d\d")
DEFAULT_MAX_DURATION_SECONDS: Final = 90
MAX_SEGMENTS: Final = 12
MAX_SEGMENT_SECONDS: Final = 600
MAX_SUBTITLES_BYTES: Final = 200_000
DEFAULT_PROMPT: Final = "Create an engaging short video highlighting the best moments"
GENERATION_DEFAULTS: Final = MappingProxyType(
    {"template": "moments", "min_duration_seconds": 0, "max_duration_seconds": DEFAULT_MAX_DURATION_SECONDS}
)
RENDERING_DEFAULTS: Final = MappingProxyType(
    {"show_watermark": False, "subtitles": True, "aspect_ratio": "9:16", "resolution": 720, "layout": "ai"}
)
_CAPTION_DEFAULTS: Final = MappingProxyType(
    {"desired_font_size": 120.0, "text_transform": "uppercase", "text_color": "#FFFFFF"}
)


def _whole_number(value: object) -> object:
    """Take 3, 3.0 and "3" for 3; leave the rest to the int check, but refuse true and false."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number, not true or false")  # noqa: TRY004 - pydantic wants ValueError
    return value


WholeNumber = Annotated[int, BeforeValidator(_whole_number)]


def _plain_numbers(value: Any) -> Any:
    """Return JSON with 5.0 written as 5: Reka refuses a fraction where it wants a whole number."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 3)
    if isinstance(value, dict):
        return {name: _plain_numbers(item) for name, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_plain_numbers(item) for item in cast("list[Any]", value)]
    return value


Seconds = Annotated[
    float,
    BeforeValidator(_whole_number),
    Field(ge=0, allow_inf_nan=False),
]


def _zero_is_unset(value: object) -> object:
    """Take 0 for "not set": models fill optional numbers with it, and no source ends at 0."""
    return None if value is not False and value in (0, "0") else value


def _resolution(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else _whole_number(value)


LANGUAGE_PATTERN: Final = r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$"
LanguageCode = Annotated[str, Field(pattern=LANGUAGE_PATTERN)]
HexColor = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CaptionStyle(_Request):
    """How burnt-in captions look. `desired_font_size`: 60 to 120, pixels on a picture 1080 wide."""

    desired_font_size: Annotated[float, BeforeValidator(_whole_number), Field(ge=60, le=120)] | None = None
    text_transform: TextTransform | None = None
    text_color: HexColor | None = None
    highlight_color: HexColor | None = None
    stroke_color: HexColor | None = None
    position: TextPosition | None = None
    font_family: FontFamily | None = None


class SourceSegment(_Request):
    """An exact stretch of one source, in seconds. `source`: the number of the video, counted from 0."""

    start: Seconds
    end: Seconds
    source: Annotated[WholeNumber, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _check_length(self) -> SourceSegment:
        if self.end <= self.start:
            raise ValueError(f"end ({self.end:g}) must be after start ({self.start:g}); did you swap them?")
        if self.end - self.start > MAX_SEGMENT_SECONDS:
            latest = self.start + MAX_SEGMENT_SECONDS
            raise ValueError(
                f"must be at most {MAX_SEGMENT_SECONDS} s long, not {self.end - self.start:g}: "
                f"end at {latest:g} or before"
            )
        return self


class GenerationConfig(_Request):
    """What is looked for, in seconds of the source.

    `segments` (exact stretches, nothing is searched) and `plan_only` (candidates without videos) are the engine's.
    """

    template: Template | None = None
    num_generations: Annotated[WholeNumber, Field(ge=1, le=3)] | None = None
    min_duration_seconds: Annotated[WholeNumber, Field(ge=0)] | None = None
    max_duration_seconds: Annotated[WholeNumber, Field(ge=1, le=600)] | None = None
    source_start_time: Seconds | None = None
    source_end_time: Annotated[Seconds | None, BeforeValidator(_zero_is_unset)] = None
    segments: Annotated[tuple[SourceSegment, ...], Field(min_length=1, max_length=MAX_SEGMENTS)] | None = None
    plan_only: StrictBool | None = None
    translated_subtitles_target_language: SubtitleLanguage | None = None
    translated_subtitles_group_length: Annotated[WholeNumber, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _check_ranges(self) -> GenerationConfig:
        longest = self.max_duration_seconds
        shortest = self.min_duration_seconds
        if shortest is not None and shortest > (longest or DEFAULT_MAX_DURATION_SECONDS):
            known = f"{longest}" if longest else f"{DEFAULT_MAX_DURATION_SECONDS}, its default"
            raise ValueError(f"min_duration_seconds ({shortest}) must not be above max_duration_seconds ({known})")
        start, end = self.source_start_time, self.source_end_time
        if end is not None and end <= (start or 0):
            raise ValueError(f"source_end_time ({end:g}) must be after source_start_time ({start or 0:g})")
        if self.segments and self.plan_only:
            raise ValueError("segments are exact already: leave plan_only out to have them cut")
        return self


def _subtitles(text: str) -> str:
    """Refuse what is no SubRip or WebVTT text; takes linear time."""
    if len(text.encode(errors="replace")) > MAX_SUBTITLES_BYTES:
        raise ValueError(f"must be at most {MAX_SUBTITLES_BYTES} bytes long: send the part that the clips need")
    if not _CUE_TIMES.search(text):
        raise ValueError(
            'must be subtitles in SRT or WebVTT form, such as "1\\n00:00:05,000 --> 00:00:07,500\\nWhat is said"'
        )
    return text


class RenderingConfig(_Request):
    """How the clips look. `resolution`: the shorter side of the picture, in pixels.

    `subtitles_language`: which of a film's subtitles to show; the embedded engine's own, Reka has no such field.
    """

    show_watermark: StrictBool | None = None
    subtitles: StrictBool | None = None
    subtitles_language: LanguageCode | None = None
    aspect_ratio: AspectRatio | None = None
    resolution: Annotated[Resolution, BeforeValidator(_resolution)] | None = None
    layout: Layout | None = None
    caption_style: CaptionStyle | None = None
    subtitles_srt: Annotated[str, AfterValidator(_subtitles)] | None = None


class CreateRequest(_Request):
    """POST /v1/clips. `reel_quality` and `force_vllm_whisper_asr` travel in the query, the rest in the body."""

    video_urls: Annotated[tuple[str, ...], Field(min_length=1)]
    prompt: str | None = None
    generation_config: GenerationConfig | None = None
    rendering_config: RenderingConfig | None = None
    reel_quality: ReelQuality | None = None
    force_vllm_whisper_asr: StrictBool | None = None

    @model_validator(mode="after")
    def _check_sources(self) -> CreateRequest:
        segments = (self.generation_config and self.generation_config.segments) or ()
        for number, segment in enumerate(segments):
            if segment.source >= len(self.video_urls):
                last = len(self.video_urls) - 1
                raise ValueError(
                    f"generation_config.segments[{number}].source ({segment.source}) must be the number of one of the "
                    f"video_urls, counted from 0: at most {last}"
                )
        return self

    def engine_only(self) -> list[tuple[str, str]]:
        """Return what only an engine of this program can do, as (path, the nearest way with Reka)."""
        generation, rendering = self.generation_config, self.rendering_config
        found: list[tuple[str, str]] = []
        if generation is not None and generation.segments:
            exact = "for one stretch set source_start_time and source_end_time, and min and max to its length"
            found.append(("generation_config.segments", exact))
        if generation is not None and generation.plan_only:
            found.append(("generation_config.plan_only", "leave it out to have the clips made"))
        for name in ("source_start_time", "source_end_time"):
            seconds = generation and getattr(generation, name)
            if seconds and seconds != int(seconds):
                found.append((f"generation_config.{name}", f"Reka takes whole seconds: {round(seconds)}"))
        if rendering is not None and rendering.subtitles_srt:
            way = "for another language set generation_config.translated_subtitles_target_language"
            found.append(("rendering_config.subtitles_srt", way))
        if rendering is not None and rendering.subtitles_language:
            way = "for another language set generation_config.translated_subtitles_target_language"
            found.append(("rendering_config.subtitles_language", way))
        return found

    def body(self, *, stream: bool) -> dict[str, Any]:
        """Return the JSON body: what the caller set, and `stream`."""
        fields = self.model_dump(mode="json", exclude_none=True, exclude={"reel_quality", "force_vllm_whisper_asr"})
        return _plain_numbers({name: value for name, value in fields.items() if value != {}}) | {"stream": stream}

    def with_defaults(self) -> dict[str, Any]:
        """Return the body with every default filled in: two requests for the same clips are equal in this form."""
        fields = self.body(stream=False)
        rendering = dict(RENDERING_DEFAULTS) | fields.get("rendering_config", {})
        if rendering.get("caption_style"):
            rendering["caption_style"] = _without(rendering["caption_style"], _CAPTION_DEFAULTS)
        generation = dict(GENERATION_DEFAULTS) | fields.get("generation_config", {})
        generation["source_start_time"] = generation.get("source_start_time", 0)
        return fields | {
            "prompt": fields.get("prompt", DEFAULT_PROMPT),
            "generation_config": generation,
            "rendering_config": _without(rendering, {"caption_style": {}}),
        }

    def query(self) -> dict[str, str]:
        """Return the query parameters."""
        query = {} if self.reel_quality is None else {"reel_quality": str(self.reel_quality)}
        if self.force_vllm_whisper_asr is not None:
            query["force_vllm_whisper_asr"] = str(self.force_vllm_whisper_asr).lower()
        return query


def _without(fields: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in defaults or value != defaults[name]}


class DeleteRequest(_Request):
    """DELETE /v1/clips/{id}. `delete_input_video`: also delete the indexed source video."""

    delete_input_video: StrictBool = False
