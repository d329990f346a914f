"""The speech model: what is said where it is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from reka_clips.engine.media.text import speech


@pytest.mark.parametrize(
    ("kind", "missing"),
    [("missing", "model.bin"), ("file", "model.bin"), ("empty", "model.bin"), ("half", "config.json")],
)
def test_a_folder_without_a_model_is_told_with_the_name_of_the_setting(tmp_path: Path, kind: str, missing: str) -> None:
    place = tmp_path / "model"
    if kind == "file":
        place.write_text("x")
    if kind in ("empty", "half"):
        place.mkdir()
    if kind == "half":
        (place / "model.bin").write_bytes(b"weights")
    problem = speech.problem_with_model(place)
    assert problem == f"REKA_CLIPS_WHISPER_MODEL names no folder with a faster-whisper model: {missing} is not in it."
    assert "set REKA_CLIPS_WHISPER_MODEL to the folder" in speech.remedy(place)


def test_the_remedy_names_the_steps_that_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (model / name).write_bytes(b"{}")
    monkeypatch.setitem(sys.modules, "faster_whisper", None)  # as if it were not installed
    assert speech.problem_with_model(model) == "REKA_CLIPS_WHISPER_MODEL is set, but faster-whisper is not installed."
    assert speech.remedy(model).startswith('install faster-whisper (pip install "reka-clips-mcp[captions]"), then')
    assert "faster-whisper (pip" in speech.remedy(None)
    assert "set REKA_CLIPS_WHISPER_MODEL" in speech.remedy(None)
    (tmp_path / "faster_whisper.py").write_text("")
    monkeypatch.delitem(sys.modules, "faster_whisper")
    monkeypatch.syspath_prepend(tmp_path)  # as if it were installed
    assert speech.problem_with_model(model) is None
    assert speech.remedy(None).startswith("set REKA_CLIPS_WHISPER_MODEL")
