"""Error bodies of a Clip API, in whichever shape they come: Reka's own, FastAPI's, or no JSON at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from reka_clips.contract.json_text import decode_json

MAX_MESSAGE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error body says. `type` is Reka's word (`validation_error`, …); empty fields are None."""

    type: str | None = None
    message: str | None = None
    param: str | None = None


def parse_error_body(content: bytes) -> ErrorBody:
    """Return what an error body says; never raises, whatever the bytes are.

    Knows `{"error": {"type", "message", "param", "details"}}`, `{"error": "…"}`, `{"detail": …}` and
    `{"message": "…"}`. A body that is no JSON object (an HTML page, say) tells nothing: all fields None.
    """
    try:
        body = decode_json(content)
    except ValueError:
        return ErrorBody()
    if not isinstance(body, dict):
        return ErrorBody()
    fields = cast("dict[str, Any]", body)
    error = fields.get("error")
    if isinstance(error, dict):
        inner = cast("dict[str, Any]", error)
        message = _text(inner.get("message")) or _text(inner.get("details"))
        return ErrorBody(_text(inner.get("type")), message, _text(inner.get("param")))
    message = _text(error) or _text(fields.get("detail")) or _text(fields.get("message"))
    return ErrorBody(message=message)


def _text(value: object) -> str | None:
    if value is None or value in ("", [], {}):
        return None
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text[:MAX_MESSAGE_CHARACTERS]
