"""Fetching a speech model: from a hub on loopback, through faster-whisper's own loader, in processes of their own."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from model_hub import Hub, model_hub

pytest.importorskip("faster_whisper", reason="the extra captions is not installed")

FETCH = """
import json, sys
from pathlib import Path
from reka_clips.engine.media.text.speech_model import ModelUnavailableError, SpeechModels
told = []
try:
    folder = SpeechModels(Path(sys.argv[1])).fetch("tiny.en", report=told.append)
    print(json.dumps({"folder": str(folder), "told": told}))
except ModelUnavailableError as error:
    print(json.dumps({"error": str(error), "told": told}))
"""
MODEL: dict[str, bytes] = {
    "model.bin": random.Random(1).randbytes(24_000_000),  # noqa: S311 - any bytes
    "config.json": b"{}",
    "tokenizer.json": b'{"version": "1.0"}',
    "vocabulary.txt": b"a\nb\n",
}


def environment(endpoint: str, home: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("HF_")
    }
    return kept | {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DOWNLOAD_TIMEOUT": "3"}


def start(folder: Path, endpoint: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-c", FETCH, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(endpoint, folder / "home"),
    )


def end_of(process: subprocess.Popen[str]) -> Mapping[str, str]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def fetched(folder: Path, hub: Hub) -> Mapping[str, str]:
    return end_of(start(folder, hub.address))


def test_a_model_is_fetched_whole_with_progress_and_then_found_without_the_hub(tmp_path: Path) -> None:
    with model_hub(MODEL) as hub:
        first = fetched(tmp_path, hub)
    assert (Path(first["folder"]) / "model.bin").read_bytes() == MODEL["model.bin"]
    assert first["told"][0].startswith("fetching the speech model, 0 of ")
    with model_hub({}) as hub:
        assert fetched(tmp_path, hub)["folder"] == first["folder"]
        assert hub.downloads == []


def test_a_download_that_breaks_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with model_hub(MODEL, break_at=20_000_000) as hub:
        first = fetched(tmp_path, hub)
    assert (Path(first["folder"]) / "model.bin").read_bytes() == MODEL["model.bin"]
    starts = [int(asked.removeprefix("bytes=").partition("-")[0]) for asked in hub.ranges]
    assert any(0 < at <= 20_000_000 for at in starts), hub.ranges


def test_without_the_hub_and_without_a_model_there_is_one_sentence(tmp_path: Path) -> None:
    with model_hub(MODEL) as hub:
        gone = hub.address
    answer = end_of(start(tmp_path, gone))
    assert answer["error"] == (
        "The speech model could not be fetched: the model hub cannot be reached. Captions from speech need it once; "
        "with a connection, run: reka-clips-mcp captions --get-model tiny.en"
    )


def test_wrong_bytes_are_removed_and_the_next_call_fetches_the_right_ones(tmp_path: Path) -> None:
    with model_hub(MODEL, wrong="model.bin") as hub:
        answer = fetched(tmp_path, hub)
    assert answer["error"].startswith(
        "The speech model arrived damaged (model.bin is not what the model hub announced)"
    )
    with model_hub(MODEL) as hub:
        assert (Path(fetched(tmp_path, hub)["folder"]) / "model.bin").read_bytes() == MODEL["model.bin"]


def test_two_processes_fetch_a_model_once(tmp_path: Path) -> None:
    with model_hub(MODEL) as hub:
        both = [start(tmp_path, hub.address) for _ in range(2)]
        answers = [end_of(process) for process in both]
    assert answers[0]["folder"] == answers[1]["folder"]
    assert hub.downloads.count("model.bin") == 1


def captions(folder: Path, endpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "reka_clips", "captions", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment(endpoint, folder / "home") | {"REKA_CLIPS_DATA_DIR": str(folder)},
    )


def test_the_command_fetches_a_model_and_then_lists_it(tmp_path: Path) -> None:
    with model_hub(MODEL) as hub:
        ran = captions(tmp_path, hub.address, "--get-model", "tiny.en")
        assert (ran.returncode, "The speech model tiny.en is ready" in ran.stdout) == (0, True), ran.stderr
        assert "fetching the speech model, " in ran.stderr
    assert "Speech models on this machine: tiny.en." in captions(tmp_path, "http://127.0.0.1:9").stdout


def test_the_command_names_the_sizes_for_an_unknown_one(tmp_path: Path) -> None:
    ran = captions(tmp_path, "http://127.0.0.1:9", "--get-model", "gigantic")
    assert ran.returncode == 1
    assert ran.stderr.startswith("There is no speech model gigantic; there are tiny, tiny.en, base,")
