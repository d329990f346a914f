"""Planted secrets are hunted wherever a run leaves something that somebody may read."""

from __future__ import annotations

import gc
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from command import CommandProcess
from command.process import COMMAND, environment
from made_films.plain import write_plain_film
from reka_clips import logs
from reka_clips.contract import CreateRequest
from reka_clips.mcp_server.app import build_server
from reka_clips.mcp_server.context import AppContext
from reka_clips.mcp_server.http.app import HttpApp
from reka_clips.mcp_server.http.policy import policy_for
from reka_clips.settings import Settings
from scripted_api import ScriptedClipApi
from secret_hunt import CALLERS_KEY, PLANTED, SECRETS, arguments_of, environment_of, found_below, found_in

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]


@pytest.mark.parametrize("form", ["x {}", "{}=", "'{}'", "https://{}@host/", "%22{}%22"])
def test_the_hunt_finds_what_it_hunts(form: str):
    for secret in PLANTED:
        assert found_in(form.format(secret)) == [secret]
        assert found_in(form.format(secret[::-1])) == [secret]
        assert found_in(secret.encode().hex()) == [secret]
    assert found_in("nothing of that kind") == []


async def test_no_object_shows_a_secret_when_it_is_printed(tmp_path: Path):
    """Whatever a debugger, a traceback or an assertion prints: every object of ours that is alive in a busy server."""
    async with ScriptedClipApi() as api:
        settings = Settings.from_environment(
            SECRETS | {"REKA_BASE_URL": api.base_url, "REKA_CLIPS_DATA_DIR": str(tmp_path)}
        )
        site = HttpApp(settings, policy_for(settings, host="127.0.0.1"))
        async with AppContext(settings) as runtime:
            server = build_server(runtime, secret=settings.secret)
            account = await runtime.account({"x-reka-api-key": CALLERS_KEY})
            own = await runtime.account()
            request = CreateRequest(video_urls=("https://example.com/film.mp4",))
            jobs = [await runtime.manager.create(one, request).job() for one in (account, own)]
            shown = 0
            for thing in gc.get_objects():
                if str(type(thing).__module__).split(".")[0] == "reka_clips":
                    assert not found_in(f"{thing!r} {thing!s}"), type(thing)
                    shown += 1
            assert shown > 30
            assert jobs
            assert server
            assert site
    keys = {request.headers["x-api-key"] for request in api.requests}
    assert keys == {CALLERS_KEY, SECRETS["REKA_API_KEY"]}
    assert not any(found_in(f"{one.path} {one.query} {one.body}") for one in api.requests)


async def test_the_embedded_engine_gets_no_secret_and_its_own_is_in_one_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    film = write_plain_film(tmp_path / "film.mp4", seconds=12)
    settings = Settings.from_environment(
        SECRETS | {"REKA_CLIPS_DATA_DIR": str(tmp_path / "data"), "REKA_CLIPS_BACKEND": "local"}
    )
    async with AppContext(settings) as runtime:
        account = await runtime.account()
        engine = runtime._engine
        assert engine is not None
        assert engine.pid is not None
        hunted = (*PLANTED, engine.api_key)
        request = CreateRequest.model_validate(
            {"video_urls": [film.as_uri()], "rendering_config": {"resolution": "240", "subtitles": False}}
        )
        job = await runtime.manager.create(account, request).job()
        assert [state.stage async for state in job.follow()][-1] in ("completed", "failed")
        assert not found_in(arguments_of(engine.pid), hunted)
        inherited = environment_of(engine.pid)
        assert not set(SECRETS) & {name.decode() for name in inherited}
        assert not found_in(b"\n".join(inherited.values()), hunted)
    folder = tmp_path / "data" / "engine"
    assert (folder / "jobs.sqlite3").stat().st_size > 0
    # By this file other servers of the same person find the engine, see `engine.owner`.
    told = folder / "owner.json"
    assert os.name == "nt" or not told.exists() or told.stat().st_mode & 0o077 == 0
    assert set(found_below(tmp_path, hunted)) <= {str(told)}
    assert not found_below(tmp_path)
    assert not found_in(caplog.text, hunted)


