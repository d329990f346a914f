"""`reka-clips-mcp engine`: the clip engine alone, or embedded in a server that started it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

import anyio

from reka_clips.errors import ConfigurationError, EngineMissingError
from reka_clips.settings import is_loopback

if TYPE_CHECKING:
    import argparse

    from reka_clips.settings import Settings
    from reka_clips.web.server import Server

_EXIT_FAILED: Final = 1
_EXIT_USAGE: Final = 2
_LAST_RESORT_SECONDS: Final = 4.5
_MAX_KEY_BYTES: Final = 4096
_GUARDING_SETTINGS: Final = ("REKA_CLIPS_ENGINE_", "REKA_CLIPS_SECRET", "REKA_CLIPS_MAX_SOURCE_MB")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the command; return its exit code: 0 fine, 1 it failed, 2 it was called wrongly."""
    try:
        if arguments.status:
            from reka_clips.engine.status_report import overview, text

            told = overview(settings)
            print(json.dumps(told, indent=2) if arguments.json else text(told))
            return 0
        if arguments.embedded:
            return _run_embedded(settings, public_url=arguments.public_url)
        return _run_alone(settings, host=arguments.host, port=arguments.port, public_url=arguments.public_url)
    except ConfigurationError as error:
        print(f"reka-clips-mcp: {error}", file=sys.stderr)
        if arguments.embedded:  # for the process that waits for the port
            print(json.dumps({"error": str(error), "is_missing": isinstance(error, EngineMissingError)}), flush=True)
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
            on_ready=ready,
        )
    )
    return 0


def _public_url_problem(public_url: str | None) -> str | None:
    if public_url is None or re.fullmatch(r"https?://[\w.:\[\]-]+(/[\w./~-]*)?", public_url, re.ASCII | re.IGNORECASE):
        return None
    return "--public-url must be the address that others use, such as https://clips.example"


def _run_embedded(settings: Settings, *, public_url: str | None) -> int:
    """Serve the process that started this one: it sends key and port first, and its end ends the engine."""
    from reka_clips.engine.http import server

    try:
        told = json.loads(_first_line(sys.stdin.fileno()))
        api_key, port = str(told["key"]), int(told["port"])
    except (ValueError, KeyError, TypeError):
        print("reka-clips-mcp: --embedded is for reka-clips-mcp itself; leave it out.", file=sys.stderr)
        return _EXIT_USAGE
    listener = server.bind("127.0.0.1", port)

    def ready(running: Server) -> None:
        threading.Thread(target=_stop_with_parent, args=(running,), daemon=True).start()
        print(json.dumps({"port": listener.getsockname()[1]}), flush=True)

    anyio.run(
        lambda: server.serve(
            settings,
            listener=listener,
            api_key=api_key,
            serves_others=public_url is not None,
            public_url=public_url,
            on_ready=ready,
            # Who has the key is the same engine, also when it had to be started again.
            owner=hashlib.sha256(f"owner {api_key}".encode()).hexdigest()[:16],
        )
    )
    return 0


def _first_line(descriptor: int) -> str:
    line = bytearray()
    while not line.endswith(b"\n") and len(line) < _MAX_KEY_BYTES:
        byte = os.read(descriptor, 1)
        if not byte:
            return ""
        line += byte
    return line.decode("ascii", "replace").strip()


def _stop_with_parent(running: Server) -> None:
    """Stop when stdin closes, as it does when the process that started this one is gone, however it went."""
    # Straight from the descriptor: a thread that waits inside sys.stdin would trouble the interpreter's end.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    running.stop()
    time.sleep(_LAST_RESORT_SECONDS)
    os._exit(_EXIT_FAILED)  # something hangs; the process must not outlive its parent
