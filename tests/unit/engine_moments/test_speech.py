"""The speech model: what is said where it is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.media.text import speech


def test_without_a_setting_there_is_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(speech.MODEL_SETTING, raising=False)
    assert speech.find_model() is None


@pytest.mark.parametrize(
    ("kind", "missing"),
    [("missing", "model.bin"), ("file", "model.bin"), ("empty", "model.bin"), ("half", "tokenizer.json")],
)
def test_a_folder_without_a_model_is_told_with_the_name_of_the_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, missing: str
) -> None:
    place = tmp_path / "model"
    if kind == "file":
        place.write_text("x")
    if kind in ("empty", "half"):
        place.mkdir()
    if kind == "half":
        (place / "model.bin").write_bytes(b"weights")
    monkeypatch.setenv(speech.MODEL_SETTING, str(place))
    with pytest.raises(MediaError, match=f"REKA_CLIPS_WHISPER_MODEL names no folder .*: {missing} is not in it"):
        speech.find_model()
