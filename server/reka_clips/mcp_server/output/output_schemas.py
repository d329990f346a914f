"""What the tools' structured results look like, told to clients that check them."""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]


_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "number"}
_WHOLE: Final[Schema] = {"type": "integer"}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}
_FLAG: Final[Schema] = {"type": "boolean"}
_FREE: Final[Schema] = {"type": "object"}


def _said(schema: Schema, description: str) -> Schema:
    return schema | {"description": description}


def _object(properties: dict[str, Schema], required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_BACKEND: Final[Schema] = {"type": "string", "enum": ["reka", "local"]}
_MESSAGE: Final = _said(_TEXT, "The result in words.")
_NEXT: Final = _said(_object({"tool": _TEXT, "arguments": _FREE}, ["tool"]), "The call that goes on from here, if any.")

_CLIP: Final = _object(
    {
        "title": _TEXT,
        "video_url": _said(_TEXT, 'The MP4; "" while there is no link.'),
        "caption": _TEXT,
        "hashtags": _TEXTS,
        "ai_score": _said(_WHOLE, "0 to 100."),
        "duration_seconds": _NUMBER,
        "width": _WHOLE,
        "height": _WHOLE,
        "size_bytes": _WHOLE,
        "poster_url": _TEXT,
        "source_url": _TEXT,
        "source_start_time": _said(_NUMBER, "Seconds in the source."),
        "source_end_time": _NUMBER,
    },
    ["title", "video_url", "caption", "hashtags"],
)

GENERATION: Final = _object(
    {
        "id": _TEXT,
        "status": _said(
            _TEXT, "submitting (no id yet), completed, failed, or the stage of a running generation in the API's word."
        ),
        "backend": _BACKEND,
        "message": _MESSAGE,
        "output": _said({"type": "array", "items": _CLIP}, "The clips; empty until completed."),
        "next": _NEXT,
        "created_at": _TEXT,
        "updated_at": _TEXT,
        "video_urls": _TEXTS,
        "prompt": _TEXT,
        "num_generations": _said(_WHOLE, "0 while not decided."),
        "generation_config": _FREE,
        "rendering_config": _FREE,
        "progress": _said(_NUMBER, "0 to 1, where it is measured."),
        "elapsed_seconds": _WHOLE,
        "stages": _said(_TEXTS, "Seen so far."),
        "warnings": _TEXTS,
        "error_message": _TEXT,
        "rate_limit": _said(
            _object({"limit": _WHOLE, "remaining": _WHOLE, "reset_seconds": _WHOLE}, []), "Creations left."
        ),
    },
    ["status", "backend", "message", "output"],
)

GENERATION_LIST: Final = _object(
    {
        "items": {
            "type": "array",
            "items": _object(
                {
                    "id": _TEXT,
                    "status": _TEXT,
                    "video_urls": _TEXTS,
                    "prompt": _TEXT,
                    "created_at": _TEXT,
                    "clip_count": _WHOLE,
                    "size_bytes": _WHOLE,
                },
                ["id", "status", "video_urls", "prompt"],
            ),
        },
        "offset": _WHOLE,
        "limit": _WHOLE,
        "backend": _BACKEND,
        "message": _MESSAGE,
        "next": _NEXT,
    },
    ["items", "offset", "limit", "backend", "message"],
)

DELETION: Final = _object(
    {"id": _TEXT, "deleted": _FLAG, "input_video_deleted": _FLAG, "backend": _BACKEND, "message": _MESSAGE},
    ["id", "deleted", "input_video_deleted", "backend", "message"],
)

SAVED_CLIP: Final = _object(
    {
        "id": _TEXT,
        "clip": _WHOLE,
        "path": _said(_TEXT, "Absolute path of the new file."),
        "size_bytes": _WHOLE,
        "backend": _BACKEND,
        "message": _MESSAGE,
    },
    ["id", "clip", "path", "size_bytes", "backend", "message"],
)
