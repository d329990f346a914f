"""Upstream's points in time, and the earliest that a lost creation can have been made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reka_clips.generations.recovery import earliest
from reka_clips.generations.times import seconds_since_1970
from reka_clips.generations.timing import PollingConfig


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("2026-11-25T12:00:00Z", 1795608000.0),
        ("2026-11-25T13:00:00+01:00", 1795608000.0),
        ("2026-11-25T12:00:00", 1795608000.0),  # without a zone: UTC
        ("2026-11-25T12:00:00.250Z", 1795608000.25),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_iso_8601_is_read_as_seconds(text: str | None, seconds: float | None):
    assert seconds_since_1970(text) == seconds


@given(st.text(max_size=40))
def test_no_text_makes_it_fail(text: str):
    assert isinstance(seconds_since_1970(text), float | None)


def test_a_lost_post_is_reckoned_by_upstreams_clock_where_it_is_known():
    pace = PollingConfig(clock_slack_seconds=5, unknown_clock_slack_seconds=60)
    assert earliest(1000, sent_ago_seconds=100, clock_offset_seconds=None, pace=pace) == 840
    assert earliest(1000, sent_ago_seconds=100, clock_offset_seconds=0.0, pace=pace) == 895
    assert earliest(1000, sent_ago_seconds=100, clock_offset_seconds=-300.0, pace=pace) == 595
