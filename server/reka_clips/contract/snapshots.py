"""The state of a generation as a Clip API reports it. Lenient on purpose: upstream may add, omit or retype fields.

Everything is bounded as it is read, so that a thousand generations can be held whatever upstream sends.
Source: Reka's Clip API reference, its OpenAPI document, and run logs of public users (mid-2026).
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Callable

STAGES: Final = ("queued", "downloading", "indexing", "preprocessing", "processing", "completed", "failed")
"""The known statuses. Any other value is a stage of a generation that is still running."""

MAX_STATUS_CHARACTERS: Final = 64
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
MAX_TEXT_CHARACTERS: Final = 20_000
MAX_LINE_CHARACTERS: Final = 1_000
MAX_WORD_CHARACTERS: Final = 128
MAX_URL_CHARACTERS: Final = 32_768  # presigned links with session tokens take some thousands
MAX_CONFIG_CHARACTERS: Final = 8_192
MAX_ITEMS: Final = 50
_LARGEST_WHOLE: Final = 2**53
_TERMINAL: Final = frozenset({"completed", "failed"})


def is_terminal(status: str) -> bool:
    """Whether a generation with this status has ended."""
    return status in _TERMINAL


def is_generation_id(text: str) -> bool:
    """Whether a text may be the id of a generation. Reka's and the engine's are UUIDs; others are not refused."""
    return _ID.fullmatch(text) is not None


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID in its usual form of 36 characters, upper or lower case."""
    return _UUID.fullmatch(text) is not None


def canonical_id(text: str) -> str:
    """Return an id in the form in which it is sent and compared: a UUID in lower case, any other as it is."""
    return text.lower() if is_uuid(text) else text


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, default=str)


def _at_most(characters: int) -> Callable[[object], str | None]:
    def cut(value: object) -> str | None:
        text = _text(value)
        return text if text is None or len(text) <= characters else text[: characters - 1] + "…"

    return cut


def _link(value: object) -> str | None:
    """Return a link, or None for one that is too long: half a link leads nowhere."""
    text = _text(value)
    return None if text is None or len(text) > MAX_URL_CHARACTERS else text


def _list(value: object) -> list[object]:
    return list(cast("tuple[object, ...]", value)) if isinstance(value, list | tuple) else []


def _all_of(read: Callable[[object], str | None]) -> Callable[[object], tuple[str, ...]]:
    def texts(value: object) -> tuple[str, ...]:
        items = [value] if isinstance(value, str) else _list(value)
        return tuple(text for text in map(read, items[:MAX_ITEMS]) if text is not None)

    return texts


def _number(value: object) -> float | None:
    try:
        number = float(cast("Any", value))
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _whole(value: object) -> int | None:
    number = _number(value)
    return None if number is None or abs(number) > _LARGEST_WHOLE else round(number)


def _status(value: object) -> str:
    return value.strip().lower()[:MAX_STATUS_CHARACTERS] if isinstance(value, str) else ""


def _objects(value: object) -> tuple[object, ...]:
    return tuple(cast("object", item) for item in _list(value)[:MAX_ITEMS] if isinstance(item, dict | BaseModel))


def _configuration(value: object) -> object:
    fits = isinstance(value, dict) and len(json.dumps(value, default=str)) <= MAX_CONFIG_CHARACTERS
    return cast("object", value) if fits else None


def _reason(value: object) -> str | None:
    if isinstance(value, dict):
        message = cast("dict[str, object]", value).get("message")
        value = message if message is not None else cast("object", value)
    return _at_most(MAX_LINE_CHARACTERS * 2)(value)


Status = Annotated[str, BeforeValidator(_status)]
Word = Annotated[str | None, BeforeValidator(_at_most(MAX_WORD_CHARACTERS))]
Line = Annotated[str | None, BeforeValidator(_at_most(MAX_LINE_CHARACTERS))]
Text = Annotated[str | None, BeforeValidator(_at_most(MAX_TEXT_CHARACTERS))]
Lines = Annotated[tuple[str, ...], BeforeValidator(_all_of(_at_most(MAX_LINE_CHARACTERS)))]
LINK: Final = "link"
"""Marks a field whose texts are links: shown whole or not at all."""
Link = Annotated[str | None, BeforeValidator(_link), LINK]
Links = Annotated[tuple[str, ...], BeforeValidator(_all_of(_link)), LINK]
SUBTITLES: Final = "subtitles"
"""Marks a text whose lines matter."""
Subtitles = Annotated[str | None, BeforeValidator(_at_most(MAX_TEXT_CHARACTERS)), SUBTITLES]
Number = Annotated[float | None, BeforeValidator(_number)]
Whole = Annotated[int | None, BeforeValidator(_whole)]
Configuration = Annotated[dict[str, Any] | None, BeforeValidator(_configuration)]


