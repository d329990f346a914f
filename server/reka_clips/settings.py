"""What the operator decided: read once from the environment (flags win), then passed in.

A value that cannot be used never stops the server: its default stands in, and `problems` says so in plain
words (logged at the start, shown by `doctor`). Only for the choice of a backend there is no safe default:
`backend` then holds None and the first call says what is wrong.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, cast
from urllib.parse import urlsplit

Backend = Literal["auto", "reka", "local"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

DEFAULT_BASE_URL: Final = "https://vision-agent.api.reka.ai"
MAX_WAIT_SECONDS: Final = 900
MIN_SECRET_CHARACTERS: Final = 32
MEGABYTE: Final = 1024 * 1024

_BACKENDS: Final = ("auto", "reka", "local")
_LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9._~/-]*")

T = TypeVar("T")
U = TypeVar("U")
_SAME: Any = object()


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, with its environment variable in the comment. Times in seconds, sizes in bytes."""

    api_key: str | None = field(default=None, repr=False)  # REKA_API_KEY
    base_url: str = DEFAULT_BASE_URL  # REKA_BASE_URL
    backend: Backend | None = "auto"  # REKA_CLIPS_BACKEND
    wait_seconds: float = 45.0  # REKA_CLIPS_WAIT_SECONDS: how long a call waits for a generation, 0 to 900
    timeout_seconds: float = 60.0  # REKA_CLIPS_TIMEOUT_SECONDS: one request to the Clip API
    log_level: LogLevel = "WARNING"  # REKA_CLIPS_LOG_LEVEL
    data_dir: Path = field(default_factory=lambda: default_data_dir(os.environ))  # REKA_CLIPS_DATA_DIR
    save_dir: Path = field(default_factory=lambda: default_save_dir(Path.home()))  # REKA_CLIPS_SAVE_DIR
    confirm: bool = False  # REKA_CLIPS_CONFIRM: ask the person before a creation that costs
    # The network side (SSE and streamable HTTP); docs/operating.md tells more of each.
    auth_token: str | None = field(default=None, repr=False)  # REKA_CLIPS_AUTH_TOKEN: guards the HTTP side
    oauth_issuer: str | None = None  # REKA_CLIPS_OAUTH_ISSUER: whose tokens open the door; exactly as in their `iss`
    oauth_audience: str | None = None  # REKA_CLIPS_OAUTH_AUDIENCE: their `aud`; default: the address of /mcp
    oauth_jwks_url: str | None = None  # REKA_CLIPS_OAUTH_JWKS_URL: the issuer's keys; default: as its metadata says
    oauth_scopes: tuple[str, ...] = ()  # REKA_CLIPS_OAUTH_SCOPES: a token must hold all of them
    public_url: str | None = None  # REKA_CLIPS_PUBLIC_URL: the address that others use, such as https://clips.example
    allowed_hosts: tuple[str, ...] = ()  # REKA_CLIPS_ALLOWED_HOSTS: further names in the Host header
    allowed_origins: tuple[str, ...] = ()  # REKA_CLIPS_ALLOWED_ORIGINS: web pages that may call
    allow_unauthenticated: bool = False  # REKA_CLIPS_ALLOW_OPEN_DOOR: as --allow-unauthenticated
    trust_local_users: bool = False  # REKA_CLIPS_TRUST_LOCAL_USERS: as --trust-local-users
    share_key: bool | None = None  # REKA_CLIPS_SHARE_KEY: REKA_API_KEY is for callers without a key of their own, too
    share_engine: bool | None = None  # REKA_CLIPS_SHARE_ENGINE: so is the embedded engine
    secret: str | None = field(default=None, repr=False)  # REKA_CLIPS_SECRET: signs links; the same for all workers
    link_seconds: float = 86400.0  # REKA_CLIPS_LINK_SECONDS: how long a link to a clip of the engine opens it
    max_calls: int = 500  # REKA_CLIPS_MAX_CALLS: tool calls at once, per key
    max_sessions: int = 2000  # REKA_CLIPS_MAX_SESSIONS: sessions at once, of SSE and of streamable HTTP each
    session_idle_seconds: float = 1800.0  # REKA_CLIPS_SESSION_IDLE_SECONDS: then an unused session ends
    max_body_bytes: int = 1024 * 1024  # REKA_CLIPS_MAX_BODY_BYTES: of one request
    # The clip engine, embedded or served alone with `reka-clips-mcp engine`.
    engine_key: str | None = field(default=None, repr=False)  # REKA_CLIPS_ENGINE_KEY: a served engine asks for it
    engine_folders: tuple[Path, ...] = ()  # REKA_CLIPS_ENGINE_FOLDERS: where others may read `file://` sources from
    engine_jobs: int = 1  # REKA_CLIPS_ENGINE_JOBS: generations it works on at once
    engine_queue: int = 20  # REKA_CLIPS_ENGINE_QUEUE: generations that may wait or run; then 429
    allow_private_sources: bool = False  # REKA_CLIPS_ALLOW_PRIVATE_SOURCES: links into this machine's own network
    max_source_bytes: int = 4096 * MEGABYTE  # REKA_CLIPS_MAX_SOURCE_MB
    keep_sources_bytes: int = 10240 * MEGABYTE  # REKA_CLIPS_KEEP_SOURCES_MB: fetched sources kept for use again
    keep_sources_days: int = 7  # REKA_CLIPS_KEEP_SOURCES_DAYS: since their last use
    keep_clips_bytes: int | None = None  # REKA_CLIPS_KEEP_CLIPS_MB: then the oldest clips go; unset: all stay
    keep_clips_days: int | None = None  # REKA_CLIPS_KEEP_CLIPS_DAYS: unset: all stay
    problems: tuple[str, ...] = ()

    @property
    def base_url_is_local(self) -> bool:
        """Whether REKA_BASE_URL names this very machine: then it is a served engine, which reads files."""
        return is_loopback(_host(self.base_url) or "")

    def problem_with(self, *variables: str) -> str | None:
        """Return the first problem with one of these variables (or prefixes of their names), or None."""
        return next((problem for problem in self.problems if problem.startswith(variables)), None)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; never raises. `environ`: `os.environ` unless given."""
        source = _Source(os.environ if environ is None else environ)
        home = Path.home()
        return cls(
            api_key=source.text("REKA_API_KEY"),
            base_url=source.parsed("REKA_BASE_URL", _base_url, DEFAULT_BASE_URL),
            backend=source.parsed("REKA_CLIPS_BACKEND", _backend, cast("Backend", "auto"), unusable=None),
            wait_seconds=source.parsed("REKA_CLIPS_WAIT_SECONDS", _seconds(0, MAX_WAIT_SECONDS), 45.0),
            timeout_seconds=source.parsed("REKA_CLIPS_TIMEOUT_SECONDS", _seconds(1, 3600), 60.0),
            log_level=source.parsed("REKA_CLIPS_LOG_LEVEL", _log_level, cast("LogLevel", "WARNING")),
            data_dir=source.parsed("REKA_CLIPS_DATA_DIR", _folder, default_data_dir(source.environ)),
            save_dir=source.parsed("REKA_CLIPS_SAVE_DIR", _folder, default_save_dir(home)),
            confirm=source.switch("REKA_CLIPS_CONFIRM"),
            auth_token=source.parsed("REKA_CLIPS_AUTH_TOKEN", _token, None),
            oauth_issuer=source.parsed("REKA_CLIPS_OAUTH_ISSUER", _secure_url, None),
            oauth_audience=source.text("REKA_CLIPS_OAUTH_AUDIENCE"),
            oauth_jwks_url=source.parsed("REKA_CLIPS_OAUTH_JWKS_URL", _secure_url, None),
            oauth_scopes=source.words("REKA_CLIPS_OAUTH_SCOPES"),
            public_url=source.parsed("REKA_CLIPS_PUBLIC_URL", _public_url, None),
            allowed_hosts=source.words("REKA_CLIPS_ALLOWED_HOSTS"),
            allowed_origins=source.words("REKA_CLIPS_ALLOWED_ORIGINS"),
            allow_unauthenticated=source.switch("REKA_CLIPS_ALLOW_OPEN_DOOR"),
            trust_local_users=source.switch("REKA_CLIPS_TRUST_LOCAL_USERS"),
            share_key=source.choice("REKA_CLIPS_SHARE_KEY"),
            share_engine=source.choice("REKA_CLIPS_SHARE_ENGINE"),
            secret=source.parsed("REKA_CLIPS_SECRET", _secret, None),
            link_seconds=source.parsed("REKA_CLIPS_LINK_SECONDS", _seconds(60, 31 * 86400), 86400.0),
            max_calls=source.parsed("REKA_CLIPS_MAX_CALLS", _whole(1, 100_000), 500),
            max_sessions=source.parsed("REKA_CLIPS_MAX_SESSIONS", _whole(1, 100_000), 2000),
            session_idle_seconds=source.parsed("REKA_CLIPS_SESSION_IDLE_SECONDS", _seconds(10, 86400), 1800.0),
            max_body_bytes=source.parsed("REKA_CLIPS_MAX_BODY_BYTES", _whole(65536, 64 * 1024 * 1024), 1024 * 1024),
            engine_key=source.parsed("REKA_CLIPS_ENGINE_KEY", _token, None),
            engine_folders=source.parsed("REKA_CLIPS_ENGINE_FOLDERS", _folders, ()),
            engine_jobs=source.parsed("REKA_CLIPS_ENGINE_JOBS", _whole(1, 16), 1),
            engine_queue=source.parsed("REKA_CLIPS_ENGINE_QUEUE", _whole(1, 1000), 20),
            allow_private_sources=source.switch("REKA_CLIPS_ALLOW_PRIVATE_SOURCES"),
            max_source_bytes=source.parsed("REKA_CLIPS_MAX_SOURCE_MB", _megabytes, 4096 * MEGABYTE),
            keep_sources_bytes=source.parsed("REKA_CLIPS_KEEP_SOURCES_MB", _megabytes, 10240 * MEGABYTE),
            keep_sources_days=source.parsed("REKA_CLIPS_KEEP_SOURCES_DAYS", _whole(0, 3650), 7),
            keep_clips_bytes=source.parsed("REKA_CLIPS_KEEP_CLIPS_MB", _megabytes, None),
            keep_clips_days=source.parsed("REKA_CLIPS_KEEP_CLIPS_DAYS", _whole(1, 3650), None),
            problems=tuple(source.problems),
        )


class _Source:
    """The environment with a list of what was wrong in it. A `${…}` that a host left in place is unset."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []

    def text(self, name: str) -> str | None:
        value = self.environ.get(name, "").strip()
        return None if not value or (value.startswith("${") and value.endswith("}")) else value

    def switch(self, name: str) -> bool:
        """On for anything but 0, false, no and off: a switch that was set at all was meant to guard."""
        value = self.text(name)
        return value is not None and value.lower() not in ("0", "false", "no", "off")

    def choice(self, name: str) -> bool | None:
        """Return what a switch says, or None where it is not set."""
        return None if self.text(name) is None else self.switch(name)

    def words(self, name: str) -> tuple[str, ...]:
        """Return the words of a list, told apart by commas or spaces."""
        return tuple((self.text(name) or "").replace(",", " ").split())

    def parsed(self, name: str, parse: Callable[[str], T], default: T, *, unusable: T | U = _SAME) -> T | U:
        """Return the parsed value, `default` where it is unset, `unusable` (else `default`) where it is wrong."""
        value = self.text(name)
        if value is None:
            return default
        try:
            return parse(value)
        except ValueError as error:
            self.problems.append(f"{name} {error}.")
            return default if unusable is _SAME else unusable


