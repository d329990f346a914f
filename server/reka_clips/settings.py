"""The operator's settings: read once from the environment (flags win), then passed in.

Each field of `Settings` declares its variable, its default and its meaning, each in one place; docs/settings.md is
checked against them. An invalid value never stops the program: something safe is used instead, and `problems` says
so in a sentence that is printed at the start and by `doctor`.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from reka_clips.speech_setting import SpeechSetting
from reka_clips.variables import (
    MEGABYTE,
    Variable,
    folder_path,
    folder_paths,
    guard,
    header_word,
    host_of,
    http_address,
    https_address,
    is_loopback,
    is_placeholder,
    is_unfilled,
    long_secret,
    megabytes,
    one_of,
    program_name,
    public_address,
    seconds,
    setting,
    switch,
    unquoted,
    whole,
    word_list,
)

Backend = Literal["auto", "reka", "local"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

DEFAULT_BASE_URL: Final = "https://vision-agent.api.reka.ai"
MAX_WAIT_SECONDS: Final = 900

_APP: Final = "reka-clips-mcp"
_BACKENDS: Final = ("auto", "reka", "local")
_LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


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
        "REKA_API_KEY", header_word, None, "API key for Reka. Without one, clips are cut on this computer."
    )
    base_url: str = setting(
        "REKA_BASE_URL", http_address, DEFAULT_BASE_URL, "Address of the Clip API: Reka's, or an engine that you serve."
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
        "REKA_CLIPS_SAVE_DIR", folder_path, default_save_dir, "The only folder that `save_clip` writes to."
    )
    data_dir: Path = setting(
        "REKA_CLIPS_DATA_DIR", folder_path, default_data_dir, "Where the engine keeps generations and clips."
    )
    confirm: bool = setting(
        "REKA_CLIPS_CONFIRM", guard, False, "`1`: ask the user before each creation that costs money."
    )
    log_level: LogLevel = setting(
        "REKA_CLIPS_LOG_LEVEL", one_of(*_LOG_LEVELS), "WARNING", "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`."
    )

    # For servers on the network (SSE and streamable HTTP); docs/operating.md has more on each.
    auth_token: str | None = setting(
        "REKA_CLIPS_AUTH_TOKEN", header_word, None, "The bearer token that callers must send."
    )
    oauth_issuer: str | None = setting(
        "REKA_CLIPS_OAUTH_ISSUER", https_address, None, "Issuer whose OAuth tokens are accepted, exactly as in `iss`."
    )
    oauth_audience: str | None = setting("REKA_CLIPS_OAUTH_AUDIENCE", str, None, "The `aud` that tokens must have.")
    oauth_jwks_url: str | None = setting(
        "REKA_CLIPS_OAUTH_JWKS_URL", https_address, None, "Address of the issuer's keys."
    )
    oauth_scopes: tuple[str, ...] = setting(
        "REKA_CLIPS_OAUTH_SCOPES", word_list, (), "Scopes that a token must have, all of them."
    )
    public_url: str | None = setting(
        "REKA_CLIPS_PUBLIC_URL", public_address, None, "The address that others use, such as `https://clips.example`"
    )
    allowed_hosts: tuple[str, ...] = setting(
        "REKA_CLIPS_ALLOWED_HOSTS", word_list, (), "Further names that are accepted in the Host header."
    )
    allowed_origins: tuple[str, ...] = setting(
        "REKA_CLIPS_ALLOWED_ORIGINS", word_list, (), "Web pages that may call, by their origin."
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
        "REKA_CLIPS_SECRET", long_secret, None, "Signs links to clips of the engine; the same for all workers."
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
        "REKA_CLIPS_FFMPEG", program_name, None, "The ffmpeg to use, as a path or a name on `PATH`."
    )
    speech: SpeechSetting = setting(
        "REKA_CLIPS_WHISPER_MODEL",
        SpeechSetting.parse,
        SpeechSetting(),
        "The speech model for captions: `auto` (tiny or base, fetched when it is first needed), a size such as "
        "`small`, the folder of a faster-whisper model, or `off`.",
    )
    engine_key: str | None = setting(
        "REKA_CLIPS_ENGINE_KEY", header_word, None, "The key that callers of `reka-clips-mcp engine` must send."
    )
    engine_folders: tuple[Path, ...] = setting(
        "REKA_CLIPS_ENGINE_FOLDERS", folder_paths, (), "Folders from which callers of a served engine may read files."
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
        return is_loopback(host_of(self.base_url) or "")

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
            if is_unfilled(text):
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


def _from_here(path: str) -> str:
    """Return a path of the command line as an absolute one, where the working directory still exists."""
    if path.startswith("~"):
        return path
    try:
        return os.path.abspath(path)  # noqa: PTH100 - Path.absolute keeps "..", which resolve would follow on disk
    except OSError:
        return path
