from __future__ import annotations

from pathlib import Path

import pytest

from reka_clips.engine.media.text.speech_model import choose_size
from reka_clips.speech_setting import SpeechSetting


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", SpeechSetting("auto")),
        (" AUTO ", SpeechSetting("auto")),
        ("off", SpeechSetting(None)),
        ("false", SpeechSetting(None)),
        ("Tiny.en", SpeechSetting("tiny.en")),
        ("/models/mine", SpeechSetting(None, Path("/models/mine"))),
    ],
)
def test_the_setting_is_a_word_a_size_or_a_folder(text: str, expected: SpeechSetting) -> None:
    assert SpeechSetting.parse(text) == expected


@pytest.mark.parametrize("text", ["huge", "models/mine", "~nosuchuser/model"])
def test_anything_else_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        SpeechSetting.parse(text)


@pytest.mark.parametrize(
    ("language", "present", "cpus", "gigabytes", "expected"),
    [
        ("en", (), 2, 8, "tiny.en"),
        ("en", ("base",), 2, 8, "base"),
        ("de", (), 2, 8, "base"),
        (None, (), 2, 8, "base"),
        (None, ("tiny.en",), 2, 8, "base"),
        ("de", (), 1, 8, "tiny"),
        ("de", (), 4, 2, "tiny"),
        ("de", (), 4, None, "base"),
    ],
)
def test_auto_suits_the_language_and_the_machine(
    language: str | None, present: tuple[str, ...], cpus: int, gigabytes: int | None, expected: str
) -> None:
    memory = None if gigabytes is None else gigabytes << 30
    assert choose_size(language, present=present, cpus=cpus, memory_bytes=memory) == expected
