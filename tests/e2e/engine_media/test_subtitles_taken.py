"""Which subtitles of a real file are read: tracks and files beside it, by language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from made_films.oddities import run
from made_films.plain import FFMPEG
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.media.text.tracks import find_sidecars, read_text

pytestmark = pytest.mark.anyio

WORDS = {"ara": "\u0645\u0631\u062d\u0628\u0627", "ger": "Guten Tag.", "eng": "Good day."}
Filmer = Callable[..., Path]


def srt(text: str) -> str:
    return f"1\n00:00:01,000 --> 00:00:03,000\n{text}\n"


@pytest.fixture
def film(tmp_path: Path) -> Filmer:
    """Return a function that writes a film with sound in a language and subtitle tracks in others."""

    def write(spoken: str, *tracks: str) -> Path:
        inputs = ["-f", "lavfi", "-i", "testsrc2=s=64x36:r=10:d=4", "-f", "lavfi", "-i", "sine=d=4"]
        maps, languages = ["-map", "0", "-map", "1"], ["-metadata:s:a:0", f"language={spoken}"]
        for number, language in enumerate(tracks):
            path = tmp_path / f"track-{language}.srt"
            path.write_text(srt(WORDS[language]), encoding="utf-8")
            inputs += ["-i", str(path)]
            maps += ["-map", str(2 + number)]
            languages += [f"-metadata:s:s:{number}", f"language={language}"]
        film = tmp_path / "film.mkv"
        run(FFMPEG, [*inputs, *maps, *languages, "-c:s", "srt", str(film)])
        return film

    return write


async def read(ffmpeg: Ffmpeg, film: Path, wanted: str = "") -> tuple[list[str], str]:
    cues, warnings = await read_text(
        ffmpeg, film, await probe(ffmpeg, film), sidecars=find_sidecars(film), wanted=wanted
    )
    return [cue.text for cue in cues], " ".join(warnings)


@pytest.mark.parametrize(("spoken", "text"), [("eng", "Good day."), ("ger", "Guten Tag."), ("fra", "Good day.")])
async def test_the_track_in_the_language_that_is_spoken_is_read(
    spoken: str, text: str, film: Filmer, ffmpeg: Ffmpeg
) -> None:
    found, told = await read(ffmpeg, film(spoken, "ara", "ger", "eng"))
    assert found == [text]
    assert "set rendering_config.subtitles_language to choose" in told


async def test_the_language_that_is_asked_for_is_read_or_nothing(film: Filmer, ffmpeg: Ffmpeg) -> None:
    path = film("eng", "ara", "ger", "eng")
    assert await read(ffmpeg, path, "de") == (["Guten Tag."], "")
    found, told = await read(ffmpeg, path, "fr")
    assert (found, told) == ([], "There are no subtitles in French, only in Arabic, German, English.")


async def test_of_the_files_beside_a_film_the_one_in_its_language_is_read(film: Filmer, ffmpeg: Ffmpeg) -> None:
    path = film("eng")
    for name, text in (("film.de.srt", "Guten Tag."), ("film.en.srt", "Good day."), ("film.en.forced.srt", "Sign.")):
        path.with_name(name).write_text(srt(text))
    assert (await read(ffmpeg, path))[0] == ["Good day."]
    assert (await read(ffmpeg, path, "de"))[0] == ["Guten Tag."]
    path.with_name("film.srt").write_text(srt("Plain."))
    assert (await read(ffmpeg, path, "fr"))[0] == ["Plain."]


async def test_a_file_beside_a_film_in_another_encoding_is_read(film: Filmer, ffmpeg: Ffmpeg) -> None:
    path = film("rus")
    spoken = "\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u0434\u0435\u043b\u0430?"
    path.with_suffix(".srt").write_bytes(srt(spoken).encode("cp1251"))
    found, told = await read(ffmpeg, path)
    assert found == [spoken]
    assert "was read as Windows-1251 (Cyrillic), a guess" in told


@pytest.mark.parametrize(("codec", "suffix"), [("copy", "mkv"), ("srt", "mkv"), ("ass", "mkv"), ("mov_text", "mp4")])
async def test_automatic_captions_inside_a_film_are_read_as_they_are_beside_it(
    codec: str, suffix: str, tmp_path: Path, ffmpeg: Ffmpeg
) -> None:
    rows = "this<00:00:00.558><c> is</c><00:00:00.957><c> first</c>"
    beside = tmp_path / "auto.vtt"
    beside.write_text(
        f"WEBVTT\n\n00:00.160 --> 00:02.550\n \n{rows}\n\n00:02.550 --> 00:02.560\nthis is first\n \n\n"
        "00:02.560 --> 00:03.500\nthis is first\nthat<00:00:03.000><c> follows</c>\n"
    )
    path = tmp_path / f"film.{suffix}"
    picture = ["-f", "lavfi", "-i", "testsrc2=s=64x36:r=10:d=4"]
    run(FFMPEG, [*picture, "-i", str(beside), "-c:s", codec, str(path)])
    cues, _ = await read_text(ffmpeg, path, await probe(ffmpeg, path), sidecars=[], wanted="")
    assert [cue.text for cue in cues] == ["this is first", "that follows"]
    assert [float(cue.start) for cue in cues] == pytest.approx([0.16, 2.56], abs=0.011)
    if codec == "copy":
        assert [float(word.start) for word in cues[0].words] == [0.16, 0.558, 0.957]


async def test_a_track_in_another_encoding_is_read(tmp_path: Path, ffmpeg: Ffmpeg) -> None:
    spoken = "\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u0434\u0435\u043b\u0430?"
    (tmp_path / "old.srt").write_bytes(srt(spoken).encode("cp1251"))
    path = tmp_path / "film.mkv"
    picture = ["-f", "lavfi", "-i", "testsrc2=s=64x36:r=10:d=4"]
    run(
        FFMPEG,
        [*picture, "-i", str(tmp_path / "old.srt"), "-c:s", "copy", "-metadata:s:s:0", "language=rus", str(path)],
    )
    assert await read(ffmpeg, path) == ([spoken], "")
