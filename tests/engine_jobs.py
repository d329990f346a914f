"""Generations as the engine's store keeps them, made for tests."""

from __future__ import annotations

import uuid
from typing import Any

from reka_clips.contract import ClipOutput, CreateRequest
from reka_clips.engine.service.models import COMPLETED, QUEUED, JobRecord, SourcePolicy, StageEntry

LINK = "https://example.com/film.mp4"


def a_request(url: str = LINK, **fields: Any) -> CreateRequest:
    return CreateRequest.model_validate({"video_urls": [url], **fields})


def a_job(url: str = LINK, *, at: float = 1000.0, **changes: Any) -> JobRecord:
    """Return a generation that waits. at: when it was created, in Unix seconds."""
    fields: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "created_at": at,
        "updated_at": at,
        "request": a_request(url),
        "policy": SourcePolicy(),
        "stages": (StageEntry(QUEUED, at),),
    }
    return JobRecord(**fields | changes)


def ended(job: JobRecord, *, at: float = 2000.0, clip_bytes: int = 1000) -> JobRecord:
    """Return the generation as it completed with one clip."""
    clip = ClipOutput(title="Title", video_url="1.mp4", poster_url="1.jpg", size_bytes=clip_bytes)
    return JobRecord(**{name: getattr(job, name) for name in job.__slots__} | {"clips": (clip,)}).entering(
        COMPLETED, at=at
    )
