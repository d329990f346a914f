"""The page of the gallery, put together from its sources: one HTML document that loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from typing import Final

from reka_clips import __version__
from reka_clips.mcp_server.resources import MAX_VIDEO_BYTES

# In this order, as one module script: each file may use what stands in those before it.
_SCRIPTS: Final = (
    *("bridge", "text", "dom", "frame", "poller", "finding"),
    *("parts", "player", "clips", "moments", "progress", "list", "notices", "main"),
)

_COMMENT: Final = re.compile(
    r"^\s*(?://|/\*\*|\*).*\n", re.MULTILINE
)  # whole lines: the page goes to the host each time

# The host adds a policy of its own. This one holds even if it does not, and lets only these very scripts and
# styles run: what a host may allow for media is allowed here, so that its declared hosts decide.
_POLICY: Final = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src data: https: http:; "
    "media-src blob: data: https: http:; base-uri 'none'; form-action 'none'"
)


@cache
def html(*, saves_files: bool) -> str:
    """Return the whole document. Its content security policy names the hashes of its only script and style.

    saves_files: whether the server has `save_clip`.
    """
    style = _source("page.css")
    known = {"VERSION": __version__, "PLAYABLE_BYTES": MAX_VIDEO_BYTES, "SAVES_FILES": saves_files}
    settings = "\n".join(f"const {name} = {json.dumps(value)};" for name, value in known.items())
    script = "\n".join([settings, *(_COMMENT.sub("", _source(f"{name}.js")) for name in _SCRIPTS)])
    policy = _POLICY.format(script=_hash(script), style=_hash(style))
    page = _source("page.html")
    for place, content in (("%CSP%", policy), ("%STYLE%", style), ("%SCRIPT%", script)):
        before, after = page.split(place)
        page = before + content + after
    return page


def _source(name: str) -> str:
    return files("reka_clips.mcp_server.extensions.gallery").joinpath("page", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
