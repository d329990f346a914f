"""The fault matrix as a client sees it: every fault of the upstream, over every transport, in both eras.

All faults of one transport and era run at once, against one process: that is how a busy server meets them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult

from command import CommandProcess, Progress, ScriptedUpstream, connect, text_of
from e2e.transports.conftest import COMBINATIONS, KEY
from reka_clips.contract import is_generation_id
from scripted_api import SCENARIOS

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(1800)]

FAULTS = [name for name, scenario in SCENARIOS.items() if not scenario.is_manual and not scenario.needs_patience]
SILENCES = [name for name, scenario in SCENARIOS.items() if scenario.needs_patience]
# Breaks the list for all generations of its key, so it needs a key to itself: over stdio there is but one.
NEEDS_OWN_KEY = "lost_without_list"
_NAMED = re.compile(r"generation ([0-9a-f-]{36})")


@dataclass
class Run:
    """One creation with one fault, and what came of it."""

    fault: str
    prompt: str
    progress: Progress
    result: CallToolResult | None = None

    @property
    def text(self) -> str:
        assert self.result is not None, f"{self.fault}: no result"
        return text_of(self.result)


async def all_at_once(client: Client, faults: list[str], tag: str, *, wait_seconds: float) -> list[Run]:
    runs = [Run(fault, f"{tag} [scenario {fault}]", Progress()) for fault in faults]

    async def one(run: Run) -> None:
        arguments = {
            "video_urls": ["https://example.com/film.mp4"],
            "prompt": run.prompt,
            "wait_seconds": wait_seconds,
        }
        run.result = await client.call_tool(
            "create_clips", arguments, progress_callback=run.progress, read_timeout_seconds=1200
        )

    async with anyio.create_task_group() as tasks:
        for run in runs:
            tasks.start_soon(one, run)
    return runs


def check(run: Run, upstream: ScriptedUpstream) -> None:
    scenario = SCENARIOS[run.fault]
    made = {one["id"] for one in upstream.generations() if one["prompt"] == run.prompt}
    assert len(upstream.requests("POST", containing=f"[scenario {run.fault}]")) >= 1
    posts = [request for request in upstream.requests("POST") if run.prompt in request["body"]]
    assert len(posts) == 1, f"{run.fault}: {len(posts)} POSTs"
    assert run.result is not None
    if scenario.outcome == "completed":
        assert not run.result.is_error, f"{run.fault}: {run.text}"
        answer = run.result.structured_content or {}
        assert answer["status"] == "completed", run.fault
        assert answer["id"] in made, run.fault
        assert answer["output"][0]["video_url"], run.fault
        assert answer["id"] in run.text
    else:
        assert run.result.is_error, f"{run.fault}: {run.text}"
    if scenario.outcome == "failed":
        assert any(one in run.text for one in made), f"{run.fault}: the id is lost: {run.text}"
    if scenario.outcome == "lost":
        assert "list_clips" in run.text, f"{run.fault}: {run.text}"
    # An id once told is never lost again.
    told = [match for message in run.progress.messages for match in _NAMED.findall(message)]
    assert all(is_generation_id(one) for one in told)
    assert all(one in run.text for one in told), f"{run.fault}: {told} not in {run.text}"
    assert run.progress.values, f"{run.fault}: no progress"
    assert run.progress.strictly_increases, f"{run.fault}: {run.progress.values}"
    assert all(len(message) <= 200 for message in run.progress.messages)
    whole = run.result.model_dump_json()
    assert KEY not in whole
    assert "Traceback" not in whole
    assert "<html" not in whole


@pytest.mark.parametrize(("transport", "era"), COMBINATIONS)
async def test_no_fault_of_the_upstream_loses_a_generation_or_pays_twice(
    transport: str, era: str, served: CommandProcess, settings: dict[str, str], upstream: ScriptedUpstream
):
    tag = f"over {transport} {era}"
    is_stdio = transport == "stdio"
    async with connect(transport, era, to=None if is_stdio else served, settings=settings) as client:
        runs = await all_at_once(client, [name for name in FAULTS if name != NEEDS_OWN_KEY], tag, wait_seconds=300)
        assert len(runs) > 60
        for run in runs:
            check(run, upstream)
        # The next call is answered.
        assert not (await client.call_tool("list_clips", {"limit": 1})).is_error
    async with connect(
        transport,
        era,
        to=None if is_stdio else served,
        settings=settings | {"REKA_API_KEY": f"own-{era}"},
        headers={"X-Reka-API-Key": f"own-{transport}-{era}"},
    ) as client:
        [run] = await all_at_once(client, [NEEDS_OWN_KEY], tag, wait_seconds=300)
        check(run, upstream)


@pytest.mark.parametrize(("transport", "era"), COMBINATIONS)
async def test_an_upstream_that_says_nothing_holds_nobody_up(
    transport: str, era: str, served: CommandProcess, settings: dict[str, str], upstream: ScriptedUpstream
):
    tag = f"silence over {transport} {era}"
    async with connect(transport, era, to=None if transport == "stdio" else served, settings=settings) as client:
        runs = await all_at_once(client, SILENCES, tag, wait_seconds=5)
        for run in runs:
            assert len([r for r in upstream.requests("POST") if run.prompt in r["body"]]) == 1
            assert run.result is not None
            assert not run.result.is_error, f"{run.fault}: {run.text}"
            answer = run.result.structured_content or {}
            assert answer["status"] not in ("completed", "failed")
            assert answer["next"]["tool"] in ("get_clip_status", "create_clips")
            told = [match for message in run.progress.messages for match in _NAMED.findall(message)]
            assert all(one in run.text for one in told), f"{run.fault}: the id is lost"
            assert run.progress.strictly_increases
        assert not (await client.call_tool("list_clips", {"limit": 1})).is_error