WRONG: list[dict[str, str]] = [
    {"REKA_CLIPS_AUTH_TOKEN": f"two words {CALLERS_KEY}"},
    {"REKA_CLIPS_SECRET": "planted-too-short"},
    {"REKA_BASE_URL": f"https://user:{CALLERS_KEY}@api.example"},
    {"REKA_CLIPS_PUBLIC_URL": f"https://user:{CALLERS_KEY}@clips.example"},
    {"REKA_CLIPS_OAUTH_ISSUER": f"https://user:{CALLERS_KEY}@id.example"},
    {"REKA_CLIPS_WAIT_SECONDS": CALLERS_KEY},
    {"REKA_CLIPS_BACKEND": CALLERS_KEY},
    {"REKA_API_KEY": f"a key with spaces {CALLERS_KEY}"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: next(iter(wrong)))
def test_settings_that_are_wrong_are_named_without_their_value(wrong: dict[str, str], tmp_path: Path):
    environ = SECRETS | {"REKA_CLIPS_DATA_DIR": str(tmp_path)} | wrong
    settings = Settings.from_environment(environ)
    said = f"{settings!r} {settings.problems}"
    assert not found_in(said, (*PLANTED, "planted-too-short")), said
    for host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 - not bound
        policy = policy_for(settings, host=host)
        assert not found_in(f"{policy}")


def test_the_doctor_shows_none(tmp_path: Path):
    settings = SECRETS | {"REKA_BASE_URL": "http://127.0.0.1:9", "REKA_CLIPS_DATA_DIR": str(tmp_path / "data")}
    for arguments in (["doctor"], ["doctor", "--json"]):
        done = subprocess.run(
            [COMMAND, *arguments], env=environment(settings), capture_output=True, text=True, timeout=120, check=False
        )
        assert len(done.stdout) > 100
        assert not found_in(done.stdout + done.stderr)


def test_a_call_with_everything_wrong_and_a_key_in_it_is_not_repeated_in_the_log(tmp_path: Path):
    """An agent that puts a key where none belongs: the log does not keep it, and no answer explains with it."""
    settings = SECRETS | {"REKA_CLIPS_LOG_LEVEL": "DEBUG", "REKA_CLIPS_DATA_DIR": str(tmp_path)}
    opening = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    key = SECRETS["REKA_API_KEY"]
    calls: list[dict[str, Any]] = [
        {"name": "create_clips", "arguments": {"video_urls": [f"https://u:{key}@host/a.mp4"]}},
        {"name": "create_clips", "arguments": {"video_urls": ["https://host/a.mp4"], "api_key": key}},
        {"name": "get_clip_status", "arguments": {"id": key}},
        {"name": key, "arguments": {}},
    ]
    with CommandProcess(**settings) as server:
        stdin, stdout = server.process.stdin, server.process.stdout
        assert stdin is not None
        assert stdout is not None
        messages: list[dict[str, Any]] = [{"id": 0, "method": "initialize", "params": opening}]
        messages.append({"method": "notifications/initialized"})
        messages += [{"id": number, "method": "tools/call", "params": call} for number, call in enumerate(calls, 1)]
        for message in messages:
            stdin.write(json.dumps({"jsonrpc": "2.0"} | message).encode() + b"\n")
        stdin.flush()
        answered = 0
        while answered <= len(calls):
            answered += b'"id":' in stdout.readline()
        stdin.close()
        assert server.wait(60) == 0
        assert "DEBUG" in server.log
        assert not found_in(server.log)


def test_an_exception_in_the_log_keeps_no_secret(capsys: pytest.CaptureFixture[str]):
    """What a library raises may hold what it was given; the traceback is cleaned as text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logs.SecretlessFormatter("%(message)s", SECRETS.values()))
    log = logging.getLogger("planted.exceptions")
    log.addHandler(handler)
    log.propagate = False
    try:
        for secret in SECRETS.values():
            try:
                raise ValueError(f"cannot use {secret}", {"X-Api-Key": CALLERS_KEY})  # noqa: TRY301 - what a library does
            except ValueError:
                log.exception("It failed with %s", secret)
    finally:
        log.removeHandler(handler)
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert not found_in(said)
