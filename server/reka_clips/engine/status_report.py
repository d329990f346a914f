"""What `reka-clips-mcp engine --status` shows, whether an engine runs or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reka_clips.engine.http.serializers import page
from reka_clips.engine.service.models import COMPLETED, FAILED
from reka_clips.engine.service.paths import Folders
from reka_clips.engine.service.status import EngineStatus, engine_status
from reka_clips.engine.store.sqlite import JobStore

if TYPE_CHECKING:
    from reka_clips.settings import Settings

_MEGABYTE: Final = 1024 * 1024
_SHOWN: Final = 20


def overview(settings: Settings) -> dict[str, Any]:
    """Return the folder, the status and the newest generations, as `engine --status --json` prints them.

    Needs no running engine. Raises EngineStartError if the store cannot be read.
    """
    folders = Folders.of(settings.data_dir)
    folders.make()
    with JobStore(folders.database) as store:
        status, newest = engine_status(store, folders, settings), store.page(limit=_SHOWN)
    return {"folder": str(folders.root), **page(newest, status)}


def text(told: dict[str, Any]) -> str:
    """Return an overview as lines for people."""
    items, status = told["items"], EngineStatus(**told["engine"])
    running = sum(count for name, count in status.jobs.items() if name not in (COMPLETED, FAILED))
    done, failed = status.jobs.get(COMPLETED, 0), status.jobs.get(FAILED, 0)
    limits = status.limits
    days, clips_bytes = limits["keep_clips_days"], limits["keep_clips_bytes"]
    lines = [
        f"Folder:   {told['folder']}",
        (
            f"Jobs:     {running} waiting or running, {done} completed, {failed} failed "
            f"(at most {limits['queue']} wait, {limits['jobs_at_once']} at once)"
        ),
        f"Clips:    {_megabytes(status.clips_bytes)} (kept {_bounds(clips_bytes, days)})",
        (
            f"Sources:  {_megabytes(status.sources_bytes)} fetched "
            f"(kept {_bounds(limits['keep_sources_bytes'], limits['keep_sources_days'])}; "
            f"each at most {_megabytes(limits['max_source_bytes'] or 0)})"
        ),
        f"Disk:     {_megabytes(status.free_bytes)} free",
    ]
    if items:
        lines += ["", f"{'id':36}  {'status':13}  {'%':>3}  {'clips':>5}  created"]
    for item in items:
        share = round(100 * item["progress"])
        lines.append(
            f"{item['id']:36}  {item['status'][:13]:13}  {share:3}  {item['clip_count']:5}  {item['created_at']}"
        )
        if "error_message" in item:
            lines.append(f"    {item['error_message']}")
    return "\n".join(lines)


def _megabytes(count: int) -> str:
    return f"{count / _MEGABYTE:.1f} MB"


def _bounds(most_bytes: int | None, days: int | None) -> str:
    parts = [f"up to {_megabytes(most_bytes)}"] if most_bytes is not None else []
    parts += [f"for {days} days"] if days is not None else []
    return " and ".join(parts) or "until deleted"
