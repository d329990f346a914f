"""Any story of two callers, one server that may restart and one upstream that may fail, made up by hypothesis.

Over real HTTP, against the scripted Clip API. What must hold in every one of them: one POST for each thing a caller
wanted; an id that was told stays good; nobody sees another's generations; what was deleted is forgotten.
`make stories` tells thousands of steps, `make test` some hundred.
"""

from __future__ import annotations

import contextlib
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from mcp import Client
from mcp_types import CallToolResult

from command import MODERN, connect, text_of
from contract.desk import QUICK
from e2e.network.conftest import on_loopback
from reka_clips.generations import GenerationManager
from reka_clips.mcp_server.http.app import HttpApp
from reka_clips.mcp_server.http.policy import policy_for
from reka_clips.settings import Settings
from scale import FULL
from scripted_api import ScriptedClipApi
from scripted_api.api import iso

CALLERS = ("ada", "bob")
PROMPTS = ("goals", "tackles", "saves")
FOLLOWED = ("normal", "cut_at_indexing", "failed", "http_500", "reset_before_answer", "json_for_stream", "get_500")
ACCEPTED = ("manual", "http_500", "no_id_202", "close_before_answer")
REFUSED = ("http_400", "http_402", "http_429")
callers, prompts, numbers = st.sampled_from(CALLERS), st.sampled_from(PROMPTS), st.integers(0, 1000)


