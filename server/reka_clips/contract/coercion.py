"""Values in the type their schema asks for, where what an agent sent can only mean that."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from reka_clips.contract.schemas import JsonSchema

_NUMBER: Final = re.compile(r"[+-]?\d{1,15}(\.\d{1,6})?")
_BIGGEST_NUMBER: Final = 2**53
_LEFT_OUT: Final = frozenset({"", "[]", "{}", "null", "omit", "undefined"})
"""What models and proxies write into optional fields that they mean to leave out."""


def natural(value: Any, node: JsonSchema) -> Any:
    """Return the value in the type that a flat schema asks for; what is not clear is returned as it came.

    Lists and objects written as JSON text are read, "3" becomes 3, "true" becomes true, one text where a list
    of texts is due becomes that list, and an optional field without content counts as one that was not sent. What
    would do harm later is changed into what every field refuses: endless numbers, texts with half a surrogate pair.
    """
    kind = node["type"]
    if isinstance(value, str) and kind != "string":
        value = _from_text(value, kind, node)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if abs(value) > _BIGGEST_NUMBER:
            return math.inf
        return str(value) if kind == "string" and "enum" in node and isinstance(value, int) else value
    if isinstance(value, dict) and kind == "object":
        fields = cast("dict[str, Any]", value)
        known = cast("dict[str, JsonSchema]", node["properties"])
        required = node.get("required", ())
        values = {name: natural(item, known[name]) if name in known else item for name, item in fields.items()}
        return {
            name: item
            for name, item in values.items()
            if name not in known or (item is not None if name in required else not _is_left_out(item, known[name]))
        }
    if isinstance(value, list | tuple) and kind == "array":
        items = cast("list[Any]", value)
        return [natural(item.strip() if isinstance(item, str) else item, node["items"]) for item in items]
    if isinstance(value, str):
        return _broken_bytes(value.strip() if "enum" in node else value)
    return cast("Any", value)


def _is_left_out(value: Any, node: JsonSchema) -> bool:
    """Whether the value of an optional field says nothing: null, empty, a word for that, 0 where 0 means nothing."""
    if isinstance(value, str):
        return value.strip().lower() in _LEFT_OUT or (value == "0" and "enum" in node)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value == 0 and node.get("minimum", 0) > 0
    return value is None or value in ([], {})


def _broken_bytes(text: str) -> str | bytes:
    """Return the text, or, where it is none that UTF-8 can carry, bytes that are no UTF-8 either."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")
    return text


def _from_text(text: str, kind: str, node: JsonSchema) -> Any:
    stripped = text.strip()
    if kind == "boolean":
        return {"true": True, "false": False}.get(stripped.lower(), text)
    if kind in ("integer", "number"):
        if not _NUMBER.fullmatch(stripped):
            return text
        number = float(stripped)
        return int(number) if number.is_integer() else number
    parsed = _parsed(stripped) if stripped[:1] in "[{" else text
    if kind == "array" and not isinstance(parsed, list):
        return [text] if node["items"]["type"] == "string" and text else text
    return cast("Any", parsed)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
