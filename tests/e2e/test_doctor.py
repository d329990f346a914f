"""The installed `reka-clips-mcp doctor` in broken situations: what it says, its exit code, and no key in any of it."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest

from command.process import COMMAND, blind_to_our_fonts, environment
from made_films import FFMPEG
from reka_clips import __version__
from scripted_api import SCENARIOS, ScriptedClipApi

KEY = "sk-planted-9f31c7"
SCHEMA = {
    "type": "object",
    "required": ["ok", "version", "checks"],
    "additionalProperties": False,
    "properties": {
        "ok": {"type": "boolean"},
        "version": {"type": "string"},
        "checks": {
            "type": "array",
            "minItems": 6,
            "items": {
                "type": "object",
                "required": ["check", "status", "message"],
                "additionalProperties": False,
                "properties": {
                    "check": {"type": "string"},
                    "status": {"enum": ["ok", "note", "problem", "skipped"]},
                    "message": {"type": "string", "minLength": 1},
                    "remedy": {"type": "string", "minLength": 1},
                },
            },
        },
    },
}


def run(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    defaults = {"REKA_CLIPS_DATA_DIR": str(folder / "data"), "REKA_CLIPS_SAVE_DIR": str(folder / "saved")}
    return subprocess.run(
        [COMMAND, *arguments],
        env=environment(defaults | settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def examined(folder: Path, **settings: str) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """Return the exit code and the findings by check; check what holds for every report."""
    ended = run("doctor", "--json", folder=folder, **settings)
    assert KEY not in ended.stdout + ended.stderr
    assert ended.stderr == "", "the report says it all"
    report = json.loads(ended.stdout)
    jsonschema.validate(report, SCHEMA)
    assert report["version"] == __version__
    assert ended.returncode == (0 if report["ok"] else 1)
    found: dict[str, list[dict[str, Any]]] = {}
    for check in report["checks"]:
        assert check["status"] != "problem" or check.get("remedy"), f"no remedy: {check}"
        found.setdefault(check["check"], []).append(check)
    return ended.returncode, found


def test_where_all_is_in_place_it_starts_the_engine_and_ends_with_0(tmp_path: Path) -> None:
    code, found = examined(tmp_path)
    assert code == 0
    assert found["engine"][0]["message"] == "the clip engine starts and answers"
    assert found["key"][0]["status"] == "skipped"


def test_as_text_it_ends_with_a_sentence_and_hides_the_key(tmp_path: Path) -> None:
    ended = run("doctor", folder=tmp_path, REKA_API_KEY=KEY, REKA_BASE_URL="http://127.0.0.1:9")
    assert ended.returncode == 1
    assert ended.stdout.rstrip().endswith("1 problem found.")
    assert KEY not in ended.stdout + ended.stderr


def test_without_an_ffmpeg_it_says_what_to_install(tmp_path: Path) -> None:
    code, found = examined(tmp_path, REKA_CLIPS_FFMPEG=str(tmp_path / "none"))
    assert code == 1
    assert "cannot be run" in found["ffmpeg"][0]["message"]
    assert "reka-clips-mcp[local]" in found["ffmpeg"][0]["remedy"]
    assert found["engine"][0]["status"] == "skipped"


def test_the_packages_own_ffmpeg_is_used_before_one_on_path_unless_a_setting_names_it(tmp_path: Path) -> None:
    (tmp_path / "ffmpeg").symlink_to(FFMPEG)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    _, found = examined(tmp_path, PATH=path)
    assert re.fullmatch(rf"ffmpeg \d+\.\S+, from the package: {re.escape(FFMPEG)}", found["ffmpeg"][0]["message"])
    _, found = examined(tmp_path, PATH=path, REKA_CLIPS_FFMPEG="ffmpeg")
    assert found["ffmpeg"][0]["message"].endswith(f"named by REKA_CLIPS_FFMPEG: {tmp_path / 'ffmpeg'}")


def test_what_a_client_left_in_the_place_of_a_key_is_named(tmp_path: Path) -> None:
    code, found = examined(tmp_path, REKA_API_KEY="$REKA_API_KEY", REKA_CLIPS_ALLOW_PRIVATE_SOURCES="disabled")
    assert code == 1
    assert [finding["message"] for finding in found["settings"]] == [
        "REKA_API_KEY holds a placeholder instead of a value; it counts as not set.",
        "REKA_CLIPS_ALLOW_PRIVATE_SOURCES must be 1 or 0 (or true, yes, on, false, no, off); it counts as 0.",
    ]
    _, found = examined(tmp_path, REKA_API_KEY="${REKA_API_KEY}")
    assert found["settings"][0]["status"] == "note"
    assert "REKA_API_KEY still holds a placeholder" in found["settings"][0]["message"]


def test_with_a_key_a_missing_ffmpeg_is_no_problem(tmp_path: Path) -> None:
    settings = {"REKA_API_KEY": KEY, "REKA_BASE_URL": "http://127.0.0.1:9", "REKA_CLIPS_FFMPEG": "/none"}
    _, found = examined(tmp_path, **settings)
    assert found["ffmpeg"][0]["status"] == "note"


def test_a_service_that_cannot_be_reached_is_told_apart_from_a_bad_key(tmp_path: Path) -> None:
    code, found = examined(tmp_path, REKA_API_KEY=KEY, REKA_BASE_URL="http://127.0.0.1:9")
    assert code == 1
    assert "could not be reached" in found["network"][0]["message"]
    assert "REKA_BASE_URL" in found["network"][0]["remedy"]
    assert found["key"][0] == {"check": "key", "status": "skipped", "message": "not checked: there was no answer"}


REFUSALS = [
    # the status and error that the Clip API answers with, the check that tells it, how bad it is, what to do
    (401, {"type": "authentication_error", "message": f"Bad key {KEY}"}, "key", "problem", "Make a new key"),
    (403, {"type": "permission_error", "message": "Not allowed"}, "key", "problem", "Make a new key"),
    (402, {"message": "P001: Insufficient Balance"}, "key", "problem", "Add credit"),
    (429, {"type": "rate_limit_error", "message": "Slow down"}, "key", "note", "Wait until"),
    (404, {"type": "not_found_error", "message": "No such path"}, "key", "problem", "REKA_BASE_URL"),
    (503, {}, "network", "problem", "try again"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: str(refusal[0]))
@pytest.mark.anyio
async def test_what_the_clip_api_answers_is_told_with_what_to_do(refusal: tuple[Any, ...], tmp_path: Path) -> None:
    status, error, check, kind, remedy = refusal
    async with ScriptedClipApi() as api:
        refusing = dataclasses.replace(SCENARIOS["normal"], on_list=lambda _, x: x.json(status, {"error": error}))
        api.plant({"video_urls": []}, key=KEY, scenario=refusing)
        settings = {"REKA_API_KEY": KEY, "REKA_BASE_URL": api.base_url}
        code, found = await anyio.to_thread.run_sync(lambda: examined(tmp_path, **settings))
        assert {request.method for request in api.requests} == {"GET"}, "nothing is spent"
    assert code == (1 if kind == "problem" else 0)
    assert found[check][0]["status"] == kind
    assert remedy in found[check][0]["remedy"]


@pytest.mark.anyio
async def test_a_key_that_is_accepted_is_told_with_what_is_left(tmp_path: Path) -> None:
    async with ScriptedClipApi() as api:
        settings = {"REKA_API_KEY": KEY, "REKA_BASE_URL": api.base_url}
        code, found = await anyio.to_thread.run_sync(lambda: examined(tmp_path, **settings))
        assert [request.query for request in api.requests] == [{"offset": "0", "limit": "1"}]
    assert code == 0
    assert found["key"][0]["message"] == "the key is accepted; 10 of 10 creations left"


def test_a_data_folder_that_cannot_be_written_to_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, found = examined(tmp_path, REKA_CLIPS_DATA_DIR=str(tmp_path / "file" / "data"))
    assert code == 1
    assert found["data folder"][0]["status"] == "problem"
    assert "REKA_CLIPS_DATA_DIR" in found["data folder"][0]["remedy"]


def test_settings_that_cannot_be_used_are_told_once_and_never_echoed(tmp_path: Path) -> None:
    settings = {"REKA_CLIPS_BACKEND": KEY, "REKA_CLIPS_WAIT_SECONDS": KEY, "REKA_CLIPS_WAITSECONDS": KEY}
    code, found = examined(tmp_path, **settings)
    assert code == 1
    assert [finding["status"] for finding in found["settings"]] == ["problem", "note"]
    assert found["settings"][1]["remedy"] == "Did you mean REKA_CLIPS_WAIT_SECONDS?"
    assert found["backend"][0]["remedy"] == "Set it to auto, reka or local."


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--version"], 0, f"reka-clips-mcp {__version__}\n"),
        (["--help"], 0, "examples:"),
        (["doctor", "--help"], 0, "--json"),
        (["--port", "x"], 2, "must be a whole number from 0 to 65535"),
        (["--port", "70000"], 2, "must be a whole number from 0 to 65535"),
        (["--transport", "carrier-pigeon"], 2, "streamable-http"),
        (["docter"], 2, "doctor"),
    ],
)
def test_the_command_line_says_what_it_takes(arguments: list[str], code: int, words: str, tmp_path: Path) -> None:
    ended = run(*arguments, folder=tmp_path)
    assert ended.returncode == code
    assert words in (ended.stdout if code == 0 else ended.stderr)
    assert "Traceback" not in ended.stderr


def test_it_asks_ffmpeg_which_caption_fonts_it_draws(tmp_path: Path) -> None:
    from reka_clips.engine.media.ffmpeg.process import find_ffmpeg

    _, found = examined(tmp_path)
    assert (found["fonts"][0]["status"], "4 families" in found["fonts"][0]["message"]) == ("ok", True)
    blind = blind_to_our_fonts(tmp_path / "ffmpeg", find_ffmpeg().path)
    _, found = examined(tmp_path, REKA_CLIPS_FFMPEG=str(blind))
    assert found["fonts"][0]["status"] == "note"
    assert "instead of Bangers" in found["fonts"][0]["message"]
    assert "REKA_CLIPS_FFMPEG" in found["fonts"][0]["remedy"]
