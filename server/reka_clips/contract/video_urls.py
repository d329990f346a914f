"""What may stand in `video_urls`. Only the text is looked at; nothing is resolved or opened."""

from __future__ import annotations

import re
import sys
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

MAX_URL_CHARACTERS: Final = 8192
_PAGE_HOSTS: Final = ("youtube.com", "youtu.be", "youtube-nocookie.com", "twitch.tv")
_SPACE: Final = 0x20
_ABSOLUTE: Final = "must name an absolute path, such as file:///home/me/video.mp4"
_ELSEWHERE: Final = "must name a file of this computer, not of another one or a device"
_DRIVE: Final = re.compile(r"(?P<letter>[A-Za-z])[:|]/")
_DEVICE: Final = re.compile(r"(?i)con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]")
_LOCAL_PATH: Final = re.compile(r"[/~.\\]|[A-Za-z]:[/\\]")
_FILE_HINT: Final = (
    "must be a URL; a file of this computer is named by its absolute path, as in file:///home/me/video.mp4 or "
    "file:///C:/Users/me/video.mp4 (with %20 for a space)"
)
NO_FILES: Final = "must be an http or https link: this backend cannot read files of this computer"


def video_url_problem(
    url: str, *, allow_file: bool, no_files: str = NO_FILES, windows: bool = sys.platform == "win32"
) -> str | None:
    """Return what is wrong with a video URL, as half a sentence ("must …"), or None if it may be sent.

    allow_file: whether `file://` URLs are taken (the embedded engine takes them, Reka cannot). no_files: what is said
    of them otherwise. windows: whether they name files of a Windows computer.
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
        return _file_problem(url, windows=windows) if allow_file else no_files
    return _link_problem(parts, schemes="http, https or file" if allow_file else "http or https")


def is_video_page(url: str) -> bool:
    """Whether a link is known to lead to a page that shows a video (YouTube, Twitch), not to a video file."""
    host = (urlsplit(url).hostname or "").lower().rstrip(".")
    return any(host == page or host.endswith(f".{page}") for page in _PAGE_HOSTS)


def file_path(url: str, *, windows: bool) -> str:
    r"""Return the absolute path of a `file:` URL as the platform writes it. Nothing is asked of the disk.

    Read are `file:///home/me/a.mp4`, `file:/home/me/a.mp4`, `file://localhost/…`; on Windows `file:///C:/a.mp4`, with
    `c%3A`, `C|` or backslashes, and `file://C:/a.mp4`, which many write. Raises ValueError ("must …") for anything
    else: above all for shares and devices of Windows, because to open `\\host\share` logs this user in at that host.
    Source: RFC 8089 with its appendix E; Microsoft, "Naming Files, Paths, and Namespaces".
    """
    scheme, colon, rest = url.partition(":")
    if not colon or scheme.lower() != "file":
        raise ValueError("must start with file://")
    if "?" in rest or "#" in rest:
        raise ValueError("must be written with %3F for ? and %23 for #")
    text = unquote(rest, errors="surrogateescape")
    if any(ord(character) < _SPACE for character in text):
        raise ValueError("must not contain control characters")
    return _windows_path(text) if windows else _posix_path(text)


def _posix_path(text: str) -> str:
    """Return the path of what stands after `file:`, decoded."""
    path = _without_host(text)
    if not path.startswith("/"):
        raise ValueError(_ABSOLUTE)
    if path.startswith("//"):
        raise ValueError(_ELSEWHERE)
    return path


def _windows_path(text: str) -> str:
    plain = text.replace("\\", "/")
    drive = _DRIVE.match(plain.lstrip("/"))
    # `file://C:/a` has two slashes, the right form three; with four or more the path itself begins with two: a share.
    slashes = len(plain) - len(plain.lstrip("/"))
    if drive is not None and slashes <= 3:  # noqa: PLR2004 - as said above
        path = f"{drive['letter']}:/{plain.lstrip('/')[drive.end() :]}"
    else:
        path = _without_host(plain)
        drive = _DRIVE.match(path.removeprefix("/"))
        if path.startswith("//"):
            raise ValueError(_ELSEWHERE)
        if drive is None:
            raise ValueError("must name a drive and an absolute path, such as file:///C:/Users/me/video.mp4")
        path = f"{drive['letter']}:/{path.removeprefix('/')[drive.end() :]}"
    names = path[3:].split("/")
    if ":" in path[2:] or any(_DEVICE.fullmatch(name.partition(".")[0].rstrip(" ")) for name in names):
        raise ValueError("must name a video file; it names a device or a stream of a file")
    return path.replace("/", "\\")


def _without_host(text: str) -> str:
    """Return the path behind `//` and `//localhost`; raises ValueError for another computer's."""
    if not text.startswith("//"):
        return text
    host, slash, path = text[2:].partition("/")
    if host.lower() not in ("", "localhost"):
        raise ValueError(_ELSEWHERE)
    return slash + path


def _file_problem(url: str, *, windows: bool) -> str | None:
    try:
        file_path(url, windows=windows)
    except ValueError as error:
        return str(error)
    return None


def _link_problem(parts: SplitResult, *, schemes: str) -> str | None:
    if parts.scheme not in ("http", "https"):
        return f"must be a complete URL that starts with {schemes}, such as https://example.com/video.mp4"
    if not parts.hostname:
        return "must name a host, such as https://example.com/video.mp4"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or password"
    return None
