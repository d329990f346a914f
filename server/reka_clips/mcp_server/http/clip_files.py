"""Hands out clips of the embedded engine to whoever has a signed link."""

from __future__ import annotations

from typing import Final

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from reka_clips.contract import is_generation_id
from reka_clips.mcp_server.context import AppContext
from reka_clips.mcp_server.http.signed_links import ClipLinks

_TYPES: Final = {"mp4": "video/mp4", "jpg": "image/jpeg"}
_HEADERS: Final = {
    "Cache-Control": "private, max-age=3600",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; media-src 'self'; sandbox",
    "Referrer-Policy": "no-referrer",
}


class ClipFiles:
    """Answers GET and HEAD of `/clips/ID/1.mp4`, ranges included."""

    def __init__(self, runtime: AppContext, links: ClipLinks) -> None:
        self._runtime = runtime
        self._links = links

    async def answer(self, request: Request) -> Response:
        generation_id, name = request.path_params["generation_id"], request.path_params["name"]
        if not is_generation_id(generation_id) or not self._links.opens(generation_id, name, request.url.query):
            return _refuse(403, "This link does not open anything, or no longer. Ask for the clip's status again.")
        path = await anyio.to_thread.run_sync(self._runtime.engine_file, generation_id, name)
        if path is None:
            return _refuse(404, "This clip is not there any more.")
        return FileResponse(
            path,
            media_type=_TYPES[name.rpartition(".")[2]],
            filename=f"clip-{generation_id[:8]}-{name}",
            content_disposition_type="inline",
            headers=_HEADERS,
        )


def _refuse(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status_code=status, headers={"Cache-Control": "no-store"})
