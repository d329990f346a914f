"""Icons of the server and its tools: line drawings, as SVG in a data URL, so that nothing is fetched."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from mcp_types import Icon

_FRAME: Final = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='#7c5cff' stroke-width='2'>"
    "<path d='{path}'/></svg>"
)
_PATHS: Final = {
    "server": "M3 5h18v14H3zM7 5v14M17 5v14M10 9l5 3-5 3z",
    "create_clips": "M4 4h10v16H4zM18 9v6M15 12h6",
    "find_moments": "M11 4a7 7 0 1 0 .1 0zM16 16l5 5M8 11h6M11 8v6",
    "get_clip_status": "M12 3a9 9 0 1 0 .1 0zM12 7v5l3 3",
    "list_clips": "M4 6h16M4 12h16M4 18h10",
    "delete_clip": "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
    "save_clip": "M12 4v11M7 11l5 5 5-5M4 20h16",
}


def icon(name: str) -> Icon:
    """Return the icon of a tool, or of the server (`server`)."""
    svg = _FRAME.format(path=_PATHS[name])
    return Icon(src="data:image/svg+xml," + quote(svg, safe="=:/'"), mime_type="image/svg+xml", sizes=["any"])
