"""What a Clip API tells of a generation. Lenient on purpose: upstream may add, omit or retype fields.

Source: Reka's Clip API reference, its OpenAPI document, and run logs of public users (mid-2026).
"""

from __future__ import annotations

import json
import math
import uuid
from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

STAGES: Final = ("queued", "downloading", "indexing", "preprocessing", "processing", "completed", "failed")
"""The statuses known. Any other value is a stage of a generation that still runs."""

MAX_STATUS_CHARACTERS: Final = 64
_LARGEST_WHOLE: Final = 2**53
_TERMINAL: Final = frozenset({"completed", "failed"})


def is_terminal(status: str) -> bool:
    """Whether a generation with this status has ended."""
    return status in _TERMINAL


def is_generation_id(text: str) -> bool:
    """Whether a text is a UUID in its usual form of 36 characters, upper or lower case."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except (ValueError, AttributeError):
        return False


def _text(value: object) -> object:
    return value if value is None or isinstance(value, str) else json.dumps(value, default=str)


def _texts(value: object) -> object:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(_text(item) for item in cast("list[object]", value) if item is not None)
    return ()


def _number(value: object) -> object:
    try:
        number = float(cast("Any", value))
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _whole(value: object) -> object:
    number = cast("float | None", _number(value))
    return None if number is None or abs(number) > _LARGEST_WHOLE else round(number)


def _status(value: object) -> str:
    return value.strip().lower()[:MAX_STATUS_CHARACTERS] if isinstance(value, str) else ""


def _objects(value: object) -> object:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return tuple(cast("object", item) for item in items if isinstance(item, dict))


def _object(value: object) -> object:
    return cast("object", value) if isinstance(value, dict) else None


def _reason(value: object) -> object:
    if isinstance(value, dict):
        message = cast("dict[str, object]", value).get("message")
        return _text(message if message is not None else cast("object", value))
    return _text(value)


Status = Annotated[str, BeforeValidator(_status)]
Text = Annotated[str | None, BeforeValidator(_text)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Number = Annotated[float | None, BeforeValidator(_number)]
Whole = Annotated[int | None, BeforeValidator(_whole)]
JsonObject = Annotated[dict[str, Any] | None, BeforeValidator(_object)]


class _Response(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ClipOutput(_Response):
    """One clip. The fields from `duration_seconds` on are the embedded engine's; Reka does not send them.

    `video_url` may be missing while `signed_s3_video_url` (presigned, short-lived) is there: see `link`.
    `poster_url` is a still picture of the clip. `source_start_time` counts seconds of the source `source_url`.
    """

    title: Text = None
    video_url: Text = None
    signed_s3_video_url: Text = None
    caption: Text = None
    hashtags: Texts = ()
    ai_score: Whole = None
    duration_seconds: Number = None
    width: Whole = None
    height: Whole = None
    size_bytes: Whole = None
    poster_url: Text = None
    source_url: Text = None
    source_start_time: Number = None
    source_end_time: Number = None

    @property
    def link(self) -> str | None:
        """The URL to open: the lasting one where there is one."""
        return self.video_url or self.signed_s3_video_url


class Snapshot(_Response):
    """The state of a generation, as one stream event or one GET tells it.

    `num_generations` is 0 while automatic and unresolved. `progress` (0 to 1), `detail` (what the stage is busy with)
    and `warnings` are the engine's.
    """

    id: Text = None
    status: Status = ""
    created_at: Text = None
    updated_at: Text = None
    generation_config: JsonObject = None
    rendering_config: JsonObject = None
    video_urls: Texts = ()
    prompt: Text = None
    num_generations: Whole = None
    output: Annotated[tuple[ClipOutput, ...], BeforeValidator(_objects)] = ()
    error_message: Text = None
    error: Annotated[str | None, BeforeValidator(_reason)] = None
    progress: Number = None
    detail: Text = None
    warnings: Texts = ()

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

    id: Text = None
    status: Status = ""
    video_urls: Texts = ()
    prompt: Text = None
    created_at: Text = None
    clip_count: Whole = None
    size_bytes: Whole = None


class ClipList(_Response):
    """GET /v1/clips. No total, cursor or dates; the order is undocumented."""

    items: Annotated[tuple[ClipListItem, ...], BeforeValidator(_objects), Field()] = ()
