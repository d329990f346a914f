"""The operator's settings: read once from the environment (flags win), then passed in.

Each field of `Settings` declares its variable, its default and its meaning, each in one place; docs/settings.md is
checked against them. An invalid value never stops the program: something safe is used instead, and `problems` says
so in a sentence that is printed at the start and by `doctor`.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, cast
from urllib.parse import urlsplit

from reka_clips.speech_setting import SpeechSetting

Backend = Literal["auto", "reka", "local"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

DEFAULT_BASE_URL: Final = "https://vision-agent.api.reka.ai"
MAX_WAIT_SECONDS: Final = 900
MIN_SECRET_CHARACTERS: Final = 32
MEGABYTE: Final = 1024 * 1024

_APP: Final = "reka-clips-mcp"
_BACKENDS: Final = ("auto", "reka", "local")
_LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_ON: Final = ("1", "true", "yes", "on")
_OFF: Final = ("0", "false", "no", "off")
# What a client leaves where it had no value to fill in: that alone counts as not set, quietly.
_UNFILLED: Final = re.compile(r"\$\{.*\}")
# What shells, templates and examples leave besides: $X, {env:X}, {{X}}, %X%, <X>, and JavaScript's words for nothing.
_PLACEHOLDER: Final = re.compile(
    r"\$\{.*\}|\$[A-Za-z_]\w*|\{\w+:.*\}|\{\{.*\}\}|%\w+%|<[^<>]*>|undefined|null", re.IGNORECASE | re.ASCII
)

_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9._~/-]*")

T = TypeVar("T")


def is_placeholder(value: str) -> bool:
    """Whether this is a placeholder such as `${REKA_API_KEY}` or `<your key>`, left where a value was meant."""
    return _PLACEHOLDER.fullmatch(value.strip()) is not None


@dataclass(frozen=True, slots=True)
class Variable:
    """How one environment variable is read, and what the docs say about it.

    parse: turns its text into the value, or raises ValueError with the end of a sentence ("must be …").
    default: the value, or a function that finds it out. about: a sentence or two of Markdown.
    """

    name: str
    parse: Callable[[str], object]
    default: object
    about: str

    @property
    def is_secret(self) -> bool:
        """Whether its value must never be shown."""
        return self.parse in (_key, _secret)

    def fallback(self) -> object:
        """Return the value to use instead of an invalid one: whatever opens nothing to anybody."""
        if self.parse is switch:
            return False
        if self.parse is guard:
            return True
        if self.name == "REKA_CLIPS_BACKEND":
            return None  # no choice is safe here: the first call explains what is wrong
        return self.default() if callable(self.default) else self.default


def setting(name: str, parse: Callable[[str], T], default: T | Callable[[], T], about: str) -> T:
    """Declare a field of `Settings`; see `Variable`."""
    variable = Variable(name, parse, default, about)
    how: dict[str, Any] = {"default_factory" if callable(default) else "default": default}
    return field(**how, repr=not variable.is_secret, metadata={"variable": variable})


def switch(value: str) -> bool:
    """Parse a switch. Takes a closed set of words, since a misspelt one must not open anything."""
    if value.lower() not in (*_ON, *_OFF):
        raise ValueError("must be 1 or 0 (or true, yes, on, false, no, off)")
    return value.lower() in _ON


def guard(value: str) -> bool:
    """Parse a switch that protects the user. One that cannot be read is on."""
    return switch(value)


def one_of(*choices: str) -> Callable[[str], Any]:
    """Return a parser of one of these words, in any case."""
    known = {choice.lower(): choice for choice in choices}

    def parse(value: str) -> str:
        if value.lower() not in known:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return known[value.lower()]

    return parse


def seconds(lowest: float, highest: float) -> Callable[[str], float]:
    """Return a parser of a number of seconds."""

    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not lowest <= number <= highest:
            raise ValueError(f"must be a number of seconds from {lowest:g} to {highest:g}")
        return number

    return parse


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """Return a parser of a whole number."""

    def parse(value: str) -> int:
        number = int(value) if value.isascii() and value.isdigit() and len(value) < len(str(highest)) + 3 else -1
        if not lowest <= number <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return number

    return parse


def megabytes(value: str) -> int:
    """Return a number of megabytes as bytes."""
    return whole(0, 100_000_000)(value) * MEGABYTE


def _words(value: str) -> tuple[str, ...]:
    return tuple(value.replace(",", " ").split())


def _key(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be one word of plain characters, as it is sent in a header")
    return value


def _secret(value: str) -> str:
    if len(value) < MIN_SECRET_CHARACTERS:
        raise ValueError(f"must have at least {MIN_SECRET_CHARACTERS} characters, randomly generated")
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
    # The paths of the API are added to it; the documentation of some services shows the address with them.
    url = value.rstrip("/").removesuffix("/clips").removesuffix("/v1").rstrip("/")
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in ("http", "https") or not _host(url) or "@" in rest:
        raise ValueError("must be an http(s) address without user name or password, such as " + DEFAULT_BASE_URL)
    return url


def _folder(value: str) -> Path:
    try:
        path = Path(value).expanduser()
    except RuntimeError:  # ~ without a home folder, ~name without such a user
        raise ValueError("names a home folder that cannot be determined") from None
    if not path.is_absolute() or "\0" in value:
        raise ValueError("must be an absolute path")
    return path


def _folders(value: str) -> tuple[Path, ...]:
    return tuple(_folder(part) for part in value.split(os.pathsep) if part)


def _program(value: str) -> str:
    """A name to look up on PATH, or a path; `~` is expanded."""
    return os.path.expanduser(value)  # noqa: PTH111 - never raises; a bare name must stay one


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


def default_data_dir(*, platform: str = sys.platform) -> Path:
    """Return where the system keeps a program's data, or a folder among the temporary files for a user without home.

    On Windows it is a folder beside the user's own: what a packaged app, such as Claude Desktop, and the programs that
    it starts write below AppData is kept elsewhere, where no other program finds it.
    """
    from platformdirs import user_data_path

    if platform == "win32":
        return _found(lambda: Path.home() / f".{_APP}") or _without_home()
    return _found(lambda: user_data_path(_APP, appauthor=False)) or _without_home()


def default_save_dir(*, platform: str = sys.platform) -> Path:
    """Return the user's folder for videos, or Downloads if only that exists; without a home, one in the data folder.

    Never Downloads on macOS, which keeps programs out of it.
    """
    from platformdirs import user_downloads_path, user_videos_path

    videos, downloads = _found(user_videos_path), _found(user_downloads_path)
    if platform != "darwin" and videos and downloads and downloads.is_dir() and not videos.is_dir():
        return downloads
    return videos or default_data_dir() / "saved"


def _found(find: Callable[[], Path]) -> Path | None:
    """Return a folder that platformdirs finds; None without a home, or where the user's own list cannot be read."""
    try:
        path = find()
    except Exception:  # noqa: BLE001 - reading the settings never stops the program
        return None
    return path if path.is_absolute() else None


