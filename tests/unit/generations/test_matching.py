"""Which generation a lost creation led to: only where nothing contradicts it and nothing else can be it."""

from __future__ import annotations

from typing import Any

import pytest

from reka_clips.contract import ClipListItem, CreateRequest, Snapshot
from reka_clips.generations.matching import DEFAULT_PROMPT, Verdict, fits, judge_duplicate, judge_lost, looks_like

URL = "https://example.com/film.mp4"
NOON = "2026-11-25T12:00:00Z"
NOON_SECONDS = 1795608000.0


def request(**fields: Any) -> CreateRequest:
    return CreateRequest.model_validate({"video_urls": [URL], "prompt": "goals"} | fields)


def snapshot(name: str = "a", **fields: Any) -> Snapshot:
    base = {"id": name, "status": "queued", "video_urls": [URL], "prompt": "goals", "created_at": NOON}
    return Snapshot.model_validate(base | fields)


@pytest.mark.parametrize(
    ("item", "same"),
    [
        ({"video_urls": [URL], "prompt": " goals "}, True),
        ({"video_urls": [URL], "prompt": "Goals"}, False),
        ({"video_urls": [URL, URL], "prompt": "goals"}, False),
        ({"video_urls": [], "prompt": "goals"}, False),
        ({"video_urls": [URL]}, False),
    ],
)
def test_a_list_shows_sources_and_prompt(item: dict[str, Any], same: bool):
    assert looks_like(request(), ClipListItem.model_validate(item)) is same


@pytest.mark.parametrize("listed", [None, "", DEFAULT_PROMPT])
def test_no_prompt_is_upstreams_own(listed: str | None):
    assert looks_like(request(prompt=None), ClipListItem.model_validate({"video_urls": [URL], "prompt": listed}))


@pytest.mark.parametrize(
    ("asked", "shown", "same"),
    [
        ({}, {"num_generations": 3}, True),
        ({"num_generations": 3}, {"num_generations": 3}, True),
        ({"num_generations": 3}, {"num_generations": "3"}, True),
        ({"num_generations": 3}, {"num_generations": 0}, True),  # not decided yet
        ({"num_generations": 3}, {"num_generations": 2}, False),
        ({"num_generations": 3}, {}, True),
        ({"num_generations": 3}, None, True),
        ({"template": "moments"}, {"template": "Moments"}, True),
        ({"template": "moments"}, {"template": "compilation"}, False),
        ({"source_start_time": 5}, {"source_start_time": 5.0}, True),
    ],
)
def test_what_is_not_told_contradicts_nothing(asked: dict[str, Any], shown: dict[str, Any] | None, same: bool):
    assert fits(request(generation_config=asked), snapshot(generation_config=shown)) is same


def test_a_resolution_fits_as_number_and_as_text():
    asked = request(rendering_config={"resolution": 480, "caption_style": {"position": "top"}})
    assert fits(asked, snapshot(rendering_config={"resolution": "480", "caption_style": {"position": "top"}}))
    assert not fits(asked, snapshot(rendering_config={"resolution": 720}))
    assert not fits(asked, snapshot(rendering_config={"caption_style": {"position": "bottom"}}))


def lost(*found: Snapshot, **more: Any) -> Verdict:
    return judge_lost(request(), found, since_seconds=NOON_SECONDS - 5, **more)


def test_the_only_one_since_the_post_is_it():
    mine = snapshot()
    older = snapshot("b", created_at="2026-11-25T11:59:00Z")
    assert lost(mine, older) == Verdict(found=mine)


def test_nothing_since_the_post_is_nothing():
    assert lost() == lost(snapshot(created_at="2026-11-25T11:59:54Z")) == lost(snapshot(prompt="x")) == Verdict()


def test_of_two_none_is_guessed_and_both_are_told_the_newest_first():
    newer = snapshot("b", created_at="2026-11-25T12:00:09Z")
    assert lost(snapshot(), newer) == Verdict(candidates=("b", "a"))


def test_twins_share_what_is_there_between_them():
    newer = snapshot("b", created_at="2026-11-25T12:00:09Z")
    assert lost(newer, snapshot(), twins=2).found == snapshot()
    assert lost(newer, snapshot(), snapshot("c"), twins=2).found is None


def test_an_undated_one_counts_while_it_runs_and_is_only_told_once_it_ended():
    running = snapshot(created_at=None)
    assert lost(running) == Verdict(found=running)
    assert lost(snapshot(created_at=None, status="completed")) == Verdict(candidates=("a",))


def test_one_that_a_rival_may_have_made_is_only_told():
    assert lost(snapshot(), rivals=[request(generation_config={"num_generations": 2})]) == Verdict(candidates=("a",))
    told_apart = snapshot(generation_config={"num_generations": 1})
    assert lost(told_apart, rivals=[request(generation_config={"num_generations": 2})]).found == told_apart


def test_a_duplicate_is_the_one_that_runs_else_the_only_one():
    done, running = snapshot("a", status="completed"), snapshot("b")
    assert judge_duplicate(request(), [done, running]).found == running
    assert judge_duplicate(request(), [done]).found == done
    assert judge_duplicate(request(), [done, snapshot("c", status="failed")]).candidates == ("a", "c")
    assert judge_duplicate(request(), [running, snapshot("c")]).found is None
    assert judge_duplicate(request(), []) == Verdict()
