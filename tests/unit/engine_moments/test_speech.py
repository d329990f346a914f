"""The speech model: what is said where it is missing, and how words are put together."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import pytest

from made_footage import cue, footage
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.media.find_moments import MomentFinder
from reka_clips.engine.media.progress import Progress
from reka_clips.engine.media.select.planning import SelectionOptions
from reka_clips.engine.media.sources import AnalyzedSource
from reka_clips.engine.media.text import speech
from reka_clips.engine.media.text.speech import Recognizer
from reka_clips.speech_setting import SpeechSetting


@pytest.mark.parametrize(
    ("kind", "missing"),
    [("missing", "model.bin"), ("file", "model.bin"), ("empty", "model.bin"), ("half", "config.json")],
)
def test_a_folder_without_a_model_is_told_with_the_name_of_the_setting(tmp_path: Path, kind: str, missing: str) -> None:
    pytest.importorskip("faster_whisper", reason="the extra captions is not installed")
    place = tmp_path / "model"
    if kind == "file":
        place.write_text("x")
    if kind in ("empty", "half"):
        place.mkdir()
    if kind == "half":
        (place / "model.bin").write_bytes(b"weights")
    recognizer = Recognizer(SpeechSetting(None, place), tmp_path)
    assert recognizer.problem() == (
        f"REKA_CLIPS_WHISPER_MODEL names no folder with a faster-whisper model: {missing} is not in it."
    )
    assert recognizer.remedy() == "set REKA_CLIPS_WHISPER_MODEL to auto, then restart the server"


def test_the_remedy_names_the_steps_that_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    off, auto = Recognizer(SpeechSetting(None), tmp_path), Recognizer(SpeechSetting(), tmp_path)
    monkeypatch.setitem(sys.modules, "faster_whisper", None)  # as if it were not installed
    assert auto.problem() == "Speech recognition needs the package faster-whisper, which is not installed."
    install = 'install faster-whisper (pip install "reka-clips-mcp[captions]")'
    assert auto.remedy() == f"{install}, then restart the server"
    assert off.remedy() == f"{install} and set REKA_CLIPS_WHISPER_MODEL to auto, then restart the server"
    (tmp_path / "faster_whisper.py").write_text("")
    monkeypatch.delitem(sys.modules, "faster_whisper")
    monkeypatch.syspath_prepend(tmp_path)  # as if it were installed
    assert auto.problem() is None
    assert auto.state().endswith("is fetched when it is first needed.")
    assert off.problem() == "Speech recognition is off."
    assert off.remedy() == "set REKA_CLIPS_WHISPER_MODEL to auto, then restart the server"


def test_words_are_put_together_as_they_are_written() -> None:
    def at(number: int) -> tuple[Fraction, Fraction]:
        return Fraction(number, 10), Fraction(number + 1, 10)

    heard = [" It", " weighs", " 7", ".8", " grams", ",", " or", " 10", "%"]
    words = speech._glued((*at(number), text) for number, text in enumerate(heard))
    assert [word.text for word in words] == ["It", "weighs", "7.8", "grams,", "or", "10%"]
    assert (words[2].start, words[2].end) == (Fraction(2, 10), Fraction(4, 10))
    spoken = speech._glued((*at(number), text) for number, text in enumerate(["今", "日", "は"]))
    assert [word.text for word in spoken] == ["今", "日", "は"]


def told(*films: AnalyzedSource, prompt: str = "", captions: bool = True, setting: str = "auto") -> str | None:
    """Return what is said of films without text."""
    ffmpeg = Ffmpeg("ffmpeg", (9,), frozenset())
    wish, progress = SelectionOptions(prompt=prompt), Progress(lambda _stage, _share: None)
    heard_by = Recognizer(SpeechSetting.parse(setting), Path("data"))
    finder = MomentFinder(ffmpeg, wish, None, Path("scratch"), progress, speech=heard_by)
    return finder.why_wordless(films, wants_captions=captions)


def test_a_note_on_missing_text_says_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    film = footage(60, loud=[])
    assert told(film, prompt="the volcano") == (
        "The clips have no captions and the prompt had no effect: the video has no subtitles, and speech recognition "
        "is off. To get text, put a .srt, .vtt or .ass file of the same name beside the video and make the same call "
        f"again, or install faster-whisper ({speech.INSTALL_COMMAND}), then restart the server."
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
    heard = told(footage(60, loud=[]), setting=str(tmp_path))
    assert heard is not None
    assert "no speech was recognised in it" in heard
    assert "WHISPER" not in heard, "it is set"
    silent = told(footage(60))
    assert silent is not None
    assert silent.startswith("The clips have no captions: the video has no subtitles and no sound. To get text, put")
    assert "WHISPER" not in silent
