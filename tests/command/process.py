"""Starts the installed command and the scripted Clip API as processes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.request import Request, urlopen

COMMAND = str(Path(sys.executable).with_name("reka-clips-mcp"))
TESTS = Path(__file__).resolve().parents[1]
START_SECONDS = 150  # a cold start takes one; a busy machine takes its time
_LISTENS = re.compile(r"listening on (http://\S+?)(/mcp|/sse)\s")


def environment(settings: dict[str, str]) -> dict[str, str]:
    """Return this process's environment without any setting of ours, and then these. Engines do not stay for long."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REKA_")}
    return inherited | {"REKA_CLIPS_ENGINE_IDLE_SECONDS": "3"} | settings


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def blind_to_our_fonts(path: Path, ffmpeg: str) -> Path:
    """Write a program that is `ffmpeg`, but finds none of our caption fonts; return its path."""
    path.write_text(f'#!/bin/bash\nexec "{ffmpeg}" "${{@//font_files/no_files}}"\n')
    path.chmod(0o755)
    return path


class CommandProcess:
    """`reka-clips-mcp ARGUMENTS` while the `with` lasts. Settings are environment variables.

    url: `http://host:port`, once it listens (not on stdio). log: what it wrote to standard error so far.
    """

    def __init__(self, *arguments: str, program: Sequence[str] = (COMMAND,), **settings: str) -> None:
        self._argv = [*program, *arguments]
        self._settings = settings
        self._lines: list[str] = []
        self._told = threading.Condition()
        self._ended = False
        self.process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._argv,
            env=environment(self._settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(10)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            try:
                stream.close()
            except BrokenPipeError:
                continue

    @property
    def log(self) -> str:
        return "".join(self._lines)

    @property
    def url(self) -> str:
        return self.said(_LISTENS)[1]

    def said(self, pattern: re.Pattern[str] | str, *, seconds: float = START_SECONDS) -> re.Match[str]:
        """Wait until standard error holds a match; fail if it ends or the time is over before."""
        deadline = time.monotonic() + seconds
        with self._told:
            while not (match := re.search(pattern, self.log)):
                left = deadline - time.monotonic()
                assert left > 0, f"{pattern} not said in time; said: {self.log}"
                assert not self._ended, f"ended before {pattern}; said: {self.log}"
                self._told.wait(left)
        return match

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Send a signal, wait for the end, return the seconds it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        self.wait(20)
        return time.monotonic() - begun

    def wait(self, seconds: float) -> int:
        """Return the exit code."""
        code = self.process.wait(seconds)
        self._reader.join(10)
        return code

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._told:
                self._lines.append(line.decode("utf-8", "replace"))
                self._told.notify_all()
        with self._told:
            self._ended = True
            self._told.notify_all()


class ScriptedUpstream:
    """The scripted Clip API in a process of its own, ordered about over HTTP."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[ScriptedUpstream]:
        with subprocess.Popen(
            [sys.executable, "-m", "scripted_api"],
            cwd=TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            try:
                yield cls(f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}")
            finally:
                process.kill()

    def requests(self, method: str | None = None, *, containing: str = "") -> list[dict[str, Any]]:
        """Return the requests that arrived, of one method, whose body holds a text."""
        found = self._call("requests")
        return [r for r in found if method in (None, r["method"]) and containing in r["body"]]

    def generations(self) -> list[dict[str, Any]]:
        return self._call("generations")

    def set_stage(self, generation_id: str, status: str, **more: Any) -> None:
        """Move a generation to a stage. more: other fields of its snapshots from then on."""
        self._call("stage", {"id": generation_id, "status": status, "more": more})

    def use(self, scenario: str) -> None:
        """Give every creation from now on this scenario, unless its prompt names another."""
        self._call("default", {"name": scenario})

    def plant(self, *, key: str, url: str, prompt: str, age_seconds: float = 0) -> str:
        """Have a generation exist that goes on only as it is told, without a creation; return its id."""
        body = {"video_urls": [url], "prompt": prompt}
        return self._call("plant", {"key": key, "body": body, "age_seconds": age_seconds, "manual": True})["id"]

    def is_asked_for(self, containing: str) -> bool:
        """Whether a GET came for a generation whose prompt holds a text."""
        ids = [one["id"] for one in self.generations() if containing in one["prompt"]]
        return any(request["path"].endswith(one) for one in ids for request in self.requests("GET"))

    def forget(self) -> None:
        self._call("forget", {})

    def wait_for(self, method: str, *, containing: str = "", times: int = 1, seconds: float = 60) -> None:
        """Wait until so many such requests have arrived."""
        deadline = time.monotonic() + seconds
        while len(self.requests(method, containing=containing)) < times:
            assert time.monotonic() < deadline, f"no {times} {method} with {containing!r}"
            threading.Event().wait(0.02)

    def _call(self, what: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.base_url}/_admin/{what}"
        request = Request(url, data=data, method="GET" if data is None else "POST")  # noqa: S310 - our own upstream
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            return json.loads(answer.read())
