"""Which generation a lost creation led to: only where nothing contradicts it and nothing else can be it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reka_clips.contract import ClipListItem, CreateRequest, Snapshot
from reka_clips.generations import PollingConfig
from reka_clips.generations.recovery import DEFAULT_PROMPT, choose, earliest, fits, looks_like

URL = "https://example.com/film.mp4"
NOON = "2026-11-25T12:00:00Z"


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


def test_the_only_one_is_it():
    assert choose([snapshot()], is_duplicate=False, rivals=[]) == snapshot()
    assert choose([], is_duplicate=False, rivals=[]) is None


def test_of_two_none_is_guessed():
    assert choose([snapshot(), snapshot("b")], is_duplicate=False, rivals=[]) is None


def test_an_undated_one_counts_while_it_runs():
    running = snapshot(created_at=None)
    assert choose([running], is_duplicate=False, rivals=[]) == running
    assert choose([snapshot(created_at=None, status="completed")], is_duplicate=False, rivals=[]) is None


def test_one_that_another_lost_request_may_have_led_to_is_not_taken():
    rivals = [request(generation_config={"num_generations": 2})]
    assert choose([snapshot()], is_duplicate=False, rivals=rivals) is None
    told_apart = snapshot(generation_config={"num_generations": 1})
    assert choose([told_apart], is_duplicate=False, rivals=rivals) == told_apart


def test_a_duplicate_is_the_one_that_runs_else_the_only_one():
    done, running = snapshot("a", status="completed"), snapshot("b")
    for possible, expected in (
        ([done, running], running),
        ([done], done),
        ([done, snapshot("c", status="failed")], None),
        ([running, snapshot("c")], None),
        ([], None),
    ):
        assert choose(possible, is_duplicate=True, rivals=[]) == expected


def test_a_lost_post_is_reckoned_by_upstreams_clock_where_it_is_known():
    config = PollingConfig(clock_slack_seconds=5, unknown_clock_slack_seconds=60)
    assert earliest(1000, sent_ago_seconds=100, clock_offset_seconds=None, config=config) == 840
    assert earliest(1000, sent_ago_seconds=100, clock_offset_seconds=0.0, config=config) == 895
    assert earliest(1000, sent_ago_seconds=100, clock_offset_seconds=-300.0, config=config) == 595


def test_a_clip_api_on_this_machine_is_asked_more_often_and_never_less():
    usual, nearby = PollingConfig(), PollingConfig().nearby
    assert (usual.poll_first_seconds, usual.poll_longest_seconds) == (2.0, 15.0)
    assert nearby.poll_longest_seconds <= 1.0
    quicker = replace(usual, poll_first_seconds=0.01, poll_longest_seconds=0.1, search_waits_seconds=(0.0,))
    assert quicker.nearby == quicker


def test_a_clock_that_is_set_while_a_post_is_under_way_misleads_nobody():
    """The POST went out 60 s ago, at 10,000 by upstream's clock, whatever ours says by now."""
    for ours_now in (10_060.0, 13_660.0, 6_460.0):
        offset = 10_060.0 - ours_now
        found = earliest(ours_now, sent_ago_seconds=60.0, clock_offset_seconds=offset, config=PollingConfig())
        assert found == 10_000.0 - PollingConfig().clock_slack_seconds
