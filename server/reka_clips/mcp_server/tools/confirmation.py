"""Asks the person before a creation that costs (REKA_CLIPS_CONFIRM=1), on either era of the protocol."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final, cast

from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, Resolve, build_resolver_plans, resolve_arguments
from mcp.server.request_state import AESGCMRequestStateCodec, InvalidRequestState, RequestStateSecurity
from mcp_types import InputRequiredResult
from pydantic import BaseModel, Field

from reka_clips.errors import ConsentError
from reka_clips.mcp_server.output.text import clean, quoted

if TYPE_CHECKING:
    from reka_clips.contract import CreateRequest
    from reka_clips.errors import RateLimit

_MAX_SOURCE_CHARACTERS: Final = 120
_MAX_SOURCES: Final = 3
_MAX_PROMPT_CHARACTERS: Final = 200
_NOTHING_SENT: Final = "Nothing was sent, nothing is charged."
_STATE_PURPOSE: Final = "reka-clips-mcp/request-state/1\n"  # the secret signs links to clips too, under another
_STATE_SECONDS: Final = 600.0


class Consent(BaseModel):  # no docstring: clients would show it to the person
    create: bool = Field(default=True, title="Create the clips", description="Off: nothing is sent.")


def question(request: CreateRequest, rate_limit: RateLimit | None) -> str:
    """Return what the person is asked: source, count, what is left of the day's creations.

    It holds nothing that changes by itself, such as a time: on 2026-07-28 the answer counts for this very text.
    """
    sources = [clean(url, max_characters=_MAX_SOURCE_CHARACTERS) for url in request.video_urls[:_MAX_SOURCES]]
    more = len(request.video_urls) - len(sources)
    count = request.generation_config.num_generations if request.generation_config is not None else None
    left = "that Reka allows in 24 hours"
    if rate_limit is not None and rate_limit.remaining is not None:
        allowed = f" of {rate_limit.limit}" if rate_limit.limit else ""
        left = f"left for these 24 hours ({rate_limit.remaining}{allowed})"
    lines = [
        "Create clips with the Reka Clip API?",
        f"From: {', '.join(sources)}" + (f" and {more} more" if more else ""),
        f"Clips: {count or 'as many as Reka chooses'}",
        f"Prompt: {quoted(request.prompt, max_characters=_MAX_PROMPT_CHARACTERS)}" if request.prompt else "",
        f"It uses one of the creations {left}, and the account may be charged.",
    ]
    return "\n".join(line for line in lines if line)


def single_use_states(secret: str | None) -> RequestStateSecurity:
    """Return how the state is sealed that goes to the client with a question and comes back with the answer.

    secret: processes that share it take such calls over from each other; None: only this process can.
    """
    key = os.urandom(32) if secret is None else _STATE_PURPOSE + secret
    return RequestStateSecurity(codec=_SingleUseCodec(key), ttl=_STATE_SECONDS)


class _SingleUseCodec:
    """The SDK's codec, which also refuses a state that came before: one yes is one creation.

    Each process remembers what it has seen itself, for as long as a state is valid.
    """

    def __init__(self, key: bytes | str) -> None:
        self._codec = AESGCMRequestStateCodec([key])
        self._used: dict[str, float] = {}  # a state and when it expires, the oldest first

    def seal(self, payload: bytes) -> str:
        return self._codec.seal(payload)

    def unseal(self, token: str) -> bytes:
        payload = self._codec.unseal(token)
        now = time.monotonic()
        while self._used and (oldest := next(iter(self._used))) and self._used[oldest] < now:
            del self._used[oldest]
        if token in self._used:
            raise InvalidRequestState("used before")
        self._used[token] = now + _STATE_SECONDS
        return payload


def check_can_ask(context: Context[Any, Any]) -> None:
    """Raise ConsentError if this client cannot put a question to a person."""
    capabilities = context.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        raise ConsentError(
            "REKA_CLIPS_CONFIRM is on, so a person must agree to each creation, and this client cannot ask them "
            f"(it has no elicitation). {_NOTHING_SENT} Use a client that can, or have REKA_CLIPS_CONFIRM turned off."
        )


async def ask(text: str, context: Context[Any, Any]) -> InputRequiredResult | None:
    """Ask the person and return None once they agreed, or the question to be returned as the call's result.

    On connections before 2026-07-28 the question goes out within the call; later ones get it as a result, and the
    call comes again with the answer. Raises ConsentError if they decline, or if the answer is none.
    """

    def put(_context: Context[Any, Any]) -> Elicit[Consent]:
        return Elicit(text, Consent)

    wanted = {"consent": (Resolve(put), True)}
    try:
        answers = await resolve_arguments(wanted, build_resolver_plans(wanted, set()), {}, context)
    except ToolError:
        raise ConsentError(
            f"The client's answer to the question for consent could not be read. {_NOTHING_SENT}"
        ) from None
    if isinstance(answers, InputRequiredResult):
        return answers
    outcome = answers["consent"]
    if isinstance(outcome, AcceptedElicitation) and cast("AcceptedElicitation[Any]", outcome).data.create:
        return None
    raise ConsentError(f"The person did not agree to this creation. {_NOTHING_SENT}")
