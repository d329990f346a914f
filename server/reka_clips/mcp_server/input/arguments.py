"""The arguments of the tools: from what agents really send to checked values. Pure; nothing is sent or opened.

Agents send lists and objects as JSON text, numbers and booleans as text, one URL where a list is due: accepted.
What is misspelt or misplaced is refused, with every problem at once, since Reka ignores it silently.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, ValidationError

from reka_clips.contract import (
    STAGES,
    CreateRequest,
    GenerationConfig,
    canonical_id,
    is_generation_id,
    video_url_problem,
)
from reka_clips.contract.argument_errors import refusals_of
from reka_clips.contract.coercion import natural
from reka_clips.contract.requests import WholeNumber
from reka_clips.contract.schemas import flat_schema
from reka_clips.contract.video_urls import NO_FILES
from reka_clips.errors import ArgumentError, FieldError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic_core import ErrorDetails

MAX_WAIT_SECONDS: Final = 900
MAX_LIST_LIMIT: Final = 100
MAX_DELETIONS: Final = 50
RUNNING: Final = "running"
"""What `list_clips` takes for every stage of a generation that has not ended."""
STATUSES: Final = (RUNNING, *STAGES)
SEARCH_FIELDS: Final = ("min_duration_seconds", "max_duration_seconds", "source_start_time", "source_end_time")
CLIPS_URI: Final = "reka-clips://clips/"
"""What the addresses of generations begin with: results name them, so agents send them where an id is due."""
# fmt: off
_BOOKKEEPING: Final = frozenset({
    "_meta", "action", "chatInput", "inner_thoughts", "random_string", "request_heartbeat", "session_id", "sessionId",
    "tool", "toolAction", "toolCallId", "toolSummary", "tool_call_id", "waitForPreviousTools",
})
# fmt: on
"""Keys that clients add to every call for themselves (n8n, Letta, Cursor, Windsurf); no model can leave them out."""

log = logging.getLogger(__name__)


def _generation_id(value: str) -> str:
    generation_id = canonical_id(value.strip().removeprefix(CLIPS_URI))
    if not is_generation_id(generation_id):
        raise ValueError(
            "must be the id of a generation, such as 550e8400-e29b-41d4-a716-446655440000; "
            "create_clips returns it and list_clips lists the ids there are"
        )
    return generation_id


def _known_status(value: str) -> str:
    if value not in STATUSES:
        raise ValueError(f"must be one of {', '.join(STATUSES)}")
    return value


GenerationId = Annotated[str, AfterValidator(_generation_id)]
WaitSeconds = Annotated[WholeNumber, Field(ge=0, le=MAX_WAIT_SECONDS)]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CreateArguments(CreateRequest):
    """Arguments of `create_clips`: those of the Clip API, and how long to wait for the result.

    stream: wait and relay progress; false: return once the creation is accepted.
    wait_seconds: None means the server's default. force_new: never join or repeat an earlier creation.
    """

    stream: StrictBool = True
    wait_seconds: WaitSeconds | None = None
    force_new: StrictBool = False

    @property
    def request(self) -> CreateRequest:
        """What goes to the Clip API."""
        return CreateRequest.model_construct(
            self.model_fields_set & CreateRequest.model_fields.keys(),
            **{name: getattr(self, name) for name in CreateRequest.model_fields},
        )


class FindArguments(_Arguments):
    """Arguments of `find_moments`. wait_seconds: None means the server's default."""

    video_urls: Annotated[tuple[str, ...], Field(min_length=1)]
    prompt: str | None = None
    generation_config: GenerationConfig | None = None
    wait_seconds: WaitSeconds | None = None

    @property
    def request(self) -> CreateRequest:
        """What goes to the Clip API: the candidates are its choice, so kind and number are left out."""
        config = self.generation_config or GenerationConfig()
        kept = {name: getattr(config, name) for name in SEARCH_FIELDS}
        plan = GenerationConfig(**{name: value for name, value in kept.items() if value is not None}, plan_only=True)
        return CreateRequest(video_urls=self.video_urls, prompt=self.prompt, generation_config=plan)


class StatusArguments(_Arguments):
    """Arguments of `get_clip_status`. wait_seconds: None means the server's default."""

    id: GenerationId
    wait_seconds: WaitSeconds | None = None
    preview: StrictBool = False


class DeleteArguments(_Arguments):
    """Arguments of `delete_clip`: one id, or several."""

    id: GenerationId | None = None
    ids: Annotated[tuple[GenerationId, ...], Field(min_length=1, max_length=MAX_DELETIONS)] | None = None
    delete_input_video: StrictBool = False


class ListArguments(_Arguments):
    """Arguments of `list_clips`."""

    status: Annotated[str, AfterValidator(_known_status), Field(json_schema_extra={"enum": list(STATUSES)})] | None = (
        None
    )
    offset: Annotated[WholeNumber, Field(ge=0)] = 0
    limit: Annotated[WholeNumber, Field(ge=1, le=MAX_LIST_LIMIT)] = 20


