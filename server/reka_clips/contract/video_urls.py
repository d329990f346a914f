"""What may stand in `video_urls`. Only the text is looked at; nothing is resolved or opened."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

MAX_URL_CHARACTERS: Final = 8192
_LOCAL_PATH: Final = re.compile(r"[/~.\\]|[A-Za-z]:[/\\]")
_FILE_HINT: Final = (
    "must be a URL; a file of this computer is named by its absolute path, as in file:///home/me/video.mp4 or "
    "file:///C:/Users/me/video.mp4 (with %20 for a space)"
)
NO_FILES: Final = "must be an http or https link: this backend cannot read files of this computer"


def video_url_problem(url: str, *, allow_file: bool, no_files: str = NO_FILES) -> str | None:
    """Return what is wrong with a video URL, as half a sentence ("must …"), or None if it may be sent.

    allow_file: whether `file://` URLs are taken (the embedded engine takes them, Reka cannot). no_files: what is said
    of them otherwise.
    The URL itself is never part of the answer: it may hold a password.
    """
    if len(url) > MAX_URL_CHARACTERS:
        return f"must be at most {MAX_URL_CHARACTERS} characters long"
    if _LOCAL_PATH.match(url):
        return _FILE_HINT if allow_file else no_files
    if any(character.isspace() or not character.isprintable() for character in url):
        return "must not contain spaces or control characters (write a space as %20)"
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError for a port that is no number
    except ValueError:
        return "must be a complete URL such as https://example.com/video.mp4"
    if parts.scheme == "file":
        return _file_problem(parts) if allow_file else no_files
    return _link_problem(parts, schemes="http, https or file" if allow_file else "http or https")


def _file_problem(parts: SplitResult) -> str | None:
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        return "must name an absolute path, such as file:///home/me/video.mp4"
    return None


def _link_problem(parts: SplitResult, *, schemes: str) -> str | None:
    if parts.scheme not in ("http", "https"):
        return f"must be a complete URL that starts with {schemes}, such as https://example.com/video.mp4"
    if not parts.hostname:
        return "must name a host, such as https://example.com/video.mp4"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or password"
    return None
