"""Hands out clips of the embedded engine to whoever has a signed link, and puts such links into snapshots."""

from __future__ import annotations

import re
from typing import Final

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from reka_clips.contract import Snapshot, is_generation_id
from reka_clips.mcp_server.context import AppContext
from reka_clips.web.signed_links import LinkSigner

CLIPS_PATH: Final = "/clips"

_NAME: Final = re.compile(r"[1-9][0-9]{0,2}\.(?:mp4|jpg)")
_TYPES: Final = {"mp4": "video/mp4", "jpg": "image/jpeg"}
_HEADERS: Final = {
    "Cache-Control": "private, max-age=3600",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; media-src 'self'; sandbox",
    "Referrer-Policy": "no-referrer",
}


class ClipLinks:
    """Replaces `file://` links of the embedded engine by links of this server."""

    def __init__(self, signer: LinkSigner) -> None:
        self._signer = signer

    def path(self, generation_id: str, name: str) -> str:
        """Return path and query of a link to one file of a generation. name: `1.mp4`, `1.jpg`, counted from 1."""
        return self._signer.signed(f"{CLIPS_PATH}/{generation_id}/{name}")

    def opens(self, generation_id: str, name: str, query: str) -> bool:
        """Return whether the query that came with a request opens this file now."""
        is_file = is_generation_id(generation_id) and _NAME.fullmatch(name) is not None
        return is_file and self._signer.opens(f"{CLIPS_PATH}/{generation_id}/{name}", query)

    def linked(self, snapshot: Snapshot, *, base_url: str) -> Snapshot:
        """Return the snapshot with links instead of `file://` addresses; a file that is no clip of it has none."""
        outputs = [
            output.model_copy(
                update={
                    "video_url": self._linked(snapshot.id, output.video_url, base_url),
                    "poster_url": self._linked(snapshot.id, output.poster_url, base_url),
                }
            )
            for output in snapshot.output
        ]
        return snapshot.model_copy(update={"output": tuple(outputs)})

    def _linked(self, generation_id: str | None, url: str | None, base_url: str) -> str | None:
        if url is None or not url.lower().startswith("file:"):
            return url
        folder, _, name = url.rpartition("/")
        if generation_id is None or folder.rpartition("/")[2].lower() != generation_id.lower():
            return None
        return base_url + self.path(generation_id, name) if _NAME.fullmatch(name) else None


class ClipFiles:
    """Answers GET and HEAD of `/clips/ID/1.mp4`, ranges included."""

    def __init__(self, runtime: AppContext, links: ClipLinks) -> None:
        self._runtime = runtime
        self._links = links

    async def answer(self, request: Request) -> Response:
        generation_id, name = request.path_params["generation_id"], request.path_params["name"]
        if not self._links.opens(generation_id, name, request.url.query):
            return _refuse(403, "This link is not valid, or it has expired. Ask for the clip's status again.")
        path = await anyio.to_thread.run_sync(self._runtime.engine_file, generation_id, name)
        if path is None:
            return _refuse(404, "This clip no longer exists.")
        return FileResponse(
            path,
            media_type=_TYPES[name.rpartition(".")[2]],
            filename=f"clip-{generation_id[:8]}-{name}",
            content_disposition_type="inline",
            headers=_HEADERS,
        )


def _refuse(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status_code=status, headers={"Cache-Control": "no-store"})
