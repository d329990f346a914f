"""What the headers of an answer say of the file in it; whatever a server writes there, nothing is raised."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    import httpx2


def retry_after(text: str | None) -> float | None:
    """Return how many seconds a server asks to wait: a number, or a date. None if it does not say."""
    if not text:
        return None
    if text.strip().isdecimal() and text.isascii():
        return float(text.strip()[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def range_start(response: httpx2.Response) -> int | None:
    """Return from which byte on the answer to a range request is; None if it does not say."""
    found = re.match(r"bytes (\d{1,18})-", response.headers.get("content-range", ""), re.ASCII | re.IGNORECASE)
    return int(found[1]) if found else None


def announced_bytes(response: httpx2.Response) -> int | None:
    """Return how long the file is; None if the server does not say."""
    length = response.headers.get("content-length", "")
    is_plain = response.headers.get("content-encoding", "identity") == "identity"
    return int(length[:18]) if is_plain and length.isascii() and length.isdigit() else None


def media_type(response: httpx2.Response) -> str | None:
    """Return what the server calls the file: `video/mp4`."""
    return response.headers.get("content-type", "").partition(";")[0].strip().lower() or None


def file_name(disposition: str | None, url: str) -> str:
    """Return a safe name for the file, with no folder in it, from the answer or else from the URL."""
    disposition = disposition or ""
    extended = re.search(r"filename\*=\s*utf-8'[^']*'([^;\s]+)", disposition, flags=re.IGNORECASE)  # RFC 6266
    named = re.search(r'filename="?([^";]+)', disposition, flags=re.IGNORECASE)
    plain = named[1] if named else unquote(urlsplit(url).path)
    name = unquote(extended[1]) if extended else plain
    name = re.split(r"[/\\]", name)[-1]
    name = re.sub(r"[^\w .()-]+", "_", name).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    return f"{stem[:80]}.{suffix[:5]}" if dot and stem else (name[:80] or "video")
