"""Completions: ids of generations, and the values that the prompts' arguments take. Nobody is asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcp_types import Completion, PromptReference, ResourceTemplateReference

from reka_clips.contract.suggestions import nearest_values
from reka_clips.mcp_server.prompts import VALUES, arguments_of
from reka_clips.mcp_server.resources import CLIP_URI, POSTER_URI, VIDEO_URI

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_types import CompleteRequestParams

    from reka_clips.mcp_server.context import AppContext

_MAX_VALUES: Final = 100  # the specification's limit


def complete(runtime: AppContext, params: CompleteRequestParams, headers: Mapping[str, str] | None) -> Completion:
    """Return the values that begin with what was typed; ids are those of the generations known to this process."""
    typed = params.argument.value.strip().lower()
    if isinstance(params.ref, PromptReference):
        if params.argument.name not in arguments_of(params.ref.name):
            return Completion(values=[])
        values = VALUES.get(params.argument.name, ())
        found = _starting(typed, values)
        return found if found.values else _starting("", nearest_values(typed, values))  # "Spanish", "vertical"
    template: ResourceTemplateReference = params.ref
    if template.uri not in (CLIP_URI, VIDEO_URI, POSTER_URI):
        return Completion(values=[])
    known = {job.id: job for job in runtime.known_generations(headers)}
    if params.argument.name == "id":
        return _starting(typed, known)
    given = (params.context.arguments if params.context else None) or {}
    if params.argument.name == "clip" and (job := known.get(given.get("id", ""))) is not None:
        return _starting(typed, [str(number + 1) for number in range(len(job.state.snapshot.output))])
    return Completion(values=[])


def _starting(typed: str, values: Iterable[str]) -> Completion:
    found = [value for value in values if value.lower().startswith(typed)]
    return Completion(values=found[:_MAX_VALUES], total=len(found), has_more=len(found) > _MAX_VALUES)
