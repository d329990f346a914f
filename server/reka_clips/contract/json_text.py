"""JSON as it comes over the wire, made safe to hold and to send on."""

from __future__ import annotations

import json
from typing import Any, cast


def decode_json(text: str | bytes) -> object:
    r"""Return what a JSON text says; bytes are read as UTF-8, broken ones as U+FFFD.

    Lone surrogates (`"\ud800"`) become U+FFFD: they are legal JSON but cannot be encoded again.
    Raises ValueError for anything that is no JSON, nests too deeply or holds a number too long to read.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    try:
        value: object = json.loads(text)
        return _without_surrogates(value) if "\\ud" in text.lower() else value
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        fields = cast("dict[Any, object]", value)
        return {_without_surrogates(name): _without_surrogates(item) for name, item in fields.items()}
    return value
