"""The reducer: repeats are dropped, nothing goes backwards, an end is an end, progress strictly increases."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reka_clips.contract import STAGES, Snapshot, is_terminal
from reka_clips.generations.state import (
    MAX_STAGES,
    GenerationState,
    begin,
    reduce,
    seconds_since_1970,
)

ID = "550e8400-e29b-41d4-a716-446655440000"
CLIPS = [{"title": "Goal", "video_url": "https://cdn.example.com/1.mp4"}]


def told(status: str, **fields: Any) -> Snapshot:
    return Snapshot.model_validate({"id": ID, "status": status} | fields)


def after(*snapshots: Snapshot) -> GenerationState:
    state = begin(snapshots[0])
    for seconds, snapshot in enumerate(snapshots[1:], start=1):
        state = reduce(state, snapshot, elapsed_seconds=seconds)
    return state


SNAPSHOTS = st.builds(
    told,
    st.sampled_from([*STAGES, "", "thinking", "rendering", "COMPLETED"]),
    progress=st.none() | st.floats(-1, 2),
    output=st.sampled_from([[], CLIPS]),
    prompt=st.sampled_from([None, "goals"]),
    id=st.sampled_from([ID, ID.upper(), None, "another"]),
)


@given(SNAPSHOTS, st.lists(SNAPSHOTS, max_size=25))
def test_whatever_comes_it_never_goes_backwards_and_ends_once(first: Snapshot, rest: list[Snapshot]):
    state = begin(first)
    for seconds, snapshot in enumerate(rest):
        before, state = state, reduce(state, snapshot, elapsed_seconds=seconds)
        assert state.sequence - before.sequence in (0, 1)
        assert 0 <= state.progress <= 1
        assert (state.progress > before.progress) == (state.sequence > before.sequence)
        assert state.progress >= before.progress
        assert state.stages[: len(before.stages)] == before.stages
        assert state.snapshot.status == state.stage
        assert state.snapshot.id == first.id
        if before.is_terminal:
            assert state.stage == before.stage or (before.stage, state.stage) == ("failed", "completed")
        if state.stage == "completed" and state.sequence > 0:
            assert state.progress == 1.0
        assert reduce(state, snapshot, elapsed_seconds=seconds + 1) is state, "a repeat told something new"
    assert len(set(state.stages)) == len(state.stages)
    ranks = [STAGES.index(stage) for stage in state.stages if stage in STAGES and not is_terminal(stage)]
    assert ranks == sorted(ranks)


@given(st.lists(SNAPSHOTS, max_size=25))
def test_progress_strictly_increases_while_it_runs(rest: list[Snapshot]):
    states = [begin(told("queued"))]
    for snapshot in rest:
        states.append(reduce(states[-1], snapshot, elapsed_seconds=1))
    by_sequence = {state.sequence: state.progress for state in states}
    assert list(by_sequence) == list(range(len(by_sequence)))
    assert list(by_sequence.values()) == sorted(set(by_sequence.values()))


def test_the_stages_that_were_seen_in_the_wild_each_come_once():
    state = after(
        *(told(stage) for stage in ("queued", "queued", "downloading", "indexing", "processing", "completed"))
    )
    assert state.stages == ("queued", "downloading", "indexing", "processing", "completed")
    assert (state.sequence, state.progress, state.elapsed_seconds) == (4, 1.0, 5)


def test_a_status_of_the_past_is_ignored():
    state = after(told("processing"))
    assert reduce(state, told("downloading"), elapsed_seconds=1) is state


def test_an_unknown_stage_counts_once():
    state = after(told("queued"), told("thinking"), told("processing"), told("thinking"))
    assert state.stages == ("queued", "thinking", "processing")


def test_an_upstream_that_invents_stages_for_ever_is_not_followed_for_ever():
    state = after(told("queued"), *(told(f"stage {n}") for n in range(500)), told("completed"))
    assert len(state.stages) == MAX_STAGES + 1
    assert state.stage == "completed"


def test_an_end_stays_but_takes_renewed_links():
    state = after(told("queued"), told("completed", output=CLIPS))
    renewed = reduce(
        state, told("completed", output=[CLIPS[0] | {"video_url": "https://cdn.example.com/2.mp4"}]), elapsed_seconds=9
    )
    assert renewed.snapshot.output[0].video_url == "https://cdn.example.com/2.mp4"
    assert (renewed.sequence, renewed.stages) == (state.sequence, state.stages)
    assert reduce(state, told("processing"), elapsed_seconds=9) is state
    assert reduce(state, told("failed"), elapsed_seconds=9) is state


def test_a_failure_that_turns_out_to_be_clips_is_a_completion():
    state = after(told("queued"), told("failed", error="lost"))
    assert reduce(state, told("completed"), elapsed_seconds=9) is state
    revived = reduce(state, told("completed", output=CLIPS), elapsed_seconds=9)
    assert (revived.stage, revived.progress) == ("completed", 1.0)


def test_what_a_snapshot_leaves_out_keeps_what_was_told_before():
    state = after(told("queued", prompt="goals", video_urls=["https://example.com/a.mp4"]), told("processing"))
    assert state.snapshot.prompt == "goals"
    assert state.snapshot.video_urls == ("https://example.com/a.mp4",)


def test_another_generations_snapshot_is_ignored():
    state = after(told("queued"))
    assert reduce(state, told("completed", id="another"), elapsed_seconds=1) is state


@pytest.mark.parametrize(("reported", "expected"), [(0.4, 0.4), (-3.0, 0.0), (7.0, 0.99)])
def test_the_backends_own_number_is_the_progress(reported: float, expected: float):
    assert begin(told("processing", progress=reported)).progress == expected


def test_numbers_that_fall_are_not_shown():
    state = after(told("processing", progress=0.5), told("processing", progress=0.3))
    assert state.progress == 0.5
    assert state.snapshot.progress == 0.5


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
