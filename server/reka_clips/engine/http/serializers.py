"""What the engine tells of its generations: records as the JSON of the Clip API."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reka_clips.contract.requests import GENERATION_DEFAULTS, RENDERING_DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reka_clips.engine.http.signed_links import Links
    from reka_clips.engine.service.models import Clip, JobRecord
    from reka_clips.engine.service.status import EngineStatus


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
        "generation_config": dict(GENERATION_DEFAULTS) | asked.get("generation_config", {}),
        "rendering_config": dict(RENDERING_DEFAULTS) | asked.get("rendering_config", {}),
        "num_generations": job.num_generations,
        "progress": round(job.progress, 4),
        "output": [_clip(job.id, clip, links) for clip in job.clips],
    }
    if job.warnings:
        fields["warnings"] = list(job.warnings)
    if job.error_message is not None:
        fields["error_message"] = job.error_message
    return fields


def page(jobs: Sequence[JobRecord], status: EngineStatus) -> dict[str, Any]:
    """Return generations as GET /v1/clips lists them, and in `engine`, which Reka does not have, how it stands."""
    return {"items": [_item(job) for job in jobs], "engine": asdict(status)}


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


def _clip(job_id: str, clip: Clip, links: Links) -> dict[str, Any]:
    return {
        "title": clip.title,
        "video_url": links.video(job_id, clip),
        "caption": clip.caption,
        "hashtags": list(clip.hashtags),
        "ai_score": clip.ai_score,
        "duration_seconds": round(clip.duration_seconds, 3),
        "width": clip.width,
        "height": clip.height,
        "size_bytes": clip.size_bytes,
        "poster_url": links.poster(job_id, clip),
        "source_url": clip.source_url,
        "source_start_time": clip.source_start_seconds,
        "source_end_time": clip.source_end_seconds,
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
