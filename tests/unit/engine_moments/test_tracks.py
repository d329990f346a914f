"""Which of several subtitles are taken, and what the answer says about it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from reka_clips.engine.media.ffmpeg.media_info import SubtitleStream
from reka_clips.engine.media.languages import base_language, language_name, language_tag
from reka_clips.engine.media.text.tracks import SubtitleTrack, choice_told, find_sidecars, ranked, sidecar_track


def track(language: str, *flags: str) -> SubtitleTrack:
    return SubtitleTrack(SubtitleStream(2, "subrip"), language_tag(language), frozenset(flags))


def order(*languages: str, spoken: str = "", wanted: str = "") -> list[str]:
    return [one.language for one in ranked([track(one) for one in languages], spoken=spoken, wanted=wanted)]


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("eng", "en"), ("EN", "en"), ("English", "en"), ("en-US", "en-us"), ("pt_BR", "pt-br"), ("ger", "de"),
        ("deu", "de"), ("zh-Hans", "zh-hans"), ("chi", "zh"), ("cht", "zh-hant"), ("zh-TW", "zh-hant"), ("und", ""),
        ("", ""), ("part2", ""), ("x" * 50, ""), ("es-419", "es-419"),
    ],
)  # fmt: skip
def test_a_language_is_known_however_it_is_written(text: str, tag: str) -> None:
    assert language_tag(text) == tag


def test_languages_have_names_for_people() -> None:
    assert [language_name(tag) for tag in ("de", "pt-br", "zh-hans")] == ["German", "Portuguese (BR)", "Chinese (hans)"]
    assert base_language("pt-br") == "pt"
    assert base_language("nb") == base_language("no")


def test_the_language_that_is_spoken_comes_first() -> None:
    assert order("ar", "de", "en", spoken="en")[0] == "en"
    assert order("ar", "de", "en", spoken="de")[0] == "de"
    assert order("pt-br", "pt", "en", spoken="pt")[0] == "pt"
    assert order("pt", "pt-br", "en", spoken="pt-br")[0] == "pt-br"
    assert order("no", "en", spoken="nb")[0] == "no"


def test_without_a_known_sound_a_file_without_a_language_comes_first_and_then_english() -> None:
    assert order("ar", "de", "en") == ["en", "ar", "de"]
    assert order("ar", "", "en")[0] == ""


def test_forced_and_hearing_impaired_tracks_come_after_the_others() -> None:
    tracks = [track("en", "forced"), track("en", "hearing impaired"), track("en")]
    assert ranked(tracks, spoken="en", wanted="") == [tracks[2], tracks[1], tracks[0]]


def test_the_language_that_is_asked_for_is_taken_or_none() -> None:
    assert order("ar", "de", "en", spoken="en", wanted="de") == ["de"]
    assert order("zh-hans", "zh-hant", "en", spoken="en", wanted="zh-hant")[0] == "zh-hant"
    assert order("ar", "de", spoken="en", wanted="fr") == []
    assert order("ar", "", spoken="en", wanted="fr") == [""]


def test_a_choice_is_told_with_the_others_and_how_to_choose() -> None:
    tracks = [track("ara"), track("ger"), track("eng")]
    assert choice_told(tracks[2], tracks, spoken="en", wanted="") == (
        "The captions are in English, the language that is spoken. There are also subtitles in Arabic, German: "
        "set rendering_config.subtitles_language to choose."
    )
    assert "does not tell which language is spoken" in (choice_told(tracks[2], tracks, spoken="", wanted="") or "")
    assert choice_told(tracks[1], [tracks[1]], spoken="en", wanted="") == (
        "The captions are in German, though English is spoken."
    )
    assert choice_told(tracks[2], [tracks[2]], spoken="en", wanted="") is None
    assert choice_told(tracks[1], tracks, spoken="en", wanted="de") is None


@pytest.mark.parametrize(
    ("name", "language", "flags"),
    [
        ("film.srt", "", set()), ("film.en.srt", "en", set()), ("film.pt-BR.vtt", "pt-br", set()),
        ("film.English.forced.srt", "en", {"forced"}), ("film.en.hi.srt", "en", {"hi"}), ("film.hi.srt", "hi", set()),
        ("film.2024.de.srt", "de", set()), ("a.b.c.srt", "", set()),
    ],
)  # fmt: skip
def test_a_files_name_tells_its_language(name: str, language: str, flags: set[str]) -> None:
    found = sidecar_track(Path(name))
    assert (found.language, found.flags) == (language, flags)


def test_names_match_whatever_their_case_and_however_an_accent_is_written(tmp_path: Path) -> None:
    (tmp_path / unicodedata.normalize("NFD", "Café.srt")).write_text("x")
    (tmp_path / "CAFÉ.en.SRT").write_text("x")
    video = tmp_path / unicodedata.normalize("NFC", "Café.mp4")
    video.write_text("x")
    assert len(find_sidecars(video)) == 2


def test_subtitles_of_another_video_are_not_taken(tmp_path: Path) -> None:
    for name in ("lecture.mp4", "lecture.part2.mp4", "lecture.part2.srt", "lecture.part2.en.srt", "lecture.en.srt"):
        (tmp_path / name).write_text("x")
    assert [path.name for path in find_sidecars(tmp_path / "lecture.mp4")] == ["lecture.en.srt"]
    assert len(find_sidecars(tmp_path / "lecture.part2.mp4")) == 2
