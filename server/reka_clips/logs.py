"""The program's log: lines on standard error, in which no key can stand.

Libraries log what they like at DEBUG, headers included. So every line is cleaned as text, after it was put
together: values of headers that carry keys, and the operator's own secrets wherever they turn up.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from typing import Final

from reka_clips.settings import Settings

HIDDEN: Final = "[hidden]"

_SHORTEST_SECRET: Final = 6  # shorter ones would blot out ordinary words
_NAMES: Final = r"(?:x-reka-api-key|x-api-key|proxy-authorization|authorization|set-cookie|cookie|mcp-session-id)"
# Name and value as in `name: value`, `'name': 'value'`, `(b'name', b'value')` and `name=value`.
_HEADER: Final = re.compile(
    rf"""(?P<name>\b{_NAMES}['"]?\s*[:=,]\s*)(?:b?(?P<quote>['"])(?P<quoted>.*?)(?P=quote)|(?P<bare>[^'"\r\n]+))""",
    re.IGNORECASE,
)
_BEARER: Final = re.compile(r"(?P<name>\bbearer\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_LINK: Final = re.compile(
    r"(?P<name>[?&][\w-]*(?:signature|credential|session_id|api_key|token|sig)=)[^&\s'\"]+", re.IGNORECASE
)
# As the SDK writes them: `session ID: 0a1b…`, `request for session 0a1b…: …`, `Session 0a1b… crashed`.
_SESSION: Final = re.compile(
    r"(?P<name>\bsession(?: (?:for |with )?ID| disconnected)?:? )[A-Za-z0-9_-]{16,64}", re.IGNORECASE
)


class SecretlessFormatter(logging.Formatter):
    """Formats a record, exception and all, and hides in the text what must not be read."""

    def __init__(self, form: str, secrets: Iterable[str] = ()) -> None:
        super().__init__(form)
        self._secrets = tuple(sorted((s for s in secrets if len(s) >= _SHORTEST_SECRET), key=len, reverse=True))

    def format(self, record: logging.LogRecord) -> str:
        return hide(super().format(record), self._secrets)


def hide(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without the given secrets and without values of headers that carry keys."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    text = _HEADER.sub(lambda match: f"{match['name']}{HIDDEN}", text)
    text = _BEARER.sub(lambda match: f"{match['name']}{HIDDEN}", text)
    text = _SESSION.sub(lambda match: f"{match['name']}{HIDDEN}", text)
    return _LINK.sub(lambda match: f"{match['name']}{HIDDEN}", text)


def configure(settings: Settings) -> None:
    """Send all logs of the process to standard error, at the level of the settings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(SecretlessFormatter("%(levelname)s %(name)s: %(message)s", settings.secrets))
    logging.basicConfig(handlers=[handler], level=settings.log_level)
    # At DEBUG these write every message whole: prompts, and source links with the permissions in them.
    for name in ("sse_starlette", "mcp.server.sse"):
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLogger().level))


def hide_links_in_access_log() -> None:
    """Clean the access log of a uvicorn that others start: it has a format and a handler of its own."""

    def clean(record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(hide(value) if isinstance(value, str) else value for value in record.args)
        return True

    logging.getLogger("uvicorn.access").addFilter(clean)