class _Response(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ClipPart(_Response):
    """One part of a reel, in seconds of its source."""

    source_url: Link = None
    source_start_time: Number = None
    source_end_time: Number = None


class ClipOutput(_Response):
    """One clip: what the pipeline returns, the store keeps, the wire carries and the tools answer.

    The fields from `duration_seconds` on are the embedded engine's; Reka does not send them. A field added here
    appears in the tools' results and in their output schema without further ado: its annotation tells how it is
    bounded and cleaned.
    """

    title: Line = None
    video_url: Link = Field(default=None, description='The MP4; "" while there is no link.')
    signed_s3_video_url: Link = None  # presigned, short-lived: see `link`
    caption: Text = None
    hashtags: Lines = ()
    ai_score: Whole = Field(default=None, description="0 to 100.")
    duration_seconds: Number = None
    width: Whole = None
    height: Whole = None
    size_bytes: Whole = None
    poster_url: Link = Field(default=None, description="A still picture.")
    source_url: Link = None
    source_start_time: Number = Field(default=None, description="Seconds in the source.")
    source_end_time: Number = None
    source_duration_seconds: Number = None
    parts: Annotated[tuple[ClipPart, ...], BeforeValidator(_objects)] = Field(default=(), description="Of a reel.")
    reasons: Lines = Field(default=(), description="Why it was chosen.")
    transcript_from: Word = Field(default=None, description="subtitles, speech or none.")
    subtitles_srt: Subtitles = Field(default=None, description="What is said, with times of the source.")

    @property
    def link(self) -> str | None:
        """The URL to open: the lasting one where there is one."""
        return self.video_url or self.signed_s3_video_url


class Snapshot(_Response):
    """The state of a generation, as one stream event or one GET tells it.

    `num_generations` is 0 while automatic and unresolved. `progress` (0 to 1), `detail` (what the stage is busy with)
    and `warnings` are the engine's.
    """

    id: Word = None
    status: Status = ""
    created_at: Word = None
    updated_at: Word = None
    generation_config: Configuration = None
    rendering_config: Configuration = None
    video_urls: Links = ()
    prompt: Text = None
    num_generations: Whole = Field(default=None, description="0 while not decided.")
    output: Annotated[tuple[ClipOutput, ...], BeforeValidator(_objects)] = ()
    error_message: Annotated[str | None, BeforeValidator(_reason)] = None
    error: Annotated[str | None, BeforeValidator(_reason)] = None
    progress: Number = Field(default=None, description="0 to 1, where it is measured.")
    detail: Line = None
    warnings: Lines = ()
    source_duration_seconds: Number = Field(default=None, description="Of all sources together.")
    contact_sheet_url: Link = None

    @property
    def is_plan(self) -> bool:
        """Whether it was only to find candidates (`plan_only`), which have no videos."""
        return bool((self.generation_config or {}).get("plan_only"))

    @property
    def is_terminal(self) -> bool:
        """Whether the generation has ended, well or not."""
        return is_terminal(self.status)

    @property
    def reason(self) -> str | None:
        """Why the generation failed, where upstream says so."""
        return self.error_message or self.error


class ClipListItem(_Response):
    """One generation in a list. The fields from `created_at` on are the embedded engine's."""

    id: Word = None
    status: Status = ""
    video_urls: Links = ()
    prompt: Text = None
    created_at: Word = None
    clip_count: Whole = None
    size_bytes: Whole = None
    title: Line = Field(default=None, description="Of the first clip.")
    aspect_ratio: Word = None
    duration_seconds: Number = Field(default=None, description="Of all clips together.")


def _items(value: object) -> tuple[object, ...]:
    return tuple(cast("object", item) for item in _list(value) if isinstance(item, dict | BaseModel))


class ClipList(_Response):
    """GET /v1/clips. Reka sends no total (the engine does), cursor or dates; the order is undocumented."""

    items: Annotated[tuple[ClipListItem, ...], BeforeValidator(_items)] = ()
    total: Whole = None
