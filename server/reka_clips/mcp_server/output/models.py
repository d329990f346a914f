"""What the tools return: one model per tool gives the output schema and the structured answer.

The fields of the API are inherited from the contract; what is added here is this server's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from reka_clips.client import BackendName
from reka_clips.contract import ClipListItem, ClipOutput, Snapshot
from reka_clips.contract.schemas import flat_schema

if TYPE_CHECKING:
    from reka_clips.contract.schemas import JsonSchema


def _promising(*required: str, without: str | None = None) -> ConfigDict:
    """Return the configuration of a result: the fields it always holds, and the one of the API that it never does."""

    def promise(schema: JsonSchema) -> None:
        schema["properties"].pop(without, None)
        schema["required"] = list(required)

    return ConfigDict(frozen=True, json_schema_extra=promise)


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True)

    backend: BackendName
    message: Annotated[str, Field(description="The result in words.")]


class NextCall(BaseModel):
    """A call that continues from here."""

    tool: str
    arguments: dict[str, Any] | None = None


Next = Annotated[NextCall | None, Field(description="The call that continues from here, if any.")]


class RateLimitLeft(BaseModel):
    """The creations left; None: not reported."""

    limit: int | None = None
    remaining: int | None = None
    reset_seconds: int | None = None


class ClipResult(ClipOutput):
    """A clip as the tools return it: the link to open is in `video_url`."""

    model_config = _promising("title", "video_url", "caption", "hashtags", without="signed_s3_video_url")


class GenerationResult(_Result, Snapshot):
    """One generation, from `create_clips` and `get_clip_status`."""

    model_config = _promising("status", "backend", "message", "output", without="error")

    status: str = Field(
        default="",
        description=(
            "submitting (no id yet), completed, failed, or the stage of a running generation in the API's word."
        ),
    )
    output: tuple[ClipResult, ...] = Field(default=(), description="The clips; empty until completed.")  # pyright: ignore[reportIncompatibleVariableOverride] - narrower, and the model is frozen
    elapsed_seconds: int | None = None
    stages: tuple[str, ...] = Field(default=(), description="Seen so far.")
    rate_limit: RateLimitLeft | None = Field(default=None, description="Creations left.")
    next: Next = None


class MomentResult(BaseModel):
    """One candidate, from `find_moments`."""

    number: int = Field(description="As in the picture.")
    source_url: str = ""
    source_start_time: float = Field(default=0.0, description="In seconds, as segments take it.")
    source_end_time: float = 0.0
    duration_seconds: float = 0.0
    ai_score: int = Field(default=0, description="0 to 100.")
    reasons: tuple[str, ...] = ()
    transcript: str = ""


class MomentsResult(_Result):
    """The candidates, from `find_moments`."""

    model_config = _promising("status", "backend", "message", "candidates")

    id: str | None = None
    status: str = Field(default="", description="completed, failed, or the stage of a running search.")
    candidates: tuple[MomentResult, ...] = Field(default=(), description="Best first; empty until completed.")
    source_duration_seconds: float | None = Field(default=None, description="Of all sources together.")
    transcript_from: str | None = Field(default=None, description="subtitles, speech or none.")
    progress: float | None = Field(default=None, description="0 to 1.")
    elapsed_seconds: int | None = None
    warnings: tuple[str, ...] = ()
    error_message: str | None = None
    next: Next = None


class GenerationItem(ClipListItem):
    """One generation in a list."""

    model_config = _promising("id", "status", "video_urls", "prompt")


class GenerationListResult(_Result):
    """One page of generations, from `list_clips`."""

    items: tuple[GenerationItem, ...]
    offset: int
    limit: int
    next: Next = None


class DeletionItem(BaseModel):
    """What became of one generation of several."""

    id: str
    deleted: bool
    message: str


class DeletionResult(_Result):
    """What `delete_clip` did."""

    id: str
    deleted: bool
    input_video_deleted: bool = Field(description="Whether the source the service kept was deleted, too.")
    results: tuple[DeletionItem, ...] | None = Field(default=None, description="One for each of `ids`.")


class SavedClipResult(_Result):
    """What `save_clip` wrote."""

    id: str
    clip: int
    path: str = Field(description="Absolute path of the new file.")
    subtitles_path: str | None = Field(default=None, description="Of the .srt beside it.")
    size_bytes: int


def output_schema(model: type[BaseModel]) -> JsonSchema:
    """Return the schema of a result as clients get it; do not change it."""
    return flat_schema(model, mode="serialization", with_descriptions=True)


def structured(result: BaseModel) -> dict[str, Any]:
    """Return the structured content: the fields that were set, in plain JSON types."""
    return result.model_dump(mode="json", exclude_none=True, exclude_unset=True)
