"""The gallery: an MCP App that shows how clips come about, and the clips themselves.

The page is put together when it is asked for; until then only its address is known.
"""

from __future__ import annotations

from typing import Any, Final

URI: Final = "ui://reka-clips/gallery.html"
TOOL_META: Final[dict[str, Any]] = {"ui": {"resourceUri": URI}}
"""`_meta` of a tool whose result the gallery shows."""
