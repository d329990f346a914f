"""Real films, drawn here: planted moments are found, cuts are seen, stretches and words are kept to."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from pathlib import Path

import pytest

from made_films import FFMPEG
from made_films.planted import Planted, Recipe, by_chance, draw
from made_films.scenes import RATE, cuts_of, random_scenes, write_film
from made_films.searching import search
from reka_clips.contract import GenerationConfig
from reka_clips.engine.media.analyze.analyze import MAX_DURATION_SECONDS, Span, measure, refine
from reka_clips.engine.media.analyze.measurements import Measurements
from reka_clips.engine.media.analyze.metrics import Tier
from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.media.find_moments import MomentFinder
from reka_clips.engine.media.progress import Progress
from reka_clips.engine.media.select.planning import SelectionOptions
from reka_clips.engine.media.sources import Source

pytestmark = pytest.mark.anyio

RECIPES = (
    Recipe(6001, minutes=2.5, codec="h264", rate=12),
    Recipe(6002, minutes=2.5, codec="hevc", rate=12, has_sound=False),
    Recipe(6003, minutes=2.5, codec="mpeg4", rate=12, kind="topic"),
)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Planted]:
    folder = tmp_path_factory.mktemp("planted")
    return [draw(FFMPEG, folder, recipe) for recipe in RECIPES]


async def look(ffmpeg: Ffmpeg, path: Path, scratch: Path, tier: Tier) -> Measurements:
    info = await probe(ffmpeg, path)
    return await measure(
        ffmpeg, Span(path, info, Fraction(0), info.duration, scratch), report=lambda _share: None, tier=tier
    )


async def test_planted_moments_are_found_far_beyond_chance(
    ffmpeg: Ffmpeg, films: list[Planted], tmp_path: Path
) -> None:
    found, chance = 0, 0.0
    for film in films:
        clips = await search(ffmpeg, film, tmp_path)
        found += film.found_by(clips)
        chance += by_chance(film, [end - start for start, end in clips])
    assert found >= 8, f"{found} of 9"
    assert chance < 4.5


async def test_a_glance_at_keyframes_followed_by_a_closer_look_finds_them_too(
    ffmpeg: Ffmpeg, films: list[Planted], tmp_path: Path
) -> None:
    found = sum([film.found_by(await search(ffmpeg, film, tmp_path, tier="keyframes")) for film in films])
    assert found >= 7, f"{found} of 9"


async def test_a_look_without_b_frames_measures_motion_also_where_they_refer_to_each_other(
    ffmpeg: Ffmpeg, films: list[Planted], tmp_path: Path
) -> None:
    film = films[1]
    assert film.recipe.codec == "hevc"
    measured = await look(ffmpeg, film.path, tmp_path, "references")
    busy = [value for start, end in film.moments for value in measured.activity[start_of(start) : start_of(end) - 4]]
    assert sum(busy) / len(busy) > 2 * sum(measured.activity) / len(measured.activity)
    assert len(set(measured.activity)) > measured.pictures / 3  # not held from a few pictures


async def test_the_closer_look_tells_how_far_it_is(ffmpeg: Ffmpeg, films: list[Planted], tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    progress = Progress(lambda stage, share: told.append((stage, share)))
    scout = MomentFinder(ffmpeg, SelectionOptions(count=2, longest=20), None, tmp_path, progress, tier="keyframes")
    await scout.choose(await scout.gather([source(films[0])]))
    shares = [share for stage, share in told if stage == "preprocessing"]
    assert len(shares) >= 4  # one for each stretch at the least, and where it begins
    assert [share for _, share in told] == sorted(share for _, share in told)


def start_of(seconds: float) -> int:
    return int(seconds * 4) + 2


async def test_the_same_film_gives_the_same_clips(ffmpeg: Ffmpeg, films: list[Planted], tmp_path: Path) -> None:
    assert await search(ffmpeg, films[0], tmp_path) == await search(ffmpeg, films[0], tmp_path)


@pytest.mark.parametrize(("tier", "least"), [("full", 0.9), ("references", 0.75)])
async def test_cuts_are_found_and_little_else(ffmpeg: Ffmpeg, tmp_path: Path, tier: Tier, least: float) -> None:
    scenes = random_scenes(6100, 20)
    with_b_frames = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23")
    path = write_film(FFMPEG, tmp_path / "cuts.mp4", scenes, video=with_b_frames)
    measured = await look(ffmpeg, path, tmp_path, tier)
    truth = cuts_of(scenes)
    right = sum(any(abs(float(cut) * RATE - frame) <= 3 for cut in measured.cuts) for frame in truth)
    assert 2 * right / (len(truth) + len(measured.cuts)) >= least


async def test_what_is_measured_covers_the_film_and_tells_motion_from_rest(
    ffmpeg: Ffmpeg, films: list[Planted], tmp_path: Path
) -> None:
    film = films[0]
    measured = await look(ffmpeg, film.path, tmp_path, "full")
    assert abs(float(measured.end) - film.seconds) < 0.2
    assert measured.has_sound
    busy = [value for start, end in film.moments for value in measured.activity[start_of(start) : start_of(end) - 4]]
    assert sum(busy) / len(busy) > 2 * sum(measured.activity) / len(measured.activity)


async def test_a_closer_look_mends_the_cuts_of_its_stretches_and_tells_how_far_it_is(
    ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    scenes = random_scenes(6101, 12)
    path = write_film(FFMPEG, tmp_path / "cuts.mp4", scenes)
    info = await probe(ffmpeg, path)
    coarse = await look(ffmpeg, path, tmp_path, "keyframes")
    half = info.duration / 2
    stretches = [Span(path, info, start, end, tmp_path) for start, end in ((Fraction(1), half), (half, info.duration))]
    shares: list[float] = []
    closer = await refine(ffmpeg, coarse, stretches, report=shares.append)
    full = await look(ffmpeg, path, tmp_path, "full")
    in_frames = [[round(cut * RATE) for cut in one.cuts if cut > half + 1] for one in (coarse, closer, full)]
    assert in_frames[1] == in_frames[2] != in_frames[0]
    assert shares == sorted(shares)
    assert 0.99 < shares[-1] <= 1


async def test_twelve_hours_and_closer_looks_near_their_end_take_little_memory(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    path, seconds = tmp_path / "long.mkv", MAX_DURATION_SECONDS - 60
    slow = ["-f", "lavfi", "-i", f"testsrc2=s=64x36:r=1:d={seconds}", "-c:v", "libx264", "-preset", "ultrafast"]
    await ffmpeg.run([*slow, "-bf", "0", str(path)])
    info = await probe(ffmpeg, path)
    tracemalloc.start()
    try:
        coarse = await look(ffmpeg, path, tmp_path, "keyframes")
        places = [Fraction(seconds - 100 * number) for number in range(10, 0, -1)]
        closer = await refine(
            ffmpeg, coarse, [Span(path, info, at, at + 8, tmp_path) for at in places], report=lambda _share: None
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert closer.pictures > 4 * (seconds - 1)
    assert [len(closer.columns("motion", at, at + 4)) for at in places] == [16] * 10
    assert list(closer.cuts) == sorted(set(closer.cuts))
    assert peak < 2 * 1024**2 * seconds / 3600


async def choose(
    ffmpeg: Ffmpeg, sources: list[Source], generation: GenerationConfig, scratch: Path, prompt: str = ""
) -> tuple[list[tuple[int, float, float]], list[str]]:
    wish = SelectionOptions(
        "compilation" if generation.template == "compilation" else "moments",
        generation.num_generations,
        generation.min_duration_seconds or 0,
        generation.max_duration_seconds or 90,
        prompt,
    )
    scout = MomentFinder(ffmpeg, wish, generation, scratch, Progress(lambda _stage, _share: None))
    chosen, footage = await scout.choose(await scout.gather(sources))
    wordless = scout.why_wordless(footage, wants_captions=False)
    warnings = [*scout.warnings, *([wordless] if wordless else [])]
    return [(w.source, float(w.start), float(w.end)) for clip in chosen for w in clip], warnings


def source(film: Planted, *sidecars: Path) -> Source:
    return Source(film.path, film.path.as_uri(), sidecars)


async def test_clips_are_taken_from_the_stretch_that_was_asked_for(
    ffmpeg: Ffmpeg, films: list[Planted], tmp_path: Path
) -> None:
    asked = GenerationConfig(source_start_time=60, source_end_time=100, num_generations=2, max_duration_seconds=12)
    clips, warnings = await choose(ffmpeg, [source(films[0])], asked, tmp_path)
    assert len(clips) == 2
    assert all(60 <= start < end <= 100 and end - start <= 12 for _, start, end in clips)
    assert warnings == []


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            GenerationConfig(min_duration_seconds=85, source_start_time=100, source_end_time=140),
            "only 40.0 s of video to cut from",
        ),
        (GenerationConfig(source_start_time=500), "after the end of the video, which is 150.0 s long"),
    ],
)
async def test_a_source_too_short_for_what_is_asked_is_told_so(
    ffmpeg: Ffmpeg, films: list[Planted], tmp_path: Path, asked: GenerationConfig, words: str
) -> None:
    with pytest.raises(MediaError, match=words):
        await choose(ffmpeg, [source(films[0])], asked, tmp_path)


async def test_one_source_that_cannot_be_used_is_left_out_with_a_warning(
    ffmpeg: Ffmpeg, films: list[Planted], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\x00" * 5000)
    clips, warnings = await choose(
        ffmpeg,
        [Source(broken, broken.as_uri()), source(films[0]), source(films[1])],
        GenerationConfig(num_generations=3, max_duration_seconds=15),
        tmp_path,
    )
    assert {number for number, _, _ in clips} == {0, 1}
    assert len(warnings) == 1
    assert warnings[0].startswith("Video 1 was left out")


async def test_a_short_film_is_good_for_a_part_of_a_reel(ffmpeg: Ffmpeg, films: list[Planted], tmp_path: Path) -> None:
    short = tmp_path / "short.mp4"
    await ffmpeg.run(["-i", str(films[0].path), "-t", "15", "-c", "copy", str(short)])
    asked = GenerationConfig(
        template="compilation", num_generations=1, min_duration_seconds=20, max_duration_seconds=26
    )
    parts, warnings = await choose(ffmpeg, [Source(short, short.as_uri())] * 2, asked, tmp_path)
    assert {number for number, _, _ in parts} == {0, 1}
    assert 20 <= sum(end - start for _, start, end in parts) <= 26
    assert warnings == []


async def test_it_is_said_when_none_of_the_prompts_words_is(
    ffmpeg: Ffmpeg, films: list[Planted], tmp_path: Path
) -> None:
    asked = GenerationConfig(num_generations=1, max_duration_seconds=15)
    sidecar = films[2].path.with_suffix(".srt")
    _, warnings = await choose(ffmpeg, [source(films[2], sidecar)], asked, tmp_path, "the volcano")
    assert warnings == []
    _, warnings = await choose(ffmpeg, [source(films[2], sidecar)], asked, tmp_path, "penguins")
    assert warnings == ["The prompt had no effect: none of its words is said in the video."]


async def test_subtitles_inside_the_file_do_as_well_and_a_broken_sidecar_is_told(
    ffmpeg: Ffmpeg, films: list[Planted], tmp_path: Path
) -> None:
    inside, bad = tmp_path / "inside.mkv", tmp_path / "inside.srt"
    sidecar = films[2].path.with_suffix(".srt")
    await ffmpeg.run(
        ["-i", str(films[2].path), "-i", str(sidecar), "-map", "0", "-map", "1", "-c", "copy", str(inside)]
    )
    bad.write_text("no subtitles here")
    asked = GenerationConfig(num_generations=3, max_duration_seconds=20)
    clips, warnings = await choose(ffmpeg, [Source(inside, inside.as_uri(), (bad,))], asked, tmp_path, "the volcano")
    assert films[2].found_by([(start, end) for _, start, end in clips]) >= 2
    assert warnings == ["The subtitle file inside.srt holds no subtitles in SubRip, WebVTT or ASS form."]
