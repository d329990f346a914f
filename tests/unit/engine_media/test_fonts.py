"""The caption fonts are in a form that every build of ffmpeg opens, and their metrics are those of the files."""

from __future__ import annotations

import json

import pytest

from reka_clips.contract.options import FONT_FAMILIES
from reka_clips.engine.media.captions.fonts import FAMILIES, FONTS_DIRECTORY, METRICS_FILE, typeface
from release.fonts import FAMILIES as SHIPPED
from release.fonts import all_metrics, as_json, sfnt


def test_every_font_is_plain_opentype() -> None:
    """The ffmpeg that imageio-ffmpeg brings to Windows has a FreeType without WOFF."""
    files = [path for path in FONTS_DIRECTORY.iterdir() if not path.name.endswith("-LICENSE.txt")]
    assert len(files) == 12
    assert {path.read_bytes()[:4] for path in files} <= {b"\0\1\0\0", b"OTTO"}


def test_every_family_has_its_licence() -> None:
    for _, _, prefix in SHIPPED.values():
        assert (
            "SIL OPEN FONT LICENSE" in (FONTS_DIRECTORY / f"{prefix}-LICENSE.txt").read_text(encoding="utf-8").upper()
        )


def test_the_metrics_are_those_of_the_files() -> None:
    assert METRICS_FILE.read_text(encoding="ascii") == as_json(all_metrics())
    assert tuple(json.loads(METRICS_FILE.read_text(encoding="ascii"))) == tuple(SHIPPED) == FAMILIES


def test_the_api_offers_the_families_and_one_of_the_engines_choice() -> None:
    assert set(FONT_FAMILIES) == {*FAMILIES, "CaptionFont"}
    assert typeface("CaptionFont") == typeface("RobotoCondensed")
    with pytest.raises(KeyError):
        typeface("Arial")


def test_only_woff_is_unpacked() -> None:
    with pytest.raises(ValueError, match="not a WOFF file"):
        sfnt((FONTS_DIRECTORY / "lato-latin-900-normal.ttf").read_bytes())
