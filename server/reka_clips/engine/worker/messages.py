"""What the engine and a worker say to each other: one line of JSON each, over the worker's stdin and stdout."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from reka_clips.contract import ClipOutput, CreateRequest
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.media.plan import Source
from reka_clips.engine.media.text.speech import Recognizer

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""A result with every text at its limit stays below this."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)

    def line(self) -> bytes:
        """Return the message as it is sent."""
        return self.model_dump_json().encode() + b"\n"


class Assignment(_Message):
    """One generation to make.

    directory: an empty folder for its clips. memory_bytes: how much the worker itself may allocate.
    """

    generation_id: str
    request: CreateRequest
    sources: tuple[Source, ...]
    directory: Path
    ffmpeg: Ffmpeg
    memory_bytes: int
    speech: Recognizer | None = None


class Report(_Message):
    """How a worker gets on. `alive` every few seconds; `progress` with the stage and the share done, 0 to 1.

    detail: what the stage is busy with beside its work, such as a download; empty for nothing.
    """

    kind: Literal["alive", "progress", "done", "failed"]
    stage: str = ""
    share: float = 0.0
    detail: str = ""
    clips: tuple[ClipOutput, ...] = ()
    warnings: tuple[str, ...] = ()
    reason: str = ""
