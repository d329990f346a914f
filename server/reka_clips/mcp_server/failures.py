"""The one translator from the error tree to what an agent reads: what happened, who can mend it, what next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reka_clips import errors
from reka_clips.mcp_server.results import error_result, rate_limit_words
from reka_clips.mcp_server.text import clean, human_duration

if TYPE_CHECKING:
    from mcp_types import CallToolResult

MAX_REFUSALS: Final = 15
_MAX_MESSAGE_CHARACTERS: Final = 1200
_KEY_HELP: Final = (
    "A person can mend this: check the key on https://platform.reka.ai and set it as REKA_API_KEY where this server "
    "is configured (callers over HTTP send theirs in the header X-Reka-API-Key), then restart it."
)
_CREDIT_HELP: Final = (
    "A person can mend this: add credit on https://platform.reka.ai. Without a key (REKA_CLIPS_BACKEND=local) the "
    "embedded engine cuts clips on this computer at no charge."
)


def failure_result(error: errors.RekaClipsError, *, tool: str = "the tool") -> CallToolResult:
    """Return the tool error for any error of the tree. It holds no key, no traceback and no HTML."""
    if isinstance(error, errors.ArgumentError):
        return error_result(_refusal_words(error, tool))
    parts = [clean(str(error), max_characters=_MAX_MESSAGE_CHARACTERS), _next_step(error, tool)]
    generation_id = error.generation_id
    if generation_id and generation_id not in parts[0]:
        parts.append(f"It concerns generation {generation_id}, which goes on: get_clip_status tells how it stands.")
    request_id = getattr(error, "request_id", None)
    if isinstance(request_id, str):
        parts.append(f"Request id for Reka's support: {clean(request_id, max_characters=80)}.")
    return error_result(" ".join(part for part in parts if part))


def crash_result(tool: str) -> CallToolResult:
    """Return the tool error for what should not have happened; the log has the details."""
    return error_result(
        f"{tool} failed because of a fault in this server, which its log describes. A generation that was created "
        "before goes on; list_clips shows it."
    )


def _refusal_words(error: errors.ArgumentError, tool: str) -> str:
    refusals = error.refusals[:MAX_REFUSALS]
    count = len(error.refusals)
    lines = [f"{tool} was not called: {count} problem{'s' if count > 1 else ''} with the arguments. Nothing was sent."]
    lines += [f"- {refusal.path}: {refusal.problem}" for refusal in refusals]
    lines += [f"- and {count - len(refusals)} more of the kind"] if count > len(refusals) else []
    return "\n".join(lines)


def _next_step(error: errors.RekaClipsError, tool: str) -> str:  # noqa: PLR0911 - one line for each kind of error
    """Return what to do next, in the order of who can mend it: the agent, a person, nobody."""
    match error:
        case errors.BadRequestError():
            return "Change the field it names and call again; nothing was created."
        case errors.NotFoundError():
            return "list_clips shows the generations that this key can see; a deleted one is gone."
        case errors.ConflictError() if tool == "delete_clip":
            return (
                "The generation probably still runs, and only an ended one can be deleted: get_clip_status with "
                "wait_seconds waits for its end; then delete_clip works. There is no way to cancel it."
            )
        case errors.ConflictError():
            return "The same request was sent before: list_clips shows the generation it led to."
        case errors.AuthenticationError():
            return _KEY_HELP
        case errors.CreditError():
            return _CREDIT_HELP
        case errors.RateLimitError():
            return _rate_limit_help(error, tool)
        case errors.CreationLostError():
            return _lost_help(error)
        case errors.ServerError() | errors.TransportError() if tool == "create_clips" and error.generation_id is None:
            return _creation_outage_help(error)
        case errors.ServerError() | errors.TransportError():
            return "This passes by itself as a rule: try again in a minute."
        case errors.BusyError():
            return "Nothing was sent. Try again in a minute."
        case _:  # the message says it all: settings, consent, downloads, the end of the process
            return ""


def _rate_limit_help(error: errors.RateLimitError, tool: str) -> str:
    limit = error.rate_limit
    allowed = f"{limit.limit} creations" if limit and limit.limit else "ten creations"
    sent = "Nothing was created. " if tool == "create_clips" else ""
    left = f"{rate_limit_words(limit)} " if limit and limit.remaining else ""
    waits = [limit.reset_seconds or 0.0, limit.retry_after_seconds or 0.0] if limit else []
    when = f"It renews in {human_duration(max(waits))}." if waits and max(waits) > 0 else "Try again later."
    return f"{sent}Reka allows {allowed} per key in 24 hours. {left}{when}"


def _lost_help(error: errors.CreationLostError) -> str:
    if not error.candidates:
        return "Before sending it again, look at list_clips: it may have been created, and charged."
    ids = ", ".join(clean(candidate, max_characters=40) for candidate in error.candidates[:5])
    return f"It may be one of these generations: {ids}. get_clip_status shows which; do not send it again before."


def _creation_outage_help(error: errors.RekaClipsError) -> str:
    if isinstance(error, errors.NotSentError):
        return "Sending it again is safe. This passes by itself as a rule: try again in a minute."
    return "Look at list_clips before sending it again: it may have been created, and charged."
