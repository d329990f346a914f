"""The constants of following generations, in one place: how often, how long, how many."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class PollingConfig:
    """How often upstream is asked and how long things are kept, in seconds."""

    # Polling, where there is no stream: after 2 s, 3 s, 4.5 s …, 15 s. A longer `retry-after` is honoured, up to a
    # limit: one absurd header must not stop the polling for good.
    # (A Clip API on this machine is asked more often: see `nearby`.)
    poll_first_seconds: float = 2.0
    poll_growth: float = 1.5
    poll_longest_seconds: float = 15.0
    longest_pause_seconds: float = 30.0

    # An answer from memory instead of a GET: while its stream speaks, after it ended (links age); without a stream,
    # until the next poll would be due, so that a caller who asks every second costs no more requests.
    stream_trust_seconds: float = 30.0
    renew_seconds: float = 300.0

    # The same creation again gets the result of one that ended no longer ago than this; then it is forgotten.
    repeat_seconds: float = 600.0
    # A generation that nobody asks about is watched for so long, and no longer.
    unasked_seconds: float = 3600.0
    prune_seconds: float = 30.0

    # A new generation may be unknown to GET for a moment.
    not_found_grace_seconds: float = 30.0

    # After a lost answer, the list is looked at once per wait: at once, then after 2 s, 5 s, 10 s.
    search_waits_seconds: tuple[float, ...] = (0.0, 2.0, 5.0, 10.0)
    # `created_at` may lie so much before the POST: with the other side's clock known by its Date header, or not.
    clock_slack_seconds: float = 5.0
    unknown_clock_slack_seconds: float = 60.0

    @property
    def nearby(self) -> PollingConfig:
        """The same for a Clip API on this very machine: asking it costs nothing, and its jobs take seconds."""
        return replace(
            self,
            poll_first_seconds=min(self.poll_first_seconds, 0.25),
            poll_longest_seconds=min(self.poll_longest_seconds, 1.0),
            search_waits_seconds=tuple(min(wait, 1.0) for wait in self.search_waits_seconds),
        )


@dataclass(frozen=True, slots=True)
class RegistryLimits:
    """How much is kept and read."""

    # Generations known at once. Ended ones make room first, then those unasked for a minute.
    max_generations: int = 2_000
    evict_unasked_seconds: float = 60.0
    # GETs of a `completed` without clips before that is believed.
    bare_completion_polls: int = 3
    # The search for a lost creation reads so many pages of the list, and looks closely at so many generations.
    search_pages: int = 5
    search_page_size: int = 100
    search_candidates: int = 20
