"""What is written on clips, measured in their frames: colours, place, margins, lines, fonts, the word that is lit."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.engine_media.conftest import Cut, Cutter, Filmer

from command.process import blind_to_our_fonts
from made_films import FFMPEG
from pictures import Box, Picture, frames
from reka_clips.contract.options import FONT_FAMILIES
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.media.plan import Cue, Word

pytestmark = pytest.mark.anyio

TEXT, LIT, STROKE = (0, 230, 0), (230, 0, 230), (0, 0, 230)
COLORS = {"text_color": "#00E600", "highlight_color": "#E600E6", "stroke_color": "#0000E6"}
LONG = "Every second of this talk is worth a look, and nobody wants to miss the very best of all its moments today"
BACKGROUND = "color=0x909090:s=320x180:r=10:d=3"
INK = 60  # tolerance: letters are drawn in 4:2:0, which smears their colours


def cue(text: str, start: float = 0, end: float = 3) -> Cue:
    return Cue(Fraction(str(start)), Fraction(str(end)), text)


Writer = Callable[..., Coroutine[Any, Any, tuple[Cut, list[Picture]]]]


@pytest.fixture
def write(film: Filmer, cut: Cutter) -> Writer:
    """Return a function that renders three seconds of grey with captions: the clip, and ten frames of each second."""

    async def render(*cues: Cue, style: dict[str, Any] | None = None, **rendering: Any) -> tuple[Cut, list[Picture]]:
        config = {"resolution": 360, "caption_style": COLORS | (style or {}), **rendering}
        clip = await cut((film(BACKGROUND), 0, 3), cues=cues, rendering=config)
        return clip, frames(FFMPEG, clip.path, (clip.rendered.width_px, clip.rendered.height_px), every=2)

    return render


def letters(picture: Picture) -> Box:
    """Return the box around all letters, lit or not."""
    boxes = [box for color in (TEXT, LIT) if (box := picture.bounds(color, INK))]
    assert boxes, "nothing is written"
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def lines(picture: Picture) -> int:
    """Return how many lines of plain capitals there are: runs of rows that hold ink."""
    rows = {y for color in (TEXT, LIT) for _, y in picture.places(color, INK)}
    return sum(1 for y in rows if y - 1 not in rows and y - 2 not in rows)


def height_em(picture: Picture, size: int = 120) -> float:
    """Return how high all that is written is, in ems of a picture whose shorter side is 360 pixels."""
    _, top, _, bottom = letters(picture)
    return (bottom - top) * picture.height / (size * 360 / 1080)


@pytest.mark.parametrize("family", FONT_FAMILIES)
async def test_captions_have_their_colours_and_two_lines_at_most_within_safe_margins(
    family: str, write: Writer
) -> None:
    clip, pictures = await write(cue(LONG), style={"font_family": family})

    assert clip.rendered.warnings == ()
    for picture in pictures[1:-1:4]:
        assert picture.share(TEXT, INK) > 0.003
        assert picture.share(LIT, INK) > 0.001
        assert picture.share(STROKE, INK) > 0.003
        assert 1 <= lines(picture) <= 2
        left, top, right, bottom = letters(picture)
        assert 0.09 <= left < right <= 0.91
        assert 0.5 < top < bottom <= 0.77  # the apps' own texts and buttons begin below
        assert abs(left + right - 1) < 0.05


@pytest.mark.parametrize("size", [60, 120])
@pytest.mark.parametrize("aspect_ratio", ["9:16", "1:1", "16:9"])
async def test_letters_have_the_size_asked_for_on_every_shape(aspect_ratio: str, size: int, write: Writer) -> None:
    """Capitals of Roboto Condensed are 0.71 em high; the size counts on a picture 1080 on its shorter side."""
    style = {"desired_font_size": size, "font_family": "RobotoCondensed", "text_transform": "uppercase"}
    _, pictures = await write(cue("hello there"), style=style, aspect_ratio=aspect_ratio)

    _, top, _, bottom = letters(pictures[5])
    height = (bottom - top) * pictures[5].height
    assert lines(pictures[5]) == 1
    assert height == pytest.approx(0.71 * size * 360 / 1080, abs=3)


@pytest.mark.parametrize(
    ("position", "highest", "lowest"), [("top", 0.12, 0.35), ("middle", 0.4, 0.6), ("bottom", 0.6, 0.77)]
)
async def test_captions_stand_where_asked(position: str, highest: float, lowest: float, write: Writer) -> None:
    _, pictures = await write(cue("up or down"), style={"position": position})

    _, top, _, bottom = letters(pictures[5])
    assert highest < top < bottom < lowest


async def test_each_word_is_lit_while_it_is_spoken(write: Writer) -> None:
    words = [Word(Fraction(start), Fraction(start + 1), text) for start, text in enumerate(("LEFT", "MID", "RIGHT"))]
    said = [Cue(Fraction(0), Fraction(3), "LEFT MID RIGHT", tuple(words))]
    _, pictures = await write(*said, style={"desired_font_size": 60})

    middles = [picture.middle(LIT, INK)[0] for picture in pictures]
    thirds = [middles[1:9], middles[11:19], middles[21:29]]
    assert max(thirds[0]) < min(thirds[1])
    assert max(thirds[1]) < min(thirds[2])
    whole = letters(pictures[5])
    assert all(letters(picture) == pytest.approx(whole, abs=0.012) for picture in pictures[1:29:5])


async def test_without_subtitles_nothing_is_written(write: Writer) -> None:
    _, pictures = await write(cue("hidden"), subtitles=False)

    assert pictures[5].bounds(TEXT, INK) is None
    assert pictures[5].bounds(LIT, INK) is None


async def test_captions_are_gone_when_nobody_speaks(write: Writer) -> None:
    _, pictures = await write(cue("short", 0.5, 1))

    assert pictures[2].bounds(LIT, INK) is None
    assert pictures[7].bounds(LIT, INK) is not None
    assert pictures[25].bounds(LIT, INK) is None


async def test_hostile_text_is_drawn_and_not_obeyed(write: Writer) -> None:
    r"""Override tags would hide, move or recolour the captions; `\N` would break their lines."""
    hostile = [
        cue(r"{\alpha&HFF&}visible", 0, 1),
        cue(r"{\an7\pos(0,0)}here \Nthere", 1, 2),
        cue(r"{\p1}m 0 0 l 900 0 900 900{\p0} box", 2, 3),
    ]
    _, pictures = await write(*hostile, style={"desired_font_size": 60})

    for picture in (pictures[5], pictures[15], pictures[25]):
        left, top, right, bottom = letters(picture)
        assert 0.09 <= left < right <= 0.91
        assert 0.5 < top < bottom <= 0.77
        assert lines(picture) <= 2
        assert picture.share(TEXT, INK) + picture.share(LIT, INK) < 0.15


async def test_a_word_wider_than_the_picture_is_broken_not_cut_off(write: Writer) -> None:
    _, pictures = await write(cue("Donaudampfschifffahrtsgesellschaftskapitän" * 2))

    for picture in pictures[1:-1:4]:
        left, _, right, _ = letters(picture)
        assert 0.08 <= left < right <= 0.92
        assert lines(picture) <= 2


@pytest.mark.parametrize(
    ("text", "family", "is_other_font"),
    [
        ("Žluťoučký kůň, Łódź, ğüşiöç", "BebasNeue", False),
        ("Zażółć gęślą jaźń, señor, façade", "Lato", False),
        ("Žluťoučký kůň", "Lato", True),
        ("Привет, это хороший день", "Bangers", True),
        ("今日はとても良い天気です", "BebasNeue", True),
        ("Καλημέρα σε όλους", "Lato", True),
        ("שלום לכולם וברוכים הבאים", "RobotoCondensed", True),
        ("مرحبا بكم في هذا العرض", "RobotoCondensed", True),
    ],
    ids=["latin-ext", "latin-ext-lato", "czech-lato", "cyrillic", "japanese", "greek", "hebrew", "arabic"],
)
async def test_every_script_is_written_in_a_font_that_has_it(
    text: str, family: str, is_other_font: bool, write: Writer
) -> None:
    clip, pictures = await write(cue(text), style={"font_family": family})

    told = " ".join(clip.rendered.warnings)
    drawn = any(picture.bounds(LIT, INK) for picture in pictures[2:-2:4])
    assert bool(told) is is_other_font, told
    assert drawn or "No font on this computer" in told
    if is_other_font:
        assert "set in" in told or "No font on this computer" in told
    # Two lines with accents above and below.
    assert not drawn or all(height_em(picture) < 2.6 for picture in pictures[2:-2:6])


async def test_text_that_no_font_has_is_left_out_and_told(write: Writer) -> None:
    """Egyptian hieroglyphs; where a computer has a font even for these, they are drawn."""
    clip, pictures = await write(cue("\U00013000\U00013001 hello"))

    told = " ".join(clip.rendered.warnings)
    assert "No font on this computer" in told or "set in" in told
    assert any(picture.bounds(LIT, INK) for picture in pictures[2:-2:4])


FONTS = Path(os.environ.get("NOTO_FONTS", "/usr/share/fonts"))
SCRIPTS = {
    "hindi": ("\u0926\u0941\u0928\u093f\u092f\u093e, \u092f\u0939 \u0905\u091a\u094d\u091b\u0940", "NotoSansDevanagari-Regular.ttf", "Devanagari"),
    "arabic": ("\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645", "NotoSansArabic-Regular.ttf", "Arabic"),
    "chinese": ("\u4f60\u597d\u4e16\u754c", "NotoSansCJK-Bold.ttc", "Chinese"),
    "thai": ("\u0e19\u0e49\u0e33\u0e43\u0e08", "NotoSansThai-Regular.ttf", "Thai"),
    "emoji": ("\U0001f600\U0001f469\u200d\U0001f680\U0001f44d\U0001f3fd", "NotoColorEmoji.ttf", "these characters"),
}  # fmt: skip


def use_fonts(folder: Path, fonts: Sequence[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have fontconfig know these fonts and no others."""
    chosen = folder / "fonts"
    chosen.mkdir()
    for font in fonts:
        (chosen / font.name).symlink_to(font)
    config = folder / "fonts.conf"
    config.write_text(f"<fontconfig><dir>{chosen}</dir><cachedir>{folder / 'cache'}</cachedir></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(config))


def ink(pictures: Sequence[Picture]) -> int:
    return sum(1 for picture in pictures for color in (TEXT, LIT, STROKE) for _ in picture.places(color, INK))


@pytest.mark.parametrize("script", SCRIPTS)
async def test_letters_that_no_font_has_are_left_out_without_a_box(
    script: str, write: Writer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text, _, name = SCRIPTS[script]
    use_fonts(tmp_path, [], monkeypatch)
    alone, nothing = await write(cue(text))
    assert ink(nothing) == 0
    (told,) = alone.rendered.warnings
    assert told.startswith(f"No font on this computer has {name}")
    assert "a clip has no captions" in told

    _, among = await write(cue(f"Hello {text} world"))
    _, plain = await write(cue("Hello world"))
    assert 0 < ink(among[2:5]) <= ink(plain[2:5]) * 1.1


@pytest.mark.parametrize("script", SCRIPTS)
async def test_letters_are_drawn_in_a_font_of_this_computer_that_has_them(
    script: str, write: Writer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text, file, _ = SCRIPTS[script]
    fonts = [*FONTS.rglob(file)]
    if not fonts:
        pytest.skip("needs the Debian packages fonts-noto-core, fonts-noto-cjk and fonts-noto-color-emoji")
    use_fonts(tmp_path, fonts, monkeypatch)
    clip, pictures = await write(cue(text))
    told = " ".join(clip.rendered.warnings)
    if script == "emoji":  # its pictures cannot be drawn
        assert ink(pictures) == 0
        assert "colour fonts cannot be drawn" in told
    else:
        assert ink(pictures) > 1000
        assert "No font" not in told
        assert "are set in Noto" in told


async def test_a_font_that_this_ffmpeg_cannot_open_is_told(
    film: Filmer, cut: Cutter, tmp_path: Path, ffmpeg: Ffmpeg
) -> None:
    """Other builds of ffmpeg read other kinds of fonts; this one is kept from finding ours."""
    clips: list[Cut] = []
    for path in (ffmpeg.path, str(blind_to_our_fonts(tmp_path / "ffmpeg", ffmpeg.path))):
        style = {"resolution": 360, "caption_style": {"font_family": "Bangers"}}
        clips.append(await cut((film(BACKGROUND), 0, 3), cues=[cue("hello")], rendering=style, path=path))
    ours, another = (" ".join(clip.rendered.warnings) for clip in clips)
    assert "cannot open the caption fonts" not in ours
    assert "cannot open the caption fonts" in another
