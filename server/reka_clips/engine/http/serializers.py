"""What the engine tells of its generations: records as the JSON of the Clip API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from reka_clips.contract.requests import DEFAULT_MAX_DURATION_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reka_clips.contract import ClipOutput
    from reka_clips.engine.http.signed_links import Links
    from reka_clips.engine.service.models import JobRecord

_GENERATION_DEFAULTS: Final = {
    "template": "moments",
    "min_duration_seconds": 0,
    "max_duration_seconds": DEFAULT_MAX_DURATION_SECONDS,
}
_RENDERING_DEFAULTS: Final = {
    "show_watermark": False,
    "subtitles": True,
    "aspect_ratio": "9:16",
    "resolution": 720,
    "layout": "ai",
}


def snapshot(job: JobRecord, links: Links) -> dict[str, Any]:
    """Return the state of a generation as GET /v1/clips/{id} and the stream tell it."""
    asked = job.request.model_dump(mode="json", exclude_none=True)
    fields: dict[str, Any] = {
        "id": job.id,
        "status": job.status,
        "created_at": _iso(job.created_at),
        "updated_at": _iso(job.updated_at),
        "video_urls": list(job.request.video_urls),
        "prompt": job.request.prompt,
        "generation_config": _GENERATION_DEFAULTS | asked.get("generation_config", {}),
        "rendering_config": _RENDERING_DEFAULTS | asked.get("rendering_config", {}),
        "num_generations": job.num_generations,
        "progress": round(job.progress, 4),
        "output": [_clip(job.id, clip, links) for clip in job.clips],
    }
    if job.warnings:
        fields["warnings"] = list(job.warnings)
    if job.error_message is not None:
        fields["error_message"] = job.error_message
    return fields


def page(jobs: Sequence[JobRecord]) -> dict[str, Any]:
    """Return generations as GET /v1/clips lists them."""
    return {"items": [_item(job) for job in jobs]}


def _item(job: JobRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": job.id,
        "status": job.status,
        "video_urls": list(job.request.video_urls),
        "prompt": job.request.prompt,
        "created_at": _iso(job.created_at),
        "progress": round(job.progress, 4),
        "clip_count": len(job.clips),
        "size_bytes": job.size_bytes,
    }
    return fields if job.error_message is None else fields | {"error_message": job.error_message}


def _clip(job_id: str, clip: ClipOutput, links: Links) -> dict[str, Any]:
    shown = clip.model_copy(
        update={
            "video_url": links.file(job_id, clip.video_url or ""),
            "poster_url": None if clip.poster_url is None else links.file(job_id, clip.poster_url),
        }
    )
    return shown.model_dump(mode="json", exclude={"signed_s3_video_url"})


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
