"""What an HTTP answer of a Clip API means: its error, its rate limit, its clock. Pure, no I/O."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, cast

from reka_clips.contract import decode_json, parse_error_body
from reka_clips.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    CreditError,
    NotFoundError,
    RateLimit,
    RateLimitError,
    RekaClipsError,
    ServerError,
    UnreadableAnswerError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MAX_REQUEST_ID_CHARACTERS: Final = 128
_KINDS: Final[dict[int, tuple[type[ApiError], str]]] = {
    400: (BadRequestError, "The Clip API refused the request"),
    401: (AuthenticationError, "The Clip API did not accept the API key"),
    402: (CreditError, "The account has no credit left for this"),
    403: (AuthenticationError, "The API key is not allowed to do this"),
    404: (NotFoundError, "The Clip API knows no such generation for this key"),
    408: (ServerError, "The Clip API gave up waiting"),
    409: (ConflictError, "The Clip API says that this conflicts with what it already does"),
    422: (BadRequestError, "The Clip API refused the request"),
    425: (ServerError, "The Clip API is not ready"),
    429: (RateLimitError, "The limit of requests is reached"),
    507: (ApiError, "The Clip API has no room left"),  # the engine's, whose disk is full: nothing was created
}


def api_error(
    status: int, content: bytes, headers: Mapping[str, str], *, secret: str | None, is_embedded: bool = False
) -> RekaClipsError:
    """Return the error that an answer outside 2xx stands for.

    headers: case-insensitive. secret: the key, taken out of upstream's words should they echo it. is_embedded: the
    answer is from our own engine: its words are ours, and there is no support to tell a request id to.
    A redirect is an UnreadableAnswerError: it is never followed, the key would travel with it.
    """
    request_id = request_id_of(headers)
    if status in REDIRECTS:
        return UnreadableAnswerError(
            f"The Clip API's address answered with a redirect (HTTP {status}), which is not followed. "
            "Set REKA_BASE_URL to the final address.",
            status=status,
            request_id=request_id,
        )
    body = parse_error_body(content)
    told = without_secret(body.message, secret) if body.message else ""
    kind, sentence = _KINDS.get(status, (ServerError if status >= 500 else ApiError, "The Clip API is in trouble"))  # noqa: PLR2004 - where 5xx begins
    if status not in _KINDS and kind is ApiError:
        sentence = "The Clip API refused the request"
    if "insufficient balance" in told.lower():
        kind, sentence = _KINDS[402]
    if is_embedded and told:
        field = f"{body.param}: " if body.param and body.param not in told else ""
        return kind(f"{field}{told}", status=status, error_type=body.type, rate_limit=rate_limit_of(headers))
    is_named = not body.param or body.param in told
    where = "" if is_named else f" (field {quoted(without_secret(body.param or '', secret))})"
    return kind(
        f"{sentence} (HTTP {status}){f': {quoted(told)}' if told else ''}{where}.",
        status=status,
        error_type=without_secret(body.type, secret) if body.type else None,
        request_id=request_id,
        rate_limit=rate_limit_of(headers),
    )


def json_object(content: bytes, *, status: int, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON object that an answer holds; raises UnreadableAnswerError for anything else."""
    try:
        value = decode_json(content)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    what = "nothing" if not content else "a web page" if content.lstrip()[:1] == b"<" else "something unreadable"
    raise UnreadableAnswerError(
        f"The Clip API answered with {what} instead of JSON (HTTP {status}).",
        status=status,
        request_id=request_id_of(headers),
    )


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """Return upstream's id of the request, for support, or None."""
    text = "".join(character for character in headers.get("x-request-id", "") if character.isprintable())
    return text[:_MAX_REQUEST_ID_CHARACTERS] or None


def rate_limit_of(headers: Mapping[str, str]) -> RateLimit | None:
    """Return what the headers say of the requests left, or None where they say nothing.

    Source: `x-ratelimit-requests-limit`, `-remaining`, `-reset` (seconds) and `retry-after` on Reka's answers.
    """
    limit = _number(headers.get("x-ratelimit-requests-limit"))
    remaining = _number(headers.get("x-ratelimit-requests-remaining"))
    found = RateLimit(
        limit=None if limit is None else int(limit),
        remaining=None if remaining is None else int(remaining),
        reset_seconds=_number(headers.get("x-ratelimit-requests-reset")),
        retry_after_seconds=_retry_after(headers),
    )
    return None if found == RateLimit() else found


def clock_offset_of(headers: Mapping[str, str], *, now: float) -> float | None:
    """Return by how many seconds the other side's clock is ahead of ours (`now`: our time since 1970)."""
    date = _date(headers.get("date"))
    return None if date is None else date - now


def quoted(text: str) -> str:
    """Return upstream's words in quotation marks that they cannot close, so that they are told from ours."""
    return '"' + text.replace('"', "'") + '"'


def without_secret(text: str, secret: str | None) -> str:
    """Return the text with every occurrence of the secret taken out."""
    return text.replace(secret, "[key]") if secret else text


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or value is None:
        return seconds
    until = _date(value)
    if until is None:
        return None
    here = _date(headers.get("date"))
    return max(0.0, until - (time.time() if here is None else here))


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < 1e9 else None  # noqa: PLR2004 - thirty years; also drops nan


def _date(value: str | None) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp() if value else None
    except (ValueError, OverflowError):
        return None
