"""What makes one Clip API differ from another: asked here instead of comparing names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

BackendName = Literal["reka", "local"]

_LATE_SECONDS: Final = 900.0
_LATE_POLL_SECONDS: Final = 15.0
# A stage at Reka lasts from seconds (queued, downloading) to minutes (indexing). Whoever asks more often than
# upstream has news gets the state that is known here.
_REKA_POLL_SECONDS: Final = MappingProxyType({"queued": 3.0, "downloading": 3.0, "indexing": 8.0})


@dataclass(frozen=True, slots=True)
class Backend:
    """A Clip API and what it can do.

    name: as results and settings spell it. sentence: where clips are made and what that costs, for people and models.
    is_embedded: the engine that this program starts itself: its words are ours, its clips are files of ours.
    is_near: runs on this machine, so that asking it often costs nothing. has_extras: knows the engine's own fields, see
    `CreateRequest.engine_only`. takes_files: reads `file://` sources.
    costs_money: a creation counts against an allowance and may be charged. can_cancel: stops a running generation.
    """

    name: BackendName
    sentence: str
    is_embedded: bool = False
    is_near: bool = False
    has_extras: bool = False
    takes_files: bool = False
    costs_money: bool = True
    can_cancel: bool = False
    stage_poll_seconds: Mapping[str, float] = field(default_factory=lambda: _REKA_POLL_SECONDS, compare=False)
    poll_seconds: float = 5.0

    def poll_interval_seconds(self, stage: str, *, elapsed_seconds: float) -> float:
        """Return how long a client should wait before it asks again for a generation in this stage."""
        if elapsed_seconds > _LATE_SECONDS:
            return _LATE_POLL_SECONDS
        return self.stage_poll_seconds.get(stage, self.poll_seconds)


REKA: Final = Backend(
    "reka", "Clips are made by the Reka Clip API, which charges the account and allows ten creations a day."
)
EMBEDDED: Final = Backend(
    "local",
    "Clips are made by the embedded engine on this computer: free, private, from direct video links and local files "
    "(no YouTube or Twitch pages).",
    is_embedded=True,
    is_near=True,
    has_extras=True,
    takes_files=True,
    costs_money=False,
    can_cancel=True,
    stage_poll_seconds=MappingProxyType({}),
    poll_seconds=1.0,
)


def served_nearby(base_url: str) -> Backend:
    """Return the backend for a Clip API at an address of this machine, such as a served engine."""
    return Backend(
        "reka", f"Clips are made by the Clip API at {base_url}.", is_near=True, has_extras=True, takes_files=True
    )
