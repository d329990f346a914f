"""What a file plainly is, from its first bytes, where that is no video. What it really is, ffmpeg finds out later."""

from __future__ import annotations

import codecs
import re
from typing import Final, Literal

SNIFFED_BYTES: Final = 512
"""So many bytes of the beginning are enough."""

_PAGES: Final = (b"<!doctype html", b"<html", b"<head", b"<script")
_PLAYLISTS: Final = (b"#extm3u", b"<mpd", b"ffconcat version", b"[playlist]", b"[reference]", b"<asx", b"<smil")
_PLAYLISTS_IN_XML: Final = (b"<mpd", b"<playlist", b"<smil", b"<smoothstreamingmedia")
_RAW_VIDEO: Final = b"YUV4MPEG2"  # its header is text, and so may its first pixels be
_NEVER_IN_TEXT: Final = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")

Kind = Literal["nothing", "web page", "playlist", "text"]


def plain_kind(start: bytes) -> Kind | None:
    """Return what a file is that is plainly no video, or None. start: its first bytes, at least `SNIFFED_BYTES`."""
    start = start[:SNIFFED_BYTES]
    if not start:
        return "nothing"
    text = start.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if text.startswith(_PLAYLISTS) or (text.startswith(b"<?xml") and any(mark in text for mark in _PLAYLISTS_IN_XML)):
        return "playlist"
    if text.startswith(_PAGES):
        return "web page"
    return "text" if _is_text(start) and not start.startswith(_RAW_VIDEO) else None


def _is_text(start: bytes) -> bool:
    if _NEVER_IN_TEXT.search(start):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)  # a character cut off at the end is none wrong
    except UnicodeDecodeError:
        return False
    return True