def _backend(value: str) -> Backend:
    if value.lower() not in _BACKENDS:
        raise ValueError(f"must be one of {', '.join(_BACKENDS)}")
    return cast("Backend", value.lower())


def _log_level(value: str) -> LogLevel:
    if value.upper() not in _LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(_LOG_LEVELS)}")
    return cast("LogLevel", value.upper())


def _seconds(lowest: float, highest: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = -1.0
        if not lowest <= seconds <= highest:
            raise ValueError(f"must be a number of seconds from {lowest:g} to {highest:g}")
        return seconds

    return parse


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        number = int(value) if value.isascii() and value.isdigit() else -1
        if not lowest <= number <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return number

    return parse


def _megabytes(value: str) -> int:
    return _whole(0, 100_000_000)(value) * MEGABYTE


def _token(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be one word of plain characters, as it is sent in a header")
    return value


def _secret(value: str) -> str:
    if len(value) < MIN_SECRET_CHARACTERS:
        raise ValueError(f"must have at least {MIN_SECRET_CHARACTERS} characters, made by chance")
    return value


def _public_url(value: str) -> str:
    """Return a scheme, a host, perhaps a port and a path; scheme and host in lower case, as a browser sends them."""
    url = value.rstrip("/")
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    is_plain = _PLAIN_PATH.fullmatch(path) is not None and not any(sign in authority for sign in "@?#")
    if scheme.lower() not in ("http", "https") or not _host(url) or not is_plain:
        raise ValueError("must be an address such as https://clips.example or https://example.com/clips")
    return f"{scheme}://{authority}".lower() + slash + path


def _secure_url(value: str) -> str:
    scheme, _, rest = value.partition("://")
    host = _host(value)
    if not host or "@" in rest or "#" in rest:
        raise ValueError("must be an https address")
    if scheme.lower() != "https" and not (scheme.lower() == "http" and is_loopback(host)):
        raise ValueError("must start with https://")
    return value


def _base_url(value: str) -> str:
    url = value.rstrip("/")
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in ("http", "https") or not _host(url) or "@" in rest:
        raise ValueError("must be an http(s) address without user name or password, such as " + DEFAULT_BASE_URL)
    return url


def _folder(value: str) -> Path:
    path = Path(value).expanduser()
    if not path.is_absolute():
        raise ValueError("must be an absolute path")
    return path


def _folders(value: str) -> tuple[Path, ...]:
    return tuple(_folder(part) for part in value.split(os.pathsep) if part)


def is_loopback(host: str) -> bool:
    """Return whether a name or address, with or without brackets, is that of this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Return where the platform keeps a program's data. What the environment names counts only if it is absolute."""
    home = Path.home()
    if sys.platform == "win32":
        return _absolute(environ.get("LOCALAPPDATA"), home / "AppData" / "Local") / "reka-clips-mcp"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "reka-clips-mcp"
    return _absolute(environ.get("XDG_DATA_HOME"), home / ".local" / "share") / "reka-clips-mcp"


def _absolute(folder: str | None, default: Path) -> Path:
    return Path(folder) if folder and Path(folder).is_absolute() else default


def default_save_dir(home: Path) -> Path:
    """Return the person's Videos folder (Movies on a Mac), else Downloads, else the first, to be made."""
    videos = home / ("Movies" if sys.platform == "darwin" else "Videos")
    downloads = home / "Downloads"
    return downloads if downloads.is_dir() and not videos.is_dir() else videos
