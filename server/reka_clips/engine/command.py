"""`reka-clips-mcp engine`: the clip engine alone, or embedded in a server that started it."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import secrets
import sys
import time
from typing import TYPE_CHECKING, Final

import anyio

from reka_clips.engine.service.paths import Folders
from reka_clips.errors import ConfigurationError, EngineMissingError
from reka_clips.variables import is_loopback

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from reka_clips.engine.service.models import JobRecord
    from reka_clips.settings import Settings
    from reka_clips.web.server import Server

_EXIT_FAILED: Final = 1
_EXIT_USAGE: Final = 2
_STOP_SECONDS: Final = 6.0
_LOOK_SECONDS: Final = 0.05
_MAX_LOG_BYTES: Final = 1024 * 1024
_SHOWN: Final = 20
_GUARDING_SETTINGS: Final = ("REKA_CLIPS_ENGINE_", "REKA_CLIPS_SECRET", "REKA_CLIPS_MAX_SOURCE_MB")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the command; return its exit code: 0 fine, 1 it failed, 2 it was called wrongly."""
    if arguments.worker:
        from reka_clips.engine.worker import main as worker

        return worker.run()
    try:
        if arguments.status:
            return _show_status(settings, as_json=arguments.json)
        if arguments.stop:
            return _stop(settings)
        if arguments.embedded:
            return _run_embedded(settings)
        return _run_alone(settings, host=arguments.host, port=arguments.port, public_url=arguments.public_url)
    except ConfigurationError as error:
        print(f"reka-clips-mcp: {error}", file=sys.stderr)
        if arguments.embedded:  # for the process that waits for it
            _tell({"error": str(error), "is_missing": isinstance(error, EngineMissingError)})
        return _EXIT_FAILED


def _run_alone(settings: Settings, *, host: str, port: int, public_url: str | None) -> int:
    from reka_clips.engine.http import server

    serves_others = public_url is not None or not is_loopback(host)
    problem = settings.problem_with(*_GUARDING_SETTINGS) or _public_url_problem(public_url)
    if problem is None and serves_others and settings.engine_key is None:
        problem = (
            f"Others could reach the engine at {public_url or host}, and nothing guards it. Set REKA_CLIPS_ENGINE_KEY "
            "to a long random word that callers must send, or listen on 127.0.0.1"
        )
    if problem is not None:
        print(f"reka-clips-mcp: {problem.rstrip('.')}.", file=sys.stderr)
        return _EXIT_USAGE
    if settings.engine_key is None and not settings.trust_local_users:
        print(
            "reka-clips-mcp: Every user of this computer can call the engine, so it reads no file:// sources. For "
            "those, set REKA_CLIPS_ENGINE_KEY, or start it with --trust-local-users if nobody else uses this computer.",
            file=sys.stderr,
            flush=True,
        )
    listener = server.bind(host, port)

    def ready(_: Server) -> None:
        name = f"[{host}]" if ":" in host else host
        print(f"The clip engine listens on http://{name}:{listener.getsockname()[1]}", flush=True)

    anyio.run(
        lambda: server.serve(
            settings,
            listener=listener,
            api_key=settings.engine_key,
            serves_others=serves_others,
            public_url=public_url,
            is_embedded=False,
            on_ready=ready,
        )
    )
    return 0


def _public_url_problem(public_url: str | None) -> str | None:
    if public_url is None or re.fullmatch(r"https?://[\w.:\[\]-]+(/[\w./~-]*)?", public_url, re.ASCII | re.IGNORECASE):
        return None
    return "--public-url must be the address that others use, such as https://clips.example"


def _run_embedded(settings: Settings) -> int:
    """Serve the servers of this data folder, of which one started this process, until they need it no more."""
    from reka_clips.engine.http import server
    from reka_clips.engine.owner import FolderOwnedError

    folders = Folders.of(settings.data_dir)

    def ready(_: Server) -> None:
        _tell({"ready": True})
        _turn_to_log(folders.log)
        with contextlib.suppress(OSError):  # the folder that the server was started in may be wanted away
            os.chdir(folders.root)

    try:
        anyio.run(
            lambda: server.serve(
                settings,
                listener=server.bind("127.0.0.1", 0),
                api_key=secrets.token_urlsafe(32),
                serves_others=False,
                public_url=None,
                is_embedded=True,
                on_ready=ready,
            )
        )
    except FolderOwnedError:  # another server was quicker
        _tell({"ready": False})
    return 0


def _tell(what: dict[str, object]) -> None:
    with contextlib.suppress(OSError):  # who started this process is gone
        print(json.dumps(what), flush=True)


def _turn_to_log(path: Path) -> None:
    """Write what is said from now on to a file: the server that started this process, and its pipes, may end sooner."""
    with contextlib.suppress(OSError):
        is_long = path.exists() and path.stat().st_size > _MAX_LOG_BYTES
        log = os.open(path, os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if is_long else os.O_APPEND), 0o600)
        sys.stdout.flush()
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log, stream.fileno())
        os.close(log)


def _show_status(settings: Settings, *, as_json: bool) -> int:
    """Print which engine owns the data folder, and its newest generations, whether it runs or not."""
    from reka_clips.engine.http.serializers import page
    from reka_clips.engine.owner import find_owner
    from reka_clips.engine.store.sqlite import JobStore

    folders = Folders.of(settings.data_dir)
    owner = find_owner(folders.root)
    jobs: list[JobRecord] = []
    if folders.database.exists():
        with JobStore(folders.database) as store:
            jobs = store.page(limit=_SHOWN)
    items = page(jobs)["items"]
    if as_json:
        engine = None if owner is None else {"url": owner.base_url, "pid": owner.pid}
        print(json.dumps({"folder": str(folders.root), "engine": engine, "items": items}, indent=2))
        return 0
    print(f"Folder:  {folders.root}")
    print("Engine:  " + ("not running" if owner is None else f"running at {owner.base_url}, process {owner.pid}"))
    for item in items:
        print(f"{item['id']}  {item['status']:13}  {item['clip_count']:2} clips  {item['created_at']}")
        if "error_message" in item:
            print(f"    {item['error_message']}")
    return 0


def _stop(settings: Settings) -> int:
    """End the engine that owns the data folder; what it works on waits for the next one."""
    from reka_clips.engine.owner import find_owner, is_owned

    root = Folders.of(settings.data_dir).root
    owner = find_owner(root)
    if owner is None:
        print("No engine is running.")
        return 0
    if not owner.is_near:
        print(
            f"reka-clips-mcp: The engine runs on another machine or in another container: {owner.machine}.",
            file=sys.stderr,
        )
        return _EXIT_FAILED
    owner.end()
    deadline = time.monotonic() + _STOP_SECONDS
    while is_owned(root):
        if time.monotonic() > deadline:
            owner.end(at_once=True)
            deadline = math.inf
        time.sleep(_LOOK_SECONDS)
    print(f"The engine (process {owner.pid}) has ended.")
    return 0
