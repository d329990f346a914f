"""The hub's times: how often a Clip API is asked, and since when a lost creation can exist."""

from __future__ import annotations

from dataclasses import replace

from reka_clips.generations import PollingConfig
from reka_clips.generations.recovery import earliest


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
        found = earliest(ours_now, sent_ago_seconds=60.0, clock_offset_seconds=offset, pace=PollingConfig())
        assert found == 10_000.0 - PollingConfig().clock_slack_seconds
