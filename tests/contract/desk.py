"""A manager of generations that talks to a scripted Clip API, quick enough for tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from reka_clips.client import REKA, ClipClient, ConnectionPool, Retries
from reka_clips.contract import CreateRequest
from reka_clips.generations import ApiSession, GenerationManager, PollingConfig, RegistryLimits

QUICK = PollingConfig(
    poll_first_seconds=0.01,
    poll_longest_seconds=0.05,
    not_found_grace_seconds=20.0,
    search_waits_seconds=(0.0, 0.02, 0.05),
)
SOURCE = "https://example.com/film.mp4"


class Desk:
    """A hub with its pool, and accounts at one Clip API."""

    def __init__(self, manager: GenerationManager, pool: ConnectionPool, base_url: str) -> None:
        self.manager = manager
        self.pool = pool
        self.base_url = base_url
        self.account = self.account_of("key")

    def account_of(self, key: str) -> ApiSession:
        client = ClipClient(
            self.pool, base_url=self.base_url, api_key=key, retries=Retries(first_seconds=0.01, longest_seconds=0.02)
        )
        return ApiSession(client, owner=f"owner of {key}", backend=REKA)


@asynccontextmanager
async def open_desk(
    base_url: str,
    *,
    config: PollingConfig = QUICK,
    limits: RegistryLimits | None = None,
    patience_seconds: float = 30.0,
) -> AsyncGenerator[Desk]:
    """Open a hub. patience_seconds: how long it bears silence of any kind."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            ConnectionPool(
                timeout_seconds=patience_seconds,
                stream_silence_seconds=patience_seconds,
                snapshot_silence_seconds=patience_seconds,
            )
        )
        yield Desk(await stack.enter_async_context(GenerationManager(config=config, limits=limits)), pool, base_url)


def a_request(prompt: str | None = "goals", **more: object) -> CreateRequest:
    return CreateRequest.model_validate({"video_urls": (SOURCE,), "prompt": prompt} | more)
