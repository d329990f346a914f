"""The fault matrix as a client sees it: every fault of the upstream over every transport, both eras in turns.

All faults of all transports run at once: that is how a busy server meets them. `make faults` takes every fault over
every transport in every era. The servers log at DEBUG, and what they wrote is searched for planted secrets.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult

from command import CommandProcess, Progress, ScriptedUpstream, connect, text_of
from e2e.transports.conftest import COMBINATIONS
from reka_clips.contract import is_generation_id
from scale import FULL
from scripted_api import SCENARIOS, Scenario
from secret_hunt import CALLERS_KEY, PLANTED, SECRETS, arguments_of, found_below, found_in

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

FAULTS = [name for name, scenario in SCENARIOS.items() if not scenario.is_manual and not scenario.needs_patience]
SILENCES = [name for name, scenario in SCENARIOS.items() if scenario.needs_patience]
# Breaks the list for all generations of its key, so it needs a key to itself: over stdio, a process.
NEEDS_OWN_KEY = "lost_without_list"
TRANSPORTS = tuple(dict.fromkeys(transport for transport, _ in COMBINATIONS))
_NAMED = re.compile(r"generation ([0-9a-f-]{36})")


@dataclass
class Run:
    """One creation with one fault, and what came of it."""

    transport: str
    era: str
    fault: str
    prompt: str
    progress: Progress = field(default_factory=Progress)
    result: CallToolResult | None = None

    @property
    def scenario(self) -> Scenario:
        return SCENARIOS[self.fault]

    @property
    def text(self) -> str:
        assert self.result is not None, f"{self}: no result"
        return text_of(self.result)

    def __str__(self) -> str:
        return f"{self.fault} over {self.transport} in {self.era}"


@dataclass
class Stand:
    """The servers under test: one for HTTP and SSE, and one per connection over stdio; a log of each."""

    served: CommandProcess
    settings: dict[str, str]
    folder: Path

    @asynccontextmanager
    async def client(self, transport: str, era: str, *, own_key: str | None = None) -> AsyncIterator[Client]:
        headers = {"Authorization": f"Bearer {SECRETS['REKA_CLIPS_AUTH_TOKEN']}", "X-Reka-API-Key": CALLERS_KEY}
        settings = self.settings
        if own_key is not None:
            headers["X-Reka-API-Key"] = own_key
            settings = settings | {"REKA_API_KEY": own_key}
        log = self.folder / f"{transport}-{era}-{own_key}.log"
        with log.open("w") as lines:
            async with connect(transport, era, to=self.served, headers=headers, settings=settings, log=lines) as client:
                yield client

    def said(self) -> str:
        return self.served.log + "".join(log.read_text() for log in self.folder.glob("*.log"))


@pytest.fixture
def stand(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[Stand]:
    settings = SECRETS | {
        "REKA_BASE_URL": upstream.base_url,
        "REKA_CLIPS_DATA_DIR": str(tmp_path / "data"),
        "REKA_CLIPS_LOG_LEVEL": "DEBUG",
    }
    (tmp_path / "data").mkdir()
    with CommandProcess("--transport", "streamable-http", "--port", "0", **settings) as served:
        yield Stand(served, settings, tmp_path)
        assert served.process.poll() is None, f"the server ended by itself: {served.log}"


def planned(faults: list[str]) -> list[Run]:
    """Return every fault over every transport; the eras take turns, unless all is to be run."""
    return [
        Run(transport, era, fault, f"{fault} over {transport} in {era} [scenario {fault}]")
        for number, fault in enumerate(faults)
        for transport in TRANSPORTS
        for turn, era in enumerate(("legacy", "2026-07-28"))
        if FULL or (number + TRANSPORTS.index(transport)) % 2 == turn
    ]


async def carry_out(stand: Stand, runs: list[Run], **arguments: Any) -> None:
    """Run them all at once, those of one transport and era over one connection; then ask for something else."""

    async def create(client: Client, run: Run) -> None:
        fields = {"video_urls": ["https://example.com/film.mp4"], "prompt": run.prompt} | arguments
        run.result = await client.call_tool(
            "create_clips", fields, progress_callback=run.progress, read_timeout_seconds=600
        )

    async def together(transport: str, era: str, mine: list[Run], own_key: str | None) -> None:
        async with stand.client(transport, era, own_key=own_key) as client:
            async with anyio.create_task_group() as tasks:
                for run in mine:
                    tasks.start_soon(create, client, run)
            tools = await client.list_tools()
            assert len(tools.tools) >= 4, "the next call is not answered"
            if own_key is None:
                assert not (await client.call_tool("list_clips", {"limit": 1})).is_error

    async with anyio.create_task_group() as connections:
        for transport, era in COMBINATIONS:
            mine = [run for run in runs if (run.transport, run.era) == (transport, era)]
            alone = [run for run in mine if run.fault == NEEDS_OWN_KEY]
            connections.start_soon(together, transport, era, [run for run in mine if run not in alone], None)
            if alone:
                connections.start_soon(together, transport, era, alone, f"own-{transport}-{era}")


def check_outcome(run: Run, made: set[str]) -> None:
    assert run.result is not None
    outcome = run.scenario.outcome
    assert run.result.is_error == (outcome != "completed"), f"{run}: {run.text}"
    if outcome == "completed":
        answer = run.result.structured_content or {}
        assert answer["status"] == "completed", run
        assert answer["id"] in made, run
        assert answer["output"][0]["video_url"], run
        assert answer["id"] in run.text, run
    elif outcome == "failed":
        assert any(one in run.text for one in made), f"{run}: the id is lost: {run.text}"
    elif outcome == "lost":
        assert "list_clips" in run.text, f"{run}: {run.text}"


def check_manners(run: Run) -> None:
    """What holds for every answer: the id is kept, progress goes forward, and nothing is told that must not be."""
    told = [match for message in run.progress.messages for match in _NAMED.findall(message)]
    assert all(is_generation_id(one) for one in told), run
    assert all(one in run.text for one in told), f"{run}: {told} not in {run.text}"
    # A call that is answered at once sends none: it would arrive together with the result.
    assert run.progress.values or (run.result is not None and run.result.is_error), f"{run}: no progress"
    assert run.progress.strictly_increases, f"{run}: {run.progress.values}"
    assert all(len(message) <= 200 for message in run.progress.messages), run
    assert run.result is not None
    whole = run.result.model_dump_json() + "".join(run.progress.messages)
    assert "Traceback" not in whole, run
    assert "<html" not in whole, run
    assert not found_in(whole), f"{run}: a secret is told"


def check_posts(runs: list[Run], upstream: ScriptedUpstream) -> dict[str, set[str]]:
    """Assert that each was sent once; return the generations that each made."""
    posts = [request["body"] for request in upstream.requests("POST")]
    generations = upstream.generations()
    for run in runs:
        times = sum(run.prompt in body for body in posts)
        assert times == 1, f"{run}: sent {times} times"
    return {run.prompt: {one["id"] for one in generations if one["prompt"] == run.prompt} for run in runs}


def check_secrets(stand: Stand) -> None:
    said = stand.said()
    assert said.count("DEBUG") > 20, "the logs were not at DEBUG"
    assert not found_in(said), [line for line in said.splitlines() if found_in(line)]
    assert not found_in(arguments_of(stand.served.process.pid))
    assert not found_below(stand.folder)


async def test_no_fault_of_the_upstream_loses_a_generation_or_pays_twice_or_tells_a_secret(
    stand: Stand, upstream: ScriptedUpstream
):
    runs = planned(FAULTS)
    assert len({run.fault for run in runs}) > 70
    await carry_out(stand, runs, wait_seconds=300)
    made = check_posts(runs, upstream)
    for run in runs:
        check_outcome(run, made[run.prompt])
        check_manners(run)
    check_secrets(stand)
    assert not any(
        found_in(f"{request['path']} {request['query']} {request['body']}") for request in upstream.requests()
    )
    keys = {request["headers"].get("x-api-key") for request in upstream.requests()}
    assert {SECRETS["REKA_API_KEY"], CALLERS_KEY} < keys, "the hunted keys were in use"
    assert keys.isdisjoint(set(PLANTED) - {SECRETS["REKA_API_KEY"], CALLERS_KEY}), "another secret was sent upstream"


async def test_an_upstream_that_says_nothing_holds_nobody_up(stand: Stand, upstream: ScriptedUpstream):
    upstream.forget()
    runs = planned(SILENCES)
    await carry_out(stand, runs, wait_seconds=3)
    check_posts(runs, upstream)
    for run in runs:
        assert run.result is not None
        assert not run.result.is_error, f"{run}: {run.text}"
        answer = run.result.structured_content or {}
        assert answer["status"] not in ("completed", "failed"), run
        assert answer["next"]["tool"] in ("get_clip_status", "create_clips"), run
        check_manners(run)
    check_secrets(stand)