class SaveArguments(_Arguments):
    """Arguments of `save_clip`. clip: counts from 1. directory: within the folder that is allowed."""

    id: GenerationId
    clip: Annotated[WholeNumber, Field(ge=1)] = 1
    directory: str | None = None
    with_subtitles: StrictBool = False


ModelT = TypeVar("ModelT", bound=BaseModel)


def parse_create(raw: Mapping[str, Any], *, allow_file: bool, no_files: str = NO_FILES) -> CreateArguments:
    """Return the arguments of a creation.

    allow_file: whether `file://` URLs are taken. no_files: what is said of them otherwise.
    Raises ArgumentError with every problem of the call.
    """
    return _parse(CreateArguments, raw, tool="create_clips", further=_url_refusals(allow_file, no_files))


def parse_find(raw: Mapping[str, Any], *, allow_file: bool, no_files: str = NO_FILES) -> FindArguments:
    """Return the arguments of a search; parameters and errors as in `parse_create`."""
    return _parse(FindArguments, raw, tool="find_moments", further=_url_refusals(allow_file, no_files))


def _url_refusals(allow_file: bool, no_files: str) -> Callable[[Mapping[str, Any]], list[FieldError]]:
    def refusals(value: Mapping[str, Any]) -> list[FieldError]:
        urls = value.get("video_urls")
        found: list[FieldError] = []
        for number, url in enumerate(cast("list[object]", urls) if isinstance(urls, list) else []):
            problem = None
            if isinstance(url, str):
                problem = video_url_problem(url, allow_file=allow_file, no_files=no_files)
            if problem is not None:
                found.append(FieldError(f"video_urls[{number}]", problem))
        return found

    return refusals


def parse_status(raw: Mapping[str, Any]) -> StatusArguments:
    """Return the arguments of a status call. Raises ArgumentError with every problem of the call."""
    return _parse(StatusArguments, raw, tool="get_clip_status")


def parse_delete(raw: Mapping[str, Any]) -> DeleteArguments:
    """Return the arguments of a deletion. Raises ArgumentError with every problem of the call."""
    arguments = _parse(DeleteArguments, raw, tool="delete_clip")
    if (arguments.id is None) == (arguments.ids is None):
        raise ArgumentError((FieldError("id", "is required: the id of one generation, or ids with up to 50 of them"),))
    return arguments


def parse_list(raw: Mapping[str, Any]) -> ListArguments:
    """Return the arguments of a listing. Raises ArgumentError with every problem of the call."""
    return _parse(ListArguments, raw, tool="list_clips")


def parse_save(raw: Mapping[str, Any]) -> SaveArguments:
    """Return the arguments for saving a clip. Raises ArgumentError with every problem of the call."""
    return _parse(SaveArguments, raw, tool="save_clip")


def _parse(
    model: type[ModelT],
    raw: Mapping[str, Any],
    *,
    tool: str,
    further: Callable[[Mapping[str, Any]], list[FieldError]] | None = None,
) -> ModelT:
    """Return the checked arguments. further: finds what the model cannot see in the arguments as they came."""
    schema = flat_schema(model)
    dropped = sorted(_BOOKKEEPING & raw.keys())
    if dropped:
        log.info("%s: the client's own keys are ignored: %s", tool, ", ".join(dropped))
    sent = {name: item for name, item in raw.items() if name not in _BOOKKEEPING}
    value = cast("dict[str, Any]", natural(sent, schema))
    refusals = further(value) if further else []
    errors = _errors(model, value)
    if errors:
        refusals += refusals_of(errors + _errors_between_fields(model, value, errors), schema=schema, what=tool)
    if refusals:
        raise ArgumentError(tuple(refusals))
    return model.model_validate(value)


def _errors(model: type[BaseModel], value: dict[str, Any]) -> list[ErrorDetails]:
    try:
        model.model_validate(value)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _errors_between_fields(
    model: type[BaseModel], value: dict[str, Any], errors: list[ErrorDetails]
) -> list[ErrorDetails]:
    """Return what is wrong between fields, which pydantic looks at only once each field is right by itself.

    A rule that reads a field which is wrong itself is left out: it would be judged by that field's default.
    """
    wrong = [details["loc"] for details in errors if details["loc"]]  # a rule of the whole call is at no place
    for path in wrong:
        value = _without(value, path)
    return [
        details
        for details in _errors(model, value)
        if details["type"] == "value_error"
        and details["loc"] not in wrong
        and not any(str(path[-1]) in details["msg"] for path in wrong)
    ]


def _without(value: dict[str, Any], path: Sequence[str | int]) -> dict[str, Any]:
    """Return the dictionary without the field at a path; with an item of a list the whole list goes."""
    name, *rest = path
    inner = value.get(cast("str", name))
    if rest and isinstance(inner, dict) and isinstance(name, str):
        return value | {name: _without(cast("dict[str, Any]", inner), rest)}
    return {key: item for key, item in value.items() if key != name}
