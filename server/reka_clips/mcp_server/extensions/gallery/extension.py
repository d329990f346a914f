"""MCP Apps (`io.modelcontextprotocol/ui`): offers the page of the gallery, and tells hosts where its media are."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.server.extension import Extension, ResourceBinding
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver.resources import Resource

from reka_clips.errors import ConfigurationError, RekaClipsError
from reka_clips.generations import owner_of
from reka_clips.mcp_server.context import KEY_HEADER
from reka_clips.mcp_server.extensions.gallery import URI
from reka_clips.mcp_server.extensions.gallery.origins import MediaOrigins, origin_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reka_clips.mcp_server.context import AppContext
    from reka_clips.settings import Settings

# Reka's documentation names no address that clips come from, but a field of its answers is called
# `signed_s3_video_url`. Those are declared beforehand, any other one as soon as a clip has come from it; what a host
# does not let through is offered as a plain link.
_KNOWN_ORIGINS: Final = ("https://*.reka.ai", "https://*.amazonaws.com")
_LOOK_SECONDS: Final = 4.0  # a page that comes late is worse than one without an earlier clip's address


class GalleryPage(Resource):
    """The page as a resource of the server; read only when a host asks for it.

    saves_files: whether the server has `save_clip`.
    """

    saves_files: bool

    async def read(self) -> str:
        """Return the HTML document."""
        from reka_clips.mcp_server.extensions.gallery.page import html

        return html(saves_files=self.saves_files)


class Gallery(Extension):
    """Serves the page, and notes where the clips of each caller come from."""

    identifier = EXTENSION_ID

    def __init__(self, runtime: AppContext, *, saves_files: bool) -> None:
        """Nothing is read yet. saves_files: whether the server has `save_clip`."""
        self._runtime = runtime
        self._origins = MediaOrigins()
        self._page = GalleryPage(
            uri=URI,
            name="gallery",
            title="Gallery of clips",
            description="Shows a generation while it runs, and its clips with players, captions and links.",
            mime_type=APP_MIME_TYPE,
            meta=_meta(_KNOWN_ORIGINS),
            saves_files=saves_files,
        )

    def resources(self) -> Sequence[ResourceBinding]:
        """Return the page."""
        return [ResourceBinding(self._page)]

    def note(self, structured: Mapping[str, Any] | None, headers: Mapping[str, str] | None) -> None:
        """Note where the clips in a structured result are. headers: the request's."""
        clips = cast("list[dict[str, Any]]", (structured or {}).get("output", []))
        urls = [str(clip.get(name, "")) for clip in clips for name in ("video_url", "poster_url")]
        self._origins.note(_caller(headers), urls)

    async def read(self, headers: Mapping[str, str] | None) -> ReadResourceContents:
        """Return the page for a caller, with the addresses that this caller's clips are known to come from."""
        if not self._origins.of(_caller(headers)):
            await self._look(headers)
        origins = (*_KNOWN_ORIGINS, *self._own_origins(headers), *self._origins.of(_caller(headers)))
        content = await self._page.read()
        return ReadResourceContents(content=content, mime_type=APP_MIME_TYPE, meta=_meta(dict.fromkeys(origins)))

    async def _look(self, headers: Mapping[str, str] | None) -> None:
        """Note where an earlier generation's clips are: a host asks for the page once, before there is a result."""
        with anyio.move_on_after(_LOOK_SECONDS), suppress(RekaClipsError):
            if self._runtime.backend(headers).is_embedded:
                return
            account = await self._runtime.account(headers)
            page = await self._runtime.manager.list(account, offset=0, limit=1, status="completed")
            for generation_id in (item.id for item in page.items if item.id):
                job = await self._runtime.manager.job(account, generation_id)
                links = [link for output in job.state.snapshot.output for link in (output.link, output.poster_url)]
                self._origins.note(_caller(headers), filter(None, links))

    def _own_origins(self, headers: Mapping[str, str] | None) -> list[str]:
        """Return where this server's own Clip API serves clips: itself over HTTP, or a served engine."""
        settings: Settings = self._runtime.settings
        try:
            is_local = self._runtime.backend(headers).is_embedded
        except ConfigurationError:
            return []
        if is_local and headers is None:
            return []  # files: their clips are read through the host
        here = settings.public_url or f"http://{(headers or {}).get('host', 'localhost')}"
        origin = origin_of(here if is_local else settings.base_url)
        return [origin] if origin else []


def _meta(origins: Mapping[str, None] | Sequence[str]) -> dict[str, Any]:
    # No address for fetch, no frames: the page asks the host for all it needs.
    return {
        "ui": {"csp": {"resourceDomains": list(origins)}, "permissions": {"clipboardWrite": {}}, "prefersBorder": True}
    }


def _caller(headers: Mapping[str, str] | None) -> str:
    return owner_of(backend="", base_url="", api_key=(headers or {}).get(KEY_HEADER))