def _without_home() -> Path:
    """Return the folder for a user without a home, who may be one of many: containers choose such user ids."""
    try:
        temporary = Path(tempfile.gettempdir()).absolute()
    except OSError:  # no folder for temporary files can be written to
        temporary = Path(os.sep, "tmp").absolute()
    return temporary / f"{_APP}-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting. Times in seconds, sizes in bytes."""

    # For everybody.
    api_key: str | None = setting(
        "REKA_API_KEY", _key, None, "API key for Reka. Without one, clips are cut on this computer."
    )
    base_url: str = setting(
        "REKA_BASE_URL", _base_url, DEFAULT_BASE_URL, "Address of the Clip API: Reka's, or an engine that you serve."
    )
    backend: Backend | None = setting(
        "REKA_CLIPS_BACKEND", one_of(*_BACKENDS), "auto", "`auto`: Reka if there is a key, otherwise `local`."
    )
    wait_seconds: float = setting(
        "REKA_CLIPS_WAIT_SECONDS", seconds(0, MAX_WAIT_SECONDS), 45.0, "How long a call waits for clips, 0 to 900."
    )
    timeout_seconds: float = setting(
        "REKA_CLIPS_TIMEOUT_SECONDS", seconds(1, 3600), 60.0, "How long one request to the Clip API may take."
    )
    save_dir: Path = setting(
        "REKA_CLIPS_SAVE_DIR", _folder, default_save_dir, "The only folder that `save_clip` writes to."
    )
    data_dir: Path = setting(
        "REKA_CLIPS_DATA_DIR", _folder, default_data_dir, "Where the engine keeps generations and clips."
    )
    confirm: bool = setting(
        "REKA_CLIPS_CONFIRM", guard, False, "`1`: ask the user before each creation that costs money."
    )
    log_level: LogLevel = setting(
        "REKA_CLIPS_LOG_LEVEL", one_of(*_LOG_LEVELS), "WARNING", "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`."
    )

    # For servers on the network (SSE and streamable HTTP); docs/operating.md has more on each.
    auth_token: str | None = setting("REKA_CLIPS_AUTH_TOKEN", _key, None, "The bearer token that callers must send.")
    oauth_issuer: str | None = setting(
        "REKA_CLIPS_OAUTH_ISSUER", _secure_url, None, "Issuer whose OAuth tokens are accepted, exactly as in `iss`."
    )
    oauth_audience: str | None = setting("REKA_CLIPS_OAUTH_AUDIENCE", str, None, "The `aud` that tokens must have.")
    oauth_jwks_url: str | None = setting(
        "REKA_CLIPS_OAUTH_JWKS_URL", _secure_url, None, "Address of the issuer's keys."
    )
    oauth_scopes: tuple[str, ...] = setting(
        "REKA_CLIPS_OAUTH_SCOPES", _words, (), "Scopes that a token must have, all of them."
    )
    public_url: str | None = setting(
        "REKA_CLIPS_PUBLIC_URL", _public_url, None, "The address that others use, such as `https://clips.example`"
    )
    allowed_hosts: tuple[str, ...] = setting(
        "REKA_CLIPS_ALLOWED_HOSTS", _words, (), "Further names that are accepted in the Host header."
    )
    allowed_origins: tuple[str, ...] = setting(
        "REKA_CLIPS_ALLOWED_ORIGINS", _words, (), "Web pages that may call, by their origin."
    )
    allow_unauthenticated: bool = setting(
        "REKA_CLIPS_ALLOW_OPEN_DOOR", switch, False, "`1`: serve others without authentication; a proxy checks callers."
    )
    trust_local_users: bool = setting(
        "REKA_CLIPS_TRUST_LOCAL_USERS",
        switch,
        False,
        "`1`: without a token or key, every user of this computer may read and save files.",
    )
    share_key: bool | None = setting(
        "REKA_CLIPS_SHARE_KEY", switch, None, "`1`: callers without a key of their own use `REKA_API_KEY`."
    )
    share_engine: bool | None = setting(
        "REKA_CLIPS_SHARE_ENGINE", switch, None, "`1`: callers may use the engine of this computer."
    )
    secret: str | None = setting(
        "REKA_CLIPS_SECRET", _secret, None, "Signs links to clips of the engine; the same for all workers."
    )
    link_seconds: float = setting(
        "REKA_CLIPS_LINK_SECONDS", seconds(60, 31 * 86400), 86400.0, "How long such a link works."
    )
    max_calls: int = setting("REKA_CLIPS_MAX_CALLS", whole(1, 100_000), 500, "Tool calls at once, per key.")
    max_sessions: int = setting(
        "REKA_CLIPS_MAX_SESSIONS", whole(1, 100_000), 2000, "Sessions at once, for each transport."
    )
    session_idle_seconds: float = setting(
        "REKA_CLIPS_SESSION_IDLE_SECONDS", seconds(10, 86400), 1800.0, "An unused session ends after this long."
    )
    max_body_bytes: int = setting(
        "REKA_CLIPS_MAX_BODY_BYTES", whole(65536, 64 * MEGABYTE), MEGABYTE, "The largest request."
    )

    # For the clip engine, embedded or served alone with `reka-clips-mcp engine`.
    ffmpeg: str | None = setting(
        "REKA_CLIPS_FFMPEG", _program, None, "The ffmpeg to use, as a path or a name on `PATH`."
    )
    speech: SpeechSetting = setting(
        "REKA_CLIPS_WHISPER_MODEL",
        SpeechSetting.parse,
        SpeechSetting(),
        "The speech model for captions: `auto` (tiny or base, fetched when it is first needed), a size such as "
        "`small`, the folder of a faster-whisper model, or `off`.",
    )
    engine_key: str | None = setting(
        "REKA_CLIPS_ENGINE_KEY", _key, None, "The key that callers of `reka-clips-mcp engine` must send."
    )
    engine_folders: tuple[Path, ...] = setting(
        "REKA_CLIPS_ENGINE_FOLDERS", _folders, (), "Folders from which callers of a served engine may read files."
    )
    engine_jobs: int = setting("REKA_CLIPS_ENGINE_JOBS", whole(1, 16), 1, "Generations it works on at once.")
    engine_idle_seconds: float = setting(
        "REKA_CLIPS_ENGINE_IDLE_SECONDS",
        seconds(1, 86400),
        60.0,
        "How long an embedded engine stays when it has nothing to do and nobody asks.",
    )
    engine_queue: int = setting(
        "REKA_CLIPS_ENGINE_QUEUE", whole(1, 1000), 20, "Generations that may wait or run; more are refused for now."
    )
    allow_private_sources: bool = setting(
        "REKA_CLIPS_ALLOW_PRIVATE_SOURCES", switch, False, "`1`: links may point into this machine's own network."
    )
    max_source_bytes: int = setting(
        "REKA_CLIPS_MAX_SOURCE_MB", megabytes, 4096 * MEGABYTE, "The largest source that is fetched."
    )
    keep_sources_bytes: int = setting(
        "REKA_CLIPS_KEEP_SOURCES_MB", megabytes, 10240 * MEGABYTE, "How much of fetched sources is kept for later use."
    )
    keep_sources_days: int = setting(
        "REKA_CLIPS_KEEP_SOURCES_DAYS", whole(0, 3650), 7, "How long they are kept after their last use."
    )
    keep_clips_bytes: int | None = setting(
        "REKA_CLIPS_KEEP_CLIPS_MB", megabytes, None, "Above this size the oldest clips are deleted."
    )
    keep_clips_days: int | None = setting(
        "REKA_CLIPS_KEEP_CLIPS_DAYS", whole(1, 3650), None, "Older clips are deleted."
    )

    problems: tuple[str, ...] = ()
    placeholders: tuple[str, ...] = ()
    """Variables that still hold a `${…}`; they count as not set."""

    @property
    def base_url_is_local(self) -> bool:
        """Whether REKA_BASE_URL names this very machine: then it is a served engine, which reads files."""
        return is_loopback(_host(self.base_url) or "")

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must never be shown."""
        values = (getattr(self, name) for name, variable in _VARIABLES.items() if variable.is_secret)
        return tuple(cast("str", value) for value in values if value)

    def problem_with(self, *variables: str) -> str | None:
        """Return the first problem with one of these variables (or prefixes of their names), or None."""
        return next((problem for problem in self.problems if problem.startswith(variables)), None)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, *, data_dir: str | None = None) -> Settings:
        """Read the settings; never raises.

        environ: `os.environ` unless given. data_dir: the value of the flag --data-dir, which may be a relative path.
        """
        environ = dict(os.environ if environ is None else environ)
        if data_dir is not None:
            environ["REKA_CLIPS_DATA_DIR"] = _from_here(data_dir)
        values: dict[str, Any] = {}
        problems: list[str] = []
        placeholders: list[str] = []
        for name, variable in _VARIABLES.items():
            text = unquoted(environ.get(variable.name, ""))
            if _UNFILLED.fullmatch(text):
                placeholders.append(variable.name)
            elif text:
                try:
                    values[name] = _parsed(variable, text)
                except ValueError as error:
                    values[name] = variable.fallback()
                    problems.append(f"{variable.name} {error}; {_effect(values[name])}.")
        settings = cls(**values, problems=tuple(problems), placeholders=tuple(placeholders))
        return settings._noting_homelessness()

    def _noting_homelessness(self) -> Settings:
        """Return the settings, with a problem for each folder that is a temporary one because there is no home."""
        if os.path.isabs(os.path.expanduser("~")):  # noqa: PTH111, PTH117 - Path.expanduser raises
            return self
        strays = [name for name in ("data_dir", "save_dir") if getattr(self, name).is_relative_to(_without_home())]
        told = [
            f"{_VARIABLES[name].name} should be set, since this user has no home folder; using {getattr(self, name)}."
            for name in strays
        ]
        return dataclasses.replace(self, problems=(*self.problems, *told))


_VARIABLES: Final[dict[str, Variable]] = {
    one.name: one.metadata["variable"] for one in dataclasses.fields(Settings) if "variable" in one.metadata
}
VARIABLES: Final = tuple(_VARIABLES.values())
"""Every variable, in the order of docs/settings.md."""
KNOWN_VARIABLES: Final = frozenset(variable.name for variable in VARIABLES)


def _parsed(variable: Variable, text: str) -> object:
    if is_placeholder(text):
        raise ValueError("holds a placeholder instead of a value")
    return variable.parse(text)


def _effect(value: object) -> str:
    if isinstance(value, bool):
        return f"it counts as {int(value)}"
    return "it counts as not set" if value in (None, ()) else "the default is used"


def unquoted(value: str) -> str:
    """Return the value without the quotes that some tools leave around what stands in an .env file."""
    value = value.strip()
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1].strip() if is_quoted else value


def _from_here(path: str) -> str:
    """Return a path of the command line as an absolute one, where the working directory still exists."""
    if path.startswith("~"):
        return path
    try:
        return os.path.abspath(path)  # noqa: PTH100 - Path.absolute keeps "..", which resolve would follow on disk
    except OSError:
        return path
