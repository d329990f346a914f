"""What is wrong with a call, in words: the field, what is allowed, the nearest right spelling or place.

For agents that call a tool, and for whoever calls the engine over HTTP. Values are never echoed beyond a short number
or word: they may be long, or secret.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, cast

from reka_clips.contract import suggestions
from reka_clips.contract.coercion import natural
from reka_clips.contract.requests import LANGUAGE_PATTERN
from reka_clips.contract.schemas import JsonSchema, field_schema, places
from reka_clips.errors import FieldError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails

_SHORT_WORD: Final = re.compile(r"[\w:.,#+ -]{1,24}", re.ASCII)
_SECRETS: Final = re.compile(r"api.?key|token|secret|password|authorization|credential", re.IGNORECASE)
_MAX_NAME_CHARACTERS: Final = 60
_MAX_SHOWN_NUMBER: Final = 10**12


def refusals_of(errors: Sequence[ErrorDetails], *, schema: JsonSchema, what: str) -> list[FieldError]:
    """Return one refusal for each thing that pydantic found wrong, in our words.

    schema: the flat schema of the model that refused, which says what would have been right. what: was called.
    """
    found: list[FieldError] = []
    told = {details["loc"][:-1] for details in errors}
    for details in errors:
        path = details["loc"]
        if details["type"] == "too_short" and path in told:
            continue  # pydantic does not count the items that are wrong
        if details["type"] == "extra_forbidden":
            problem = _unknown_field(details["input"], path, schema, what)
        elif details["type"] == "missing":
            problem = f"is required: {_expected(field_schema(schema, path) or {}, path)}"
        else:
            own = details.get("ctx", {}).get("error") if details["type"] == "value_error" else None
            problem = _wrong_value(details["input"], field_schema(schema, path) or {}, path, own)
        found.append(FieldError(field_name(path) or what, problem))
    return found


def field_name(path: Sequence[str | int]) -> str:
    """Return a path as agents write it: `video_urls[0]`, `generation_config.template`."""
    name = ""
    for step in path:
        if isinstance(step, int):
            name += f"[{step}]"
        else:
            visible = "".join(character for character in step[:_MAX_NAME_CHARACTERS] if character.isprintable())
            name += ("." if name else "") + visible + ("…" if len(step) > _MAX_NAME_CHARACTERS else "")
    return name


def _unknown_field(value: Any, path: Sequence[str | int], schema: JsonSchema, what: str) -> str:
    name = str(path[-1])
    if _SECRETS.search(name[:200]):
        return "is not an argument: keys are set where the server is configured (REKA_API_KEY), never sent in a call"
    here = tuple(path[:-1])
    siblings = cast("JsonSchema", (field_schema(schema, here) or {}).get("properties", {}))
    everywhere = places(schema)
    # The right name in the wrong place comes first, then a wrong name here, then a wrong name for something elsewhere.
    meant = name if name in everywhere else suggestions.nearest_name(name, [*siblings, *everywhere])
    if meant is None:
        where = field_name(here) if here else what
        return f"is not a field of {where}; its fields are {', '.join(siblings)}"
    place = everywhere[meant]
    if meant in siblings:
        return f"is not a field; did you mean {field_name((*here, meant))}?"
    parent = field_name(place[:-1])
    example = _right_value(value, field_schema(schema, place) or {}, place)
    for step in reversed(place):
        example = {step: example}
    where = f"inside {parent}" if parent else "at the top level, beside video_urls"
    return f"does not belong here; {meant} goes {where}: {json.dumps(example, ensure_ascii=False)}"


_COLOR = 'a colour written as "#RRGGBB", such as "#FFCC00"'


def _wrong_value(value: Any, node: JsonSchema, path: Sequence[str | int], own: object) -> str:
    kind = node.get("type")
    if isinstance(value, bytes):  # see coercion.natural
        return "must be plain Unicode text; it holds half of a surrogate pair"
    if own is not None and kind in ("object", "string") and isinstance(value, dict | str) and "enum" not in node:
        return str(own)
    more = _MORE_CLIPS if path[-1:] == ("num_generations",) and isinstance(value, int) and value > 0 else ""
    return f"must be {_expected(node, path)}, not {_shown(value)}{_hint(value, node, path)}{more}"


_MORE_CLIPS = (
    "; for more, leave it out, or ask for one part of the source after the other (source_start_time, source_end_time)"
)
_LISTS = {
    "video_urls": 'a list of at least one link, such as ["https://example.com/video.mp4"]',
    "segments": 'a list of 1 to 12 stretches, such as [{"start": 5, "end": 20}]',
    "ids": "a list of 1 to 50 ids of generations",
}


def _expected(node: JsonSchema, path: Sequence[str | int]) -> str:
    kind, name = node.get("type"), str(path[-1]) if path else ""
    if "enum" in node:
        words = f"one of {', '.join(node['enum'])}"
    elif "pattern" in node:
        is_language = node["pattern"] == LANGUAGE_PATTERN
        words = 'a language code, such as "en" or "pt-BR"' if is_language else _COLOR
    elif kind in ("integer", "number"):
        words = _expected_number(node)
    elif kind == "object":
        words = f"an object; its fields are {', '.join(node['properties'])}"
    elif kind == "array":
        words = _LISTS.get(name, _LISTS["video_urls"])
    elif name == "id":
        words = "the id of a generation, as create_clips and list_clips return it"
    else:
        words = "true or false" if kind == "boolean" else "text"
    return words


def _expected_number(node: JsonSchema) -> str:
    noun = "a whole number" if node["type"] == "integer" else "a number"
    low, high = node.get("minimum"), node.get("maximum")
    if high is not None:
        return f"{noun} from {low:g} to {high:g}"
    return f"{noun}, {low:g} or more"


def _hint(value: Any, node: JsonSchema, path: Sequence[str | int]) -> str:
    kind = node.get("type")
    if isinstance(value, float) and kind == "integer" and abs(value) < _MAX_SHOWN_NUMBER:
        return f"; round it, to {round(value)} for example"
    if isinstance(value, str) and kind in ("object", "array") and value.strip()[:1] in ("{", "["):
        return ", which is no valid JSON"
    if isinstance(value, dict | list | tuple | bool) or value is None:
        return ""
    meant = _meant(str(value)[:200], node, path)
    if meant:
        return f"; did you mean {' or '.join(json.dumps(one) for one in meant)}?"
    is_left_to_us = isinstance(value, str) and value.strip().lower() in suggestions.NO_CHOICE
    return "; leave it out for the default" if is_left_to_us else ""


def _right_value(value: Any, node: JsonSchema, path: Sequence[str | int]) -> Any:
    """Return a misplaced value as it would be right in its place, as far as that can be told; `…` where not."""
    value = natural(value, node)
    kind = node.get("type")
    if isinstance(value, bool):
        is_right = kind == "boolean"
    elif isinstance(value, int | float):
        in_range = node.get("minimum", -math.inf) <= value <= node.get("maximum", math.inf)
        is_right = in_range and (kind == "number" or (kind == "integer" and isinstance(value, int)))
    else:
        is_right = (
            _is_short(value)
            and kind == "string"
            and path[-1:] != ("subtitles_srt",)
            and value in node.get("enum", (value,))
        )
    if is_right and ("pattern" not in node or re.fullmatch(node["pattern"], str(value))):
        return value
    meant = _meant(str(value)[:200], node, path) if isinstance(value, str | int | float) else ()
    return meant[0] if meant else "…"


def _meant(text: str, node: JsonSchema, path: Sequence[str | int]) -> Sequence[str | float]:
    """Return the values that a text may have meant, the likeliest first; each of them is allowed."""
    if "enum" in node:
        return suggestions.nearest_values(text, node["enum"])
    if "pattern" in node:
        found: str | float | None = None if node["pattern"] == LANGUAGE_PATTERN else suggestions.color(text)
    elif node.get("type") == "boolean":
        found = suggestions.truth(text)
    elif node.get("type") in ("integer", "number"):
        is_time = str(path[-1]).endswith(("_seconds", "_time", "start", "end"))
        found = suggestions.seconds(text) if is_time else suggestions.number(text)
        low, high = node.get("minimum", -math.inf), node.get("maximum", math.inf)
        found = found if found is not None and low <= found <= high else None
    else:
        found = None
    return () if found is None else (found,)


def _shown(value: Any) -> str:
    if _is_short(value):
        return json.dumps(value)
    if isinstance(value, int | float):
        return "NaN" if math.isnan(value) else "a number far too large"
    if isinstance(value, str):
        return f"a text of {len(value)} characters" if value else "an empty text"
    if isinstance(value, list | tuple):
        items = len(cast("list[Any]", value))
        return f"a list of {items}" if items else "an empty list"
    return "an object"


def _is_short(value: Any) -> bool:
    """Whether a value is harmless to show as it is."""
    if isinstance(value, str):
        return _SHORT_WORD.fullmatch(value) is not None
    return value is None or (isinstance(value, int | float) and abs(value) < _MAX_SHOWN_NUMBER)
