"""From the error tree to what an agent reads: what happened, who can fix it, what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reka_clips import errors
from reka_clips.mcp_server.output.results import error_result, rate_limit_words
from reka_clips.mcp_server.output.text import clean, human_duration

if TYPE_CHECKING:
    from mcp_types import CallToolResult

MAX_REFUSALS: Final = 15
_MAX_MESSAGE_CHARACTERS: Final = 1200
_KEY_HELP: Final = (
    "The user must fix this: check the key at https://platform.reka.ai and set it as REKA_API_KEY where this server "
    "is configured (callers over HTTP send theirs in the header X-Reka-API-Key), then restart it."
)
_CREDIT_HELP: Final = (
    "The user must fix this: add credit at https://platform.reka.ai. Without a key (REKA_CLIPS_BACKEND=local) the "
    "embedded engine cuts clips on this computer at no charge."
)
_SAFE_TO_REPEAT: Final = "Sending it again is safe; this is usually temporary, so retry in a minute."
_TEMPORARY: Final = "This is usually temporary; retry in a minute."
_STILL_RUNNING: Final = (
    "It is probably still running, and only an ended generation can be deleted: get_clip_status waits for its end, "
    "then delete_clip works. There is no way to cancel it."
)
_NEXT_STEPS: Final[dict[type[errors.RekaClipsError], str]] = {
    errors.BadRequestError: "Change what it names and call again.",
    errors.ConflictError: "The same request was sent before: list_clips shows the generation that it led to.",
    errors.NotFoundError: "list_clips shows the generations that this key can see; a deleted one is gone for good.",
    errors.AuthenticationError: _KEY_HELP,
    errors.CreditError: _CREDIT_HELP,
    errors.ServerError: _TEMPORARY,
    errors.TransportError: _TEMPORARY,
}


def failure_result(error: errors.RekaClipsError, *, tool: str = "the tool") -> CallToolResult:
    """Return the tool error for any error of the tree. It holds no key, no traceback and no HTML."""
    if isinstance(error, errors.ArgumentError):
        return error_result(_refusal_words(error, tool))
    return error_result(failure_words(error, tool))


def failure_words(error: errors.RekaClipsError, tool: str) -> str:
    """Return what an agent reads of an error: what happened, and what to do."""
    parts = [clean(str(error), max_characters=_MAX_MESSAGE_CHARACTERS), _next_step(error, tool)]
    generation_id = error.generation_id
    if generation_id and generation_id not in parts[0]:
        parts.append(f"The generation's id is {clean(generation_id, max_characters=128)}.")
    request_id = getattr(error, "request_id", None)
    if isinstance(request_id, str):
        parts.append(f"Request id, for the service's support: {clean(request_id, max_characters=80)}.")
    return " ".join(part for part in parts if part)


def crash_result(tool: str) -> CallToolResult:
    """Return the tool error for what should not have happened; the log has the details."""
    return error_result(
        f"{tool} failed with an internal error of this server; see its log. A generation that was created before "
        "continues; list_clips shows it."
    )


def _refusal_words(error: errors.ArgumentError, tool: str) -> str:
    refusals = error.refusals[:MAX_REFUSALS]
    count = len(error.refusals)
    lines = [f"{tool} was not called: {count} problem{'s' if count > 1 else ''} with the arguments. Nothing was sent."]
    lines += [f"- {refusal.path}: {refusal.problem}" for refusal in refusals]
    lines += [f"- and {count - len(refusals)} more"] if count > len(refusals) else []
    return "\n".join(lines)


def _next_step(error: errors.RekaClipsError, tool: str) -> str:
    """Return what to do next; nothing where the message already says it (settings, consent, downloads)."""
    is_creation = tool == "create_clips"
    if tool == "delete_clip" and isinstance(error, errors.ConflictError | errors.BadRequestError):
        return _STILL_RUNNING
    if isinstance(error, errors.RateLimitError):
        return _rate_limit_help(error, is_creation=is_creation)
    if is_creation and isinstance(error, errors.NotSentError):
        return _SAFE_TO_REPEAT
    for kind, words in _NEXT_STEPS.items():
        if isinstance(error, kind):
            return words
    return ""


def _rate_limit_help(error: errors.RateLimitError, *, is_creation: bool) -> str:
    limit = error.rate_limit
    if error.error_type == "busy_error":  # the engine's queue is full; it knows no day's allowance
        return f"{'Nothing was created. ' if is_creation else ''}Try again when one of them has ended."
    allowed = f"{limit.limit} creations" if limit and limit.limit else "ten creations"
    sent = "Nothing was created. " if is_creation else ""
    waits = [limit.reset_seconds or 0.0, limit.retry_after_seconds or 0.0] if limit else []
    when = f"It renews in {human_duration(max(waits))}." if waits and max(waits) > 0 else "Try again later."
    if limit and limit.remaining:  # refused although some are left: say how many, nothing else is known
        when = rate_limit_words(limit) or when
    return f"{sent}Reka allows {allowed} per key in 24 hours. {when}"