class ResultContext(RuleBasedStateMachine):
    """What is expected: `joins`, which generation the same request leads to in this server's life; `ids`, all that
    were told to a caller and not deleted; `posts`, how many POSTs all the wishes so far come to."""

    def __init__(self) -> None:
        super().__init__()
        self.joins: dict[tuple[str, str], str] = {}
        self.ids: dict[str, list[str]] = {caller: [] for caller in CALLERS}
        self.ended: dict[str, str] = {}
        self.posts = 0
        self.steps = 0  # of this server's life
        self.life = ExitStack()
        self.server = ExitStack()
        folder = self.life.enter_context(TemporaryDirectory())
        self.portal = self.life.enter_context(start_blocking_portal())
        self.api = ScriptedClipApi()
        self.api.refuses_duplicates = True
        self.life.enter_context(self.portal.wrap_async_context_manager(self.api))
        self.settings = replace(
            Settings.from_environment({"REKA_BASE_URL": self.api.base_url, "REKA_CLIPS_BACKEND": "reka"}),
            data_dir=Path(folder),
        )
        self.clients: dict[str, Client] = {}
        self.url = ""
        self.open()

    def open(self) -> None:
        site = HttpApp(self.settings, policy_for(self.settings, host="127.0.0.1"))
        site._runtime.manager = GenerationManager(config=QUICK)
        self.url = self.server.enter_context(self.portal.wrap_async_context_manager(on_loopback(site.app)))
        for caller in CALLERS:
            self.clients[caller] = self.server.enter_context(
                self.portal.wrap_async_context_manager(self.connection(caller))
            )

    def connection(self, caller: str) -> contextlib.AbstractAsyncContextManager[Client]:
        return connect("streamable-http", MODERN, to=self.url, headers={"X-Reka-API-Key": caller})

    def teardown(self) -> None:
        self.server.close()
        self.life.close()

    def call(self, caller: str, tool: str, **arguments: Any) -> CallToolResult:
        async def within_time() -> CallToolResult:
            with anyio.fail_after(60):
                return await self.clients[caller].call_tool(tool, arguments)

        result = self.portal.call(within_time)
        for other in CALLERS:
            if other != caller:
                told = result.model_dump_json()
                assert not any(one.id in told for one in self.api.generations.values() if one.key == other)
        return result

    def wish(self, prompt: str, **more: Any) -> dict[str, Any]:
        return {"video_urls": ["https://example.com/film.mp4"], "prompt": prompt} | more

    def create(self, caller: str, prompt: str, scenario: str, **more: Any) -> CallToolResult:
        """Create, and reckon what it costs: nothing if it joins, else one POST."""
        self.api.script = [scenario]
        joined = None if more.get("force_new") else self.joins.get((caller, prompt))
        result = self.call(caller, "create_clips", **self.wish(prompt, **more))
        if joined is None:
            self.posts += 1
        else:
            assert self.told(caller, prompt, result) == joined, "it did not join what it should"
        return result

    def told(self, caller: str, prompt: str, result: CallToolResult) -> str:
        """Return the id that a result tells, which must be right, and remember it."""
        answer = result.structured_content
        generation_id = answer["id"] if answer else next(one for one in self.api.generations if one in text_of(result))
        generation = self.api.generations[generation_id]
        assert (generation.key, generation.body["prompt"]) == (caller, prompt)
        if generation_id not in self.ids[caller]:
            self.ids[caller].append(generation_id)
        self.joins[caller, prompt] = generation_id
        return generation_id

    # What callers do.

    @rule(caller=callers, prompt=prompts, scenario=st.sampled_from(FOLLOWED), force_new=st.booleans())
    def create_and_wait(self, caller: str, prompt: str, scenario: str, force_new: bool) -> None:
        if self.runs(caller, prompt):
            return  # it would be waited for, and nobody advances it
        self.told(caller, prompt, self.create(caller, prompt, scenario, force_new=force_new, wait_seconds=30))

    @rule(caller=callers, prompt=prompts, scenario=st.sampled_from(ACCEPTED), force_new=st.booleans())
    def create_and_leave_it(self, caller: str, prompt: str, scenario: str, force_new: bool) -> None:
        result = self.create(caller, prompt, scenario, force_new=force_new, stream=False)
        self.told(caller, prompt, result)

    @rule(caller=callers, prompt=prompts, scenario=st.sampled_from(REFUSED))
    def create_what_is_refused(self, caller: str, prompt: str, scenario: str) -> None:
        if (caller, prompt) in self.joins or self.runs(caller, prompt):
            return
        before = len(self.api.generations)
        result = self.create(caller, prompt, scenario)
        assert result.is_error
        assert len(self.api.generations) == before

    @rule(caller=callers, prompt=prompts)
    def create_and_lose_it_for_good(self, caller: str, prompt: str) -> None:
        if (caller, prompt) in self.joins or self.runs(caller, prompt):
            return
        result = self.create(caller, prompt, "lost_reset")
        assert result.is_error
        assert "list_clips" in text_of(result)
        assert not any(one in text_of(result) for one in self.api.generations), "another one was taken for it"

    @rule(caller=callers, prompt=prompts, hangs_up=st.booleans(), force_new=st.booleans())
    def create_and_leave(self, caller: str, prompt: str, hangs_up: bool, force_new: bool) -> None:
        """Cancel the call, or cut the connection, as soon as the POST is out; then ask for the same again."""
        if self.runs(caller, prompt) or (not force_new and (caller, prompt) in self.joins):
            return
        self.api.script = ["manual"]

        async def leave() -> None:
            with anyio.fail_after(60), anyio.CancelScope() as leaving:
                async with contextlib.AsyncExitStack() as stack:
                    client = self.clients[caller]
                    if hangs_up:
                        client = await stack.enter_async_context(self.connection(caller))
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(
                            client.call_tool, "create_clips", self.wish(prompt, force_new=force_new, wait_seconds=600)
                        )
                        await self.api.arrived("POST", times=self.posts + 1)
                        leaving.cancel()

        self.portal.call(leave)
        self.posts += 1
        self.joins.pop((caller, prompt), None)
        result = self.call(caller, "create_clips", **self.wish(prompt, stream=False))
        self.told(caller, prompt, result)

    @precondition(lambda self: any(self.ids.values()))
    @rule(number=numbers, wait_seconds=st.sampled_from([0, 0, 0, 1]))
    def ask(self, number: int, wait_seconds: int) -> None:
        caller, generation_id = self.one(number)
        result = self.call(caller, "get_clip_status", id=generation_id, wait_seconds=wait_seconds)
        generation = self.api.generations[generation_id]
        assert generation_id in text_of(result)
        if not result.is_error:
            status = (result.structured_content or {})["status"]
            assert (
                self.ended.setdefault(generation_id, status) == status
                or generation_id not in self.ended
                or (self.ended[generation_id] not in ("completed", "failed"))
            )
            self.ended[generation_id] = status
        else:
            assert generation.current == "failed"

    @precondition(lambda self: any(self.ids.values()))
    @rule(number=numbers, tool=st.sampled_from(["get_clip_status", "delete_clip"]))
    def reach_for_anothers(self, number: int, tool: str) -> None:
        caller, generation_id = self.one(number)
        [other] = [one for one in CALLERS if one != caller]
        assert self.portal.call(self.clients[other].call_tool, tool, {"id": generation_id}).is_error
        assert generation_id in self.api.generations

    @precondition(lambda self: any(self.ids.values()))
    @rule(number=numbers)
    def delete(self, number: int) -> None:
        caller, generation_id = self.one(number)
        was_over = self.api.generations[generation_id].is_over
        result = self.call(caller, "delete_clip", id=generation_id)
        assert result.is_error != was_over
        if was_over:
            assert generation_id not in self.api.generations
            self.ids[caller].remove(generation_id)
            self.joins = {wish: joined for wish, joined in self.joins.items() if joined != generation_id}
            assert self.call(caller, "get_clip_status", id=generation_id).is_error

    @rule(caller=callers)
    def look_at_the_list(self, caller: str) -> None:
        result = self.call(caller, "list_clips", limit=100)
        assert not result.is_error, text_of(result)

    # What happens to them.

    @rule(number=numbers, status=st.sampled_from(["downloading", "processing", "completed", "failed"]))
    def go_on(self, number: int, status: str) -> None:
        running = [one for one in self.api.generations.values() if not one.is_over]
        if running:
            self.portal.call(running[number % len(running)].set_stage, status)

    @rule()
    def restart_upstream(self) -> None:
        async def restart() -> None:
            await self.api.server.stop()
            await self.api.server.start()

        self.portal.call(restart)

    @precondition(lambda self: self.steps > 12)
    @rule()
    def restart_the_server(self) -> None:
        """It takes an hour; upstream's refusal of duplicates is then all that leads back to what runs."""
        self.steps = 0
        self.server.close()
        self.server = ExitStack()
        for generation in self.api.generations.values():
            created = datetime.fromisoformat(generation.created_at)
            generation.created_at = iso(created - timedelta(hours=1))
        self.joins.clear()
        self.open()

    @invariant()
    def each_wish_cost_one_post(self) -> None:
        self.steps += 1
        assert self.api.count("POST") == self.posts

    def runs(self, caller: str, prompt: str) -> bool:
        return any(
            one.key == caller and one.body["prompt"] == prompt and not one.is_over
            for one in self.api.generations.values()
        )

    def one(self, number: int) -> tuple[str, str]:
        known = [(caller, generation_id) for caller in CALLERS for generation_id in self.ids[caller]]
        return known[number % len(known)]


@pytest.mark.timeout(3600)
# Clients, servers and an upstream share this process, and are ended under way: a connection may then be left to the
# garbage collector. That a server leaves no socket behind is for the soak test to say, which counts them.
def test_every_story_ends_well():
    examples, steps = (100, 80) if FULL else (5, 50)
    # A story that fails is told as it was: to shorten it means to start servers for minutes.
    told = settings(max_examples=examples, stateful_step_count=steps, phases=[Phase.explicit, Phase.generate])
    run_state_machine_as_test(ResultContext, settings=told)
