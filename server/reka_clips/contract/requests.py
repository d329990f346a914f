"""What is sent to a Clip API. Only what the caller set goes out, so that Reka's defaults stay Reka's.

Source for fields, ranges and defaults: Reka's Clip API reference and OpenAPI document (mid-2026).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, model_validator

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

DEFAULT_MAX_DURATION_SECONDS: Final = 90
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


class GenerationConfig(_Request):
    """What is looked for. Times and durations are whole seconds of the source."""

    template: Template | None = None
    num_generations: Annotated[WholeNumber, Field(ge=1, le=3)] | None = None
    min_duration_seconds: Annotated[WholeNumber, Field(ge=0)] | None = None
    max_duration_seconds: Annotated[WholeNumber, Field(ge=1, le=600)] | None = None
    source_start_time: Annotated[WholeNumber, Field(ge=0)] | None = None
    source_end_time: Annotated[Annotated[WholeNumber, Field(ge=0)] | None, BeforeValidator(_zero_is_unset)] = None
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
            raise ValueError(f"source_end_time ({end}) must be after source_start_time ({start or 0})")
        return self


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


class CreateRequest(_Request):
    """POST /v1/clips. `reel_quality` and `force_vllm_whisper_asr` travel in the query, the rest in the body."""

    video_urls: Annotated[tuple[str, ...], Field(min_length=1)]
    prompt: str | None = None
    generation_config: GenerationConfig | None = None
    rendering_config: RenderingConfig | None = None
    reel_quality: ReelQuality | None = None
    force_vllm_whisper_asr: StrictBool | None = None

    def body(self, *, stream: bool) -> dict[str, Any]:
        """Return the JSON body: what the caller set, and `stream`."""
        fields = self.model_dump(mode="json", exclude_none=True, exclude={"reel_quality", "force_vllm_whisper_asr"})
        return {name: value for name, value in fields.items() if value != {}} | {"stream": stream}

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
