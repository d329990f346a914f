"""What may stand in `video_urls`. Only the text is looked at; nothing is resolved or opened."""

from __future__ import annotations

from urllib.parse import urlsplit

MAX_URL_CHARACTERS = 8192


def video_url_problem(url: str, *, allow_file: bool) -> str | None:  # noqa: PLR0911 - a list of checks
    """Return what is wrong with a video URL, as half a sentence ("must …"), or None if it may be sent.

    allow_file: whether `file://` URLs are taken (the embedded engine takes them, Reka cannot).
    The URL itself is never part of the answer: it may hold a password.
    """
    if len(url) > MAX_URL_CHARACTERS:
        return f"must be at most {MAX_URL_CHARACTERS} characters long"
    if any(character.isspace() or not character.isprintable() for character in url):
        return "must not contain spaces or control characters (write a space as %20)"
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError for a port that is no number
    except ValueError:
        return "must be a complete URL such as https://example.com/video.mp4"
    schemes = "http, https or file" if allow_file else "http or https"
    if parts.scheme == "file":
        if not allow_file:
            return "must be an http or https link: this backend cannot read files of this computer"
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            return "must name an absolute path, such as file:///home/me/video.mp4"
        return None
    if parts.scheme not in ("http", "https"):
        return f"must be a complete URL that starts with {schemes}, such as https://example.com/video.mp4"
    if not parts.hostname:
        return "must name a host, such as https://example.com/video.mp4"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or password"
    return None
