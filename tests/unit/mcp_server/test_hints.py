"""Guesses at what was meant are right for the common cases, and never anything that is not allowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reka_clips.contract import (
    ASPECT_RATIOS,
    FONT_FAMILIES,
    LAYOUTS,
    REEL_QUALITIES,
    RESOLUTIONS,
    STAGES,
    SUBTITLE_LANGUAGES,
    TEMPLATES,
    TEXT_POSITIONS,
    TEXT_TRANSFORMS,
    suggestions,
)
from reka_clips.contract.schemas import flat_schema, places
from reka_clips.contract.suggestions import LANGUAGES, OTHER_NAMES, OTHER_VALUES
from reka_clips.mcp_server.input.arguments import CreateArguments, DeleteArguments, ListArguments, SaveArguments

SETS = [
    ASPECT_RATIOS,
    FONT_FAMILIES,
    LAYOUTS,
    REEL_QUALITIES,
    tuple(str(value) for value in RESOLUTIONS),
    STAGES,
    SUBTITLE_LANGUAGES,
    TEMPLATES,
    TEXT_POSITIONS,
    TEXT_TRANSFORMS,
]
TEXTS = st.text(st.characters(exclude_categories=()), max_size=30) | st.from_regex(
    r"\A[0-9]{1,4}( ?[:x/.hms] ?[0-9]{1,4}){0,2}\Z"
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5:00", 300), ("1:02:03", 3723), ("00:00:07.500", 7), ("90s", 90), ("90 sec", 90), ("2 min", 120),
        ("1h 5m 3s", 3903), ("1 hour", 3600), ("5000ms", None), ("", None), ("soon", None), ("5", None), ("-1:00", None),
    ],
)  # fmt: skip
def test_times_are_counted_in_seconds(text: str, seconds: int | None):
    assert suggestions.seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "ratio"),
    [("1080x1920", "9:16"), ("1920 x 1080", "16:9"), ("4/5", "4:5"), ("2:1", "16:9"), ("0.8", "4:5"), ("1", "1:1")]
    + [("9x16", "9:16"), ("9-16", "9:16"), ("0:0", None), ("0", None), ("wider", None)],
)
def test_the_nearest_ratio_is_found_from_sides_and_quotients(text: str, ratio: str | None):
    assert suggestions.nearest_values(text, ASPECT_RATIOS)[:1] == ([] if ratio is None else [ratio])


@given(TEXTS, st.sampled_from(SETS))
def test_a_value_that_is_offered_is_one_of_those_allowed(text: str, allowed: tuple[str, ...]):
    near = suggestions.nearest_values(text, allowed)
    assert set(near) <= set(allowed)
    assert len(near) == len(set(near)) <= 3


@given(TEXTS)
def test_no_text_is_too_strange_to_be_guessed_at(text: str):
    assert suggestions.color(text) is None or len(suggestions.color(text) or "") == 7
    assert (suggestions.seconds(text) or 0) >= 0
    assert (suggestions.number(text) or 0) >= 0
    assert suggestions.truth(text) in (True, False, None)
    name = suggestions.nearest_name(text, ["prompt", "video_urls"])
    assert name in ("prompt", "video_urls", None)


def test_the_vocabulary_leads_to_things_that_exist():
    models = (CreateArguments, DeleteArguments, ListArguments, SaveArguments)
    names = {name for model in models for name in places(flat_schema(model))}
    assert set(OTHER_NAMES.values()) <= names
    assert {value for values in OTHER_VALUES.values() for value in values} <= {value for set_ in SETS for value in set_}
    assert set(LANGUAGES.values()) <= {locale.partition("_")[0] for locale in SUBTITLE_LANGUAGES}
