"""MCP Apps (`io.modelcontextprotocol/ui`): offers the page of the gallery, and tells hosts where its media are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.server.extension import Extension, ResourceBinding
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver.resources import Resource

from reka_clips.errors import ConfigurationError
from reka_clips.mcp_server.extensions.gallery import URI

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reka_clips.mcp_server.context import AppContext

# Reka's documentation names no address that clips come from, but a field of its answers is called
# `signed_s3_video_url`. The page loads media from these and from the operator's own Clip API by itself; no answer adds
# another host, such as one in the viewer's own network. What a host does not let through is offered as a plain link.
_KNOWN_ORIGINS: Final = ("https://*.reka.ai", "https://*.amazonaws.com")
_HOST: Final = re.compile(r"[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\]")


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
    """Serves the page, and declares where its media may come from."""

    identifier = EXTENSION_ID

    def __init__(self, runtime: AppContext, *, saves_files: bool) -> None:
        """Nothing is read yet. saves_files: whether the server has `save_clip`."""
        self._runtime = runtime
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

    async def read(self, headers: Mapping[str, str] | None) -> ReadResourceContents:
        """Return the page for a caller. headers: the request's."""
        origins = dict.fromkeys((*_KNOWN_ORIGINS, *self._own_origins(headers)))
        return ReadResourceContents(content=await self._page.read(), mime_type=APP_MIME_TYPE, meta=_meta(origins))

    def _own_origins(self, headers: Mapping[str, str] | None) -> list[str]:
        """Return where this server's own Clip API serves clips: itself over HTTP, or the address the operator set."""
        settings = self._runtime.settings
        try:
            is_local = self._runtime.backend(headers).is_embedded
        except ConfigurationError:
            return []
        if is_local and headers is None:
            return []  # files: their clips are read through the host
        here = settings.public_url or f"http://{(headers or {}).get('host', 'localhost')}"
        origin = origin_of(here if is_local else settings.base_url)
        return [origin] if origin else []


def origin_of(url: str) -> str | None:
    """Return the origin of an http(s) link as a content security policy takes it, or None if it has none.

    Nothing but a plain host with a port comes out: a policy is text, and a link is anybody's.
    """
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    name = f"[{host}]" if ":" in host else host
    if scheme not in ("http", "https") or not _HOST.fullmatch(name):
        return None
    return f"{scheme}://{name}" + ("" if port is None else f":{port}")


def _meta(origins: Mapping[str, None] | Sequence[str]) -> dict[str, Any]:
    # No address for fetch, no frames: the page asks the host for all it needs.
    return {
        "ui": {"csp": {"resourceDomains": list(origins)}, "permissions": {"clipboardWrite": {}}, "prefersBorder": True}
    }
