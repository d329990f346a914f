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
