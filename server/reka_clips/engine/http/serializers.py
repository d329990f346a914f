"""What the engine answers, in the JSON of the Clip API: generations, with links to their files, and errors."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

from starlette.responses import JSONResponse

from reka_clips.contract.requests import GENERATION_DEFAULTS, RENDERING_DEFAULTS
from reka_clips.files import real_place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reka_clips.contract import ClipOutput
    from reka_clips.engine.http.request_parsing import Problem
    from reka_clips.engine.service.models import JobRecord
    from reka_clips.engine.service.paths import Folders
    from reka_clips.web.signed_links import LinkSigner

_ERROR_TYPES: Final = {
    400: "validation_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
}


class Links(Protocol):
    """Makes the links that stand in snapshots."""

    def file(self, job_id: str, name: str) -> str:
        """Return the link to a file of a generation. name: `1.mp4`, `1.jpg`, counted from 1."""
        ...


class FileLinks:
    """`file://` links, for callers on this machine."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders

    def file(self, job_id: str, name: str) -> str:
        return real_place((self._folders.clips(job_id) / name).absolute()).as_uri()


class SignedLinks:
    """http(s) links that begin with `base_url` and open without a key for a time."""

    def __init__(self, base_url: str, signer: LinkSigner) -> None:
        self._base_url = base_url.rstrip("/")
        self._signer = signer

    def file(self, job_id: str, name: str) -> str:
        return self._base_url + self._signer.signed(f"/v1/clips/{job_id}/output/{name}")


def error_response(
    status: int,
    message: str,
    *,
    param: str | None = None,
    kind: str | None = None,
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return an error in the shape of the Clip API. kind: its type, if not the usual one of this status.

    problems: everything that is wrong, listed as `details`.
    """
    usual = _ERROR_TYPES.get(
        status, "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    )
    error: dict[str, object] = {"type": kind or usual, "message": message, "param": param}
    if problems:
        error["details"] = [{"param": problem.param, "message": problem.message} for problem in problems]
    return JSONResponse({"error": error}, status_code=status, headers=headers)


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
    lengths = {clip.source_url: clip.source_duration_seconds for clip in job.clips if clip.source_duration_seconds}
    if lengths:
        fields["source_duration_seconds"] = round(sum(lengths.values()), 3)
    if job.clips and fields["generation_config"].get("plan_only"):
        fields["contact_sheet_url"] = links.file(job.id, "0.jpg")
    if job.detail is not None:
        fields["detail"] = job.detail
    if job.warnings:
        fields["warnings"] = list(job.warnings)
    if job.error_message is not None:
        fields["error_message"] = job.error_message
    return fields


def page(jobs: Sequence[JobRecord]) -> dict[str, Any]:
    """Return generations as GET /v1/clips lists them."""
    return {"items": [_item(job) for job in jobs]}


def _item(job: JobRecord) -> dict[str, Any]:
    is_plan = bool(job.request.generation_config and job.request.generation_config.plan_only)
    fields: dict[str, Any] = {
        "id": job.id,
        "status": job.status,
        "video_urls": list(job.request.video_urls),
        "prompt": job.request.prompt,
        "created_at": _iso(job.created_at),
        "progress": round(job.progress, 4),
        "clip_count": 0 if is_plan else len(job.clips),
        "size_bytes": job.size_bytes,
        "title": f"Search: {len(job.clips)} moments" if is_plan else job.clips[0].title if job.clips else None,
        "aspect_ratio": (job.request.rendering_config and job.request.rendering_config.aspect_ratio) or "9:16",
        "duration_seconds": None if is_plan else round(sum(clip.duration_seconds or 0 for clip in job.clips), 3),
    }
    return fields if job.error_message is None else fields | {"error_message": job.error_message}


def _clip(job_id: str, clip: ClipOutput, links: Links) -> dict[str, Any]:
    shown = clip.model_copy(
        update={
            "video_url": None if clip.video_url is None else links.file(job_id, clip.video_url),
            "poster_url": None if clip.poster_url is None else links.file(job_id, clip.poster_url),
        }
    )
    return shown.model_dump(mode="json", exclude={"signed_s3_video_url"})


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
