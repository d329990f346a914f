"""The Clip API on the wire: what is sent, what comes back. Pydantic models and pure checks, no I/O.

Requests are strict: an unknown or misplaced key is refused, because upstream ignores it without a word.
Responses are lenient: fields may be missing, null, of another type, and statuses may be new.
"""

from reka_clips.contract.json_text import decode_json
from reka_clips.contract.options import (
    ASPECT_RATIOS,
    FONT_FAMILIES,
    LAYOUTS,
    REEL_QUALITIES,
    RESOLUTIONS,
    SUBTITLE_LANGUAGES,
    TEMPLATES,
    TEXT_POSITIONS,
    TEXT_TRANSFORMS,
)
from reka_clips.contract.problems import ErrorBody, parse_error_body
from reka_clips.contract.requests import (
    CaptionStyle,
    CreateRequest,
    DeleteRequest,
    GenerationConfig,
    RenderingConfig,
)
from reka_clips.contract.snapshots import (
    STAGES,
    ClipList,
    ClipListItem,
    ClipOutput,
    ClipPart,
    Snapshot,
    canonical_id,
    is_generation_id,
    is_terminal,
    is_uuid,
)
from reka_clips.contract.video_urls import video_url_problem

__all__ = [
    "ASPECT_RATIOS",
    "FONT_FAMILIES",
    "LAYOUTS",
    "REEL_QUALITIES",
    "RESOLUTIONS",
    "STAGES",
    "SUBTITLE_LANGUAGES",
    "TEMPLATES",
    "TEXT_POSITIONS",
    "TEXT_TRANSFORMS",
    "CaptionStyle",
    "ClipList",
    "ClipListItem",
    "ClipOutput",
    "ClipPart",
    "CreateRequest",
    "DeleteRequest",
    "ErrorBody",
    "GenerationConfig",
    "RenderingConfig",
    "Snapshot",
    "canonical_id",
    "decode_json",
    "is_generation_id",
    "is_terminal",
    "is_uuid",
    "parse_error_body",
    "video_url_problem",
]
