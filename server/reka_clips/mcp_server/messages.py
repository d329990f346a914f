"""From a line of text to a JSON-RPC message, or to what is answered to one that cannot be read. Pure.

The SDK drops what it cannot read without an answer, and the client then waits until it gives up. Source of the codes:
the JSON-RPC 2.0 specification, section 5.1.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, cast

from mcp_types import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, ErrorData
from mcp_types.jsonrpc import JSONRPCMessage, JSONRPCNotification, jsonrpc_message_adapter
from pydantic import ValidationError

from reka_clips.contract import decode_json

_MAX_ID_CHARACTERS: Final = 1_000
_MAX_ANSWERS: Final = 50
_MAX_PROBLEMS: Final = 5


class UnreadableMessageError(Exception):
    """The text is no message of MCP. reason: a sentence for the log, which holds nothing of the text.

    answers: what to send back, as JSON texts: an error for every request in it whose id can be read, else one without
    an id. Empty where the text is an answer itself, which nobody answers.
    """

    def __init__(self, code: int, reason: str, values: list[object]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answers = _answers(code, reason, values)


def read_message(text: str) -> JSONRPCMessage | None:
    """Return the message that a line or a body holds; None for a blank one. A byte order mark is skipped.

    Raises UnreadableMessageError.
    """
    text = text.removeprefix("\ufeff")
    try:
        message = jsonrpc_message_adapter.validate_json(text, by_name=False)
    except ValueError:
        if not text.strip():
            return None
        raise _unreadable(text) from None
    # A request whose id is no id passes for a notification.
    if isinstance(message, JSONRPCNotification) and '"id"' in text and "id" in cast("Any", decode_json(text)):
        raise _unreadable(text)
    return message


def invalid_params(error: ValidationError) -> ErrorData:
    """Return the error for a request whose parameters do not fit its method, with a word on each field.

    The SDK's own has none. Neither holds values of the request.
    """
    problems = dict[str, str]()
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        path = ".".join(str(part) for part in detail["loc"] if str(part).isidentifier() or isinstance(part, int))
        problems.setdefault(path or "params", detail["msg"])
    words = "; ".join(f"{path}: {problem}" for path, problem in list(problems.items())[:_MAX_PROBLEMS])
    return ErrorData(code=INVALID_PARAMS, message=f"Invalid request parameters ({words})")


def _unreadable(text: str) -> UnreadableMessageError:
    try:
        value = decode_json(text)
    except ValueError:
        values = _leading_values(text)
        if values:
            return UnreadableMessageError(PARSE_ERROR, "A line must hold one message and nothing else.", values)
        reason = "The message is not in UTF-8." if "\0" in text or "\ufffd" in text else "The message is not JSON."
        return UnreadableMessageError(PARSE_ERROR, reason, [])
    if isinstance(value, list):
        reason = "Batches are not supported: send one message per line or request."
        return UnreadableMessageError(INVALID_REQUEST, reason, cast("list[object]", value))
    return UnreadableMessageError(INVALID_REQUEST, _problem(value), [value])


def _problem(value: object) -> str:
    if not isinstance(value, dict):
        return "A message must be a JSON object."
    fields = cast("dict[str, object]", value)
    if fields.get("jsonrpc") != "2.0":
        return 'A message must have "jsonrpc": "2.0".'
    identity = fields.get("id", 0)
    if isinstance(identity, bool) or not isinstance(identity, int | str):
        return "`id` must be a string or a whole number."
    if not isinstance(fields.get("method", ""), str):
        return "`method` must be a string."
    if not isinstance(fields.get("params") or {}, dict) or fields.get("params") in ([], "", 0, False):
        return "`params` must be an object."
    return "The message is none of JSON-RPC 2.0, or holds text that is not valid Unicode."


def _leading_values(text: str) -> list[object]:
    """Return the JSON values that a text begins with, one after the other."""
    decoder, values, at = json.JSONDecoder(), list[object](), 0
    while len(values) < _MAX_ANSWERS:
        at += len(text[at:]) - len(text[at:].lstrip())
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        values.append(value)
    return values


def _answers(code: int, reason: str, values: list[object]) -> list[str]:
    messages = [cast("dict[str, object]", value) for value in values if isinstance(value, dict)]
    requests = [fields for fields in messages if "result" not in fields and "error" not in fields]
    if messages and not requests:
        return []
    ids = [fields["id"] for fields in requests[:_MAX_ANSWERS] if _is_readable(fields.get("id"))]
    return [
        json.dumps({"jsonrpc": "2.0", "id": identity, "error": {"code": code, "message": reason}})
        for identity in ids or [None]
    ]


def _is_readable(identity: object) -> bool:
    if isinstance(identity, str):
        return len(identity) <= _MAX_ID_CHARACTERS
    return isinstance(identity, int | float) and not isinstance(identity, bool) and math.isfinite(identity)
