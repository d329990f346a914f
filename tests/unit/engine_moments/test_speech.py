"""The speech model: what is said where it is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from made_footage import cue, footage
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.media.find_moments import MomentFinder
from reka_clips.engine.media.progress import Progress
from reka_clips.engine.media.select.planning import SelectionOptions
from reka_clips.engine.media.sources import AnalyzedSource
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


def told(*films: AnalyzedSource, prompt: str = "", captions: bool = True, model: Path | None = None) -> str | None:
    """Return what is said of films without text."""
    ffmpeg = Ffmpeg("ffmpeg", (9,), frozenset())
    wish, progress = SelectionOptions(prompt=prompt), Progress(lambda _stage, _share: None)
    finder = MomentFinder(ffmpeg, wish, None, Path("scratch"), progress, speech_model=model)
    return finder.why_wordless(films, wants_captions=captions)


def test_a_note_on_missing_text_says_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    film = footage(60, loud=[])
    assert told(film, prompt="the volcano") == (
        "The clips have no captions and the prompt had no effect: the video has no subtitles, and speech recognition "
        "is off. To get text, put a .srt, .vtt or .ass file of the same name beside the video and make the same call "
        f"again, or install faster-whisper ({speech.INSTALL_COMMAND}) and set REKA_CLIPS_WHISPER_MODEL to the folder "
        "of a faster-whisper model, then restart the server."
    )
    assert told(film, captions=False) is None
    assert told(footage(60, loud=[], cues=[cue(1, 2, "Hello.")]), prompt="the volcano") is None


def test_a_note_on_missing_text_names_only_what_would_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    linked = told(footage(60, loud=[], url="https://films.example/harbour.mp4"))
    assert linked is not None
    assert "beside" not in linked, "nobody can put a file beside a link"
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    (tmp_path / "faster_whisper.py").write_text("")
    monkeypatch.delitem(sys.modules, "faster_whisper", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    heard = told(footage(60, loud=[]), model=tmp_path)
    assert heard is not None
    assert "no speech was recognised in it" in heard
    assert "WHISPER" not in heard, "it is set"
    silent = told(footage(60))
    assert silent is not None
    assert silent.startswith("The clips have no captions: the video has no subtitles and no sound. To get text, put")
    assert "WHISPER" not in silent
