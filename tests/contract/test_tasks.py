"""MCP Tasks: `create_clips` as a task, against a scripted Clip API. Source: SEP-2663 and its specification."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.extension import advertise
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult

from reka_clips.client import EMBEDDED, REKA
from reka_clips.errors import AuthenticationError
from reka_clips.mcp_server.app import build_server
from reka_clips.mcp_server.context import AppContext
from reka_clips.mcp_server.extensions.tasks import EXTENSION_ID
from reka_clips.settings import Settings
from scripted_api import ScriptedClipApi
from task_client import METHODS, KnowsTasks, ask, create

pytestmark = pytest.mark.anyio

MODERN = "2026-07-28"
NOWHERE = "00000000-0000-4000-8000-000000000000"
SOURCE = "https://example.com/film.mp4"
ARGUMENTS = {"video_urls": [SOURCE], "prompt": "goals", "wait_seconds": 60}


class Stage:
    """Our server in this process, connected to a scripted Clip API, with a client."""

    def __init__(self, api: ScriptedClipApi, runtime: AppContext, client: Client) -> None:
        self.api = api
        self.runtime = runtime
        self.client = client

    async def create(self, **more: Any) -> dict[str, Any]:
        """Call `create_clips` and return what came on the wire."""
        arguments = {name: value for name, value in (ARGUMENTS | more).items() if value is not None}
        return await create(self.client, arguments)

    async def task(self, method: str, task_id: str) -> dict[str, Any]:
        return await ask(self.client, method, task_id)

    async def reach(self, task_id: str, stage: str) -> None:
        """Advance the generation and wait until the server knows."""
        generation = self.api.generations[task_id]
        if generation.current != stage:
            generation.set_stage(stage)
        job = await self.runtime.manager.job(await self.runtime.account(), task_id)
        async for state in job.follow():
            if state.stage == stage:
                return


@asynccontextmanager
async def on_stage(
    api: ScriptedClipApi, *, extensions: Any = None, mode: str = MODERN, settings: Any = None, **options: Any
) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        stack.enter_context(anyio.fail_after(60))
        chosen = Settings(**{"api_key": "key", "base_url": api.base_url} | (settings or {}))
        runtime = await stack.enter_async_context(AppContext(chosen))
        client = Client(
            build_server(runtime), mode=mode, extensions=[KnowsTasks()] if extensions is None else extensions, **options
        )
        yield Stage(api, runtime, await stack.enter_async_context(client))


@pytest.fixture
async def stage(api: ScriptedClipApi) -> AsyncIterator[Stage]:
    api.default = "manual"
    async with on_stage(api) as opened:
        yield opened


async def test_a_creation_is_answered_by_a_task_whose_id_is_the_generations(stage: Stage):
    task = await stage.create()
    assert task["resultType"] == "task"
    assert list(stage.api.generations) == [task["taskId"]]
    assert stage.api.count("POST") == 1
    assert task["status"] == "working"
    assert task["statusMessage"].startswith("queued, ")
    assert task["ttlMs"] is None, "a generation is there until somebody deletes it"
    assert task["pollIntervalMs"] == 3_000
    assert task["createdAt"][:19] == stage.api.generations[task["taskId"]].created_at[:19]
    assert not {"task", "result", "error", "inputRequests", "requestState", "content"} & task.keys()


@pytest.mark.parametrize(
    ("mode", "extensions"),
    [(MODERN, []), (MODERN, [advertise("io.modelcontextprotocol/ui")]), ("legacy", [advertise(EXTENSION_ID)])],
    ids=["not declared", "another extension", "before 2026-07-28"],
)
async def test_everyone_else_waits_for_the_result(api: ScriptedClipApi, mode: str, extensions: Any):
    async with on_stage(api, mode=mode, extensions=extensions) as stage:
        result = await stage.create()
    assert result["structuredContent"]["status"] == "completed"
    assert "taskId" not in result


async def test_the_task_tells_each_stage_and_ends_with_the_result_of_the_tool(stage: Stage):
    task_id = (await stage.create())["taskId"]
    for name, interval_ms in (("downloading", 3_000), ("indexing", 8_000), ("processing", 5_000)):
        await stage.reach(task_id, name)
        task = await stage.task("tasks/get", task_id)
        assert (task["status"], task["pollIntervalMs"]) == ("working", interval_ms)
        assert task["statusMessage"].startswith(f"{name}, ")
        assert task["resultType"] == "complete"
        assert "result" not in task

    await stage.reach(task_id, "completed")
    task = await stage.task("tasks/get", task_id)
    assert (task["status"], task["statusMessage"]) == ("completed", "1 clip ready.")
    assert "pollIntervalMs" not in task
    told = await stage.client.call_tool("get_clip_status", {"id": task_id})
    assert task["result"] == told.model_dump(by_alias=True, mode="json", exclude_none=True, exclude={"meta"})
    assert task["result"]["structuredContent"]["output"][0]["title"] == "The best moment"
    assert stage.api.count("POST") == 1


async def test_a_failed_generation_completes_the_task_with_an_error_inside(stage: Stage):
    task_id = (await stage.create())["taskId"]
    stage.api.generations[task_id].set_stage("failed", error_message="no speech was found")
    await stage.reach(task_id, "failed")
    task = await stage.task("tasks/get", task_id)
    assert task["status"] == "completed"
    assert task["result"]["isError"] is True
    assert "no speech was found" in task["result"]["content"][0]["text"]
    assert "no speech" not in task["statusMessage"], "upstream's words stay inside the result"


@pytest.mark.parametrize("more", [{"stream": False}, {"wait_seconds": 0}], ids=["stream=false", "wait_seconds=0"])
async def test_who_asks_for_the_id_alone_gets_the_id(stage: Stage, more: dict[str, Any]):
    result = await stage.create(**more)
    assert result["structuredContent"]["status"] == "queued"
    assert result["structuredContent"]["next"]["tool"] == "get_clip_status"


async def test_refused_arguments_are_a_tool_error_and_nothing_is_sent(stage: Stage):
    result = await stage.create(generation_config={"num_generation": 2}, video_urls=["ftp://example.com/a.mp4"])
    assert result["isError"] is True
    assert "num_generations" in result["content"][0]["text"]
    assert stage.api.count("POST") == 0


async def test_what_the_api_refuses_is_a_tool_error(api: ScriptedClipApi):
    api.default = "http_429"
    async with on_stage(api) as stage:
        result = await stage.create()
    assert result["isError"] is True
    assert "24 hours" in result["content"][0]["text"]


async def test_the_same_request_again_is_the_same_task(stage: Stage):
    task_id = (await stage.create())["taskId"]
    again = await stage.create()
    assert again["taskId"] == task_id
    assert "nothing was sent again" in again["statusMessage"]
    assert stage.api.count("POST") == 1


async def test_a_generation_that_ended_already_is_answered_at_once(stage: Stage):
    task_id = (await stage.create())["taskId"]
    await stage.reach(task_id, "completed")
    result = await stage.create()
    assert result["structuredContent"]["id"] == task_id
    assert result["structuredContent"]["status"] == "completed"
    assert stage.api.count("POST") == 1


@pytest.mark.parametrize("agrees", [True, False])
async def test_a_task_does_not_get_around_the_question_for_consent(api: ScriptedClipApi, agrees: bool):
    api.default = "manual"
    asked: list[str] = []

    async def answer(_context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"create": agrees})

    async with on_stage(api, settings={"confirm": True}, elicitation_callback=answer) as stage:
        first = await stage.client.session.call_tool(
            "create_clips", ARGUMENTS, allow_claimed=True, allow_input_required=True
        )
        wire = first.model_dump(by_alias=True, mode="json", exclude_none=True)
        assert wire["resultType"] == "input_required"
        assert "taskId" not in wire
        assert api.count("POST") == 0
        responses = {name: {"action": "accept", "content": {"create": agrees}} for name in wire["inputRequests"]}
        second = await stage.client.session.call_tool(
            "create_clips",
            ARGUMENTS,
            allow_claimed=True,
            input_responses=responses,
            request_state=wire.get("requestState"),
        )
        wire = second.model_dump(by_alias=True, mode="json", exclude_none=True)
    if agrees:
        assert wire["resultType"] == "task"
        assert "requestState" not in wire
    else:
        assert wire["isError"] is True
    assert api.count("POST") == int(agrees)


async def test_cancelling_stops_the_watching_and_says_that_the_generation_goes_on(stage: Stage):
    task_id = (await stage.create())["taskId"]
    assert await acknowledged(stage, "tasks/cancel", task_id)
    task = await stage.task("tasks/get", task_id)
    assert task["status"] == "cancelled"
    assert "continues" in task["statusMessage"]
    job = stage.runtime.manager.known(await stage.runtime.account(), task_id)
    assert job is None or not job.is_wanted

    stage.api.generations[task_id].set_stage("completed")
    result = await stage.client.call_tool("get_clip_status", {"id": task_id})
    assert result.structured_content is not None
    assert result.structured_content["status"] == "completed"
    assert (await stage.task("tasks/get", task_id))["status"] == "cancelled", "an end is an end"


async def test_who_creates_it_again_after_cancelling_wants_it_again(stage: Stage):
    task_id = (await stage.create())["taskId"]
    await stage.task("tasks/cancel", task_id)
    assert (await stage.create())["taskId"] == task_id
    assert (await stage.task("tasks/get", task_id))["status"] == "working"


async def test_cancelling_what_has_ended_is_acknowledged_and_changes_nothing(stage: Stage):
    task_id = (await stage.create())["taskId"]
    await stage.reach(task_id, "completed")
    assert await acknowledged(stage, "tasks/cancel", task_id)
    assert (await stage.task("tasks/get", task_id))["status"] == "completed"


async def test_an_update_is_acknowledged(stage: Stage):
    assert await acknowledged(stage, "tasks/update", (await stage.create())["taskId"])


async def acknowledged(stage: Stage, method: str, task_id: str) -> bool:
    answer = await stage.task(method, task_id)
    return answer["resultType"] == "complete" and not {"taskId", "status", "result"} & answer.keys()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("task_id", [NOWHERE, "../../admin", "", "tasks-12345"])
async def test_an_unknown_task_is_an_invalid_parameter(stage: Stage, method: str, task_id: str):
    with pytest.raises(MCPError) as caught:
        await stage.task(method, task_id)
    assert caught.value.code == -32602
    asked = [request.path for request in stage.api.requests]
    may_exist = task_id in (NOWHERE, "tasks-12345")
    assert asked == ([f"/v1/clips/{task_id}"] if may_exist else []), "what can be no id is not worth a request"


@pytest.mark.parametrize("method", METHODS)
async def test_a_request_that_does_not_declare_the_extension_is_told_so(api: ScriptedClipApi, method: str):
    async with on_stage(api, extensions=[]) as stage:
        with pytest.raises(MCPError) as caught:
            await stage.task(method, NOWHERE)
    assert caught.value.code == -32021
    assert caught.value.data == {"requiredCapabilities": {"extensions": {EXTENSION_ID: {}}}}


@pytest.mark.parametrize("method", METHODS)
async def test_there_are_no_tasks_before_2026_07_28(api: ScriptedClipApi, method: str):
    async with on_stage(api, mode="legacy", extensions=[advertise(EXTENSION_ID)]) as stage:
        with pytest.raises(MCPError) as caught:
            await stage.task(method, NOWHERE)
    assert caught.value.code == -32601


async def test_another_process_answers_for_the_task(stage: Stage):
    task_id = (await stage.create())["taskId"]
    async with on_stage(stage.api) as elsewhere:
        assert (await elsewhere.task("tasks/get", task_id))["status"] == "working"
        stage.api.generations[task_id].set_stage("completed")
        await elsewhere.reach(task_id, "completed")
        assert (await elsewhere.task("tasks/get", task_id))["status"] == "completed"


async def test_the_task_of_another_key_is_unknown(stage: Stage):
    task_id = (await stage.create())["taskId"]
    async with on_stage(stage.api, settings={"api_key": "another-key"}) as elsewhere:
        for method in METHODS:
            with pytest.raises(MCPError) as caught:
                await elsewhere.task(method, task_id)
            assert caught.value.code == -32602
    assert (await stage.task("tasks/get", task_id))["status"] == "working"


async def test_a_revoked_key_is_a_plain_error_without_the_key(api: ScriptedClipApi):
    api.default = "get_401"
    async with on_stage(api, settings={"api_key": "planted-secret"}) as stage:
        task_id = (await stage.create())["taskId"]
        job = stage.runtime.manager.known(await stage.runtime.account(), task_id)
        if job is not None:
            with pytest.raises(AuthenticationError):
                async for _ in job.follow():
                    pass
        with pytest.raises(MCPError) as caught:
            await stage.task("tasks/get", task_id)
    assert caught.value.code == -32603
    assert "check the key" in caught.value.message
    assert "planted-secret" not in str(caught.value)


def test_the_poll_interval_follows_the_stage():
    assert REKA.poll_interval_seconds("indexing", elapsed_seconds=60) == 8
    assert REKA.poll_interval_seconds("a new stage", elapsed_seconds=60) == 5
    assert EMBEDDED.poll_interval_seconds("indexing", elapsed_seconds=60) == 1
    assert REKA.poll_interval_seconds("processing", elapsed_seconds=1_000) == 15


async def test_two_that_ask_for_the_same_at_once_get_the_same_task(stage: Stage):
    made: list[str] = []

    async def one() -> None:
        made.append((await stage.create())["taskId"])

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(one)
    assert len(made) == 5
    assert set(made) == set(stage.api.generations)
    assert stage.api.count("POST") == 1


async def test_the_task_of_a_deleted_generation_is_unknown(stage: Stage):
    task_id = (await stage.create())["taskId"]
    await stage.reach(task_id, "completed")
    await stage.client.call_tool("delete_clip", {"id": task_id})
    with pytest.raises(MCPError) as caught:
        await stage.task("tasks/get", task_id)
    assert caught.value.code == -32602


async def test_whoever_asks_while_another_cancels_gets_one_of_the_two_answers(stage: Stage):
    task_id = (await stage.create())["taskId"]
    seen: list[str] = []

    async def look() -> None:
        seen.append((await stage.task("tasks/get", task_id))["status"])

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(look)
            tasks.start_soon(stage.task, "tasks/cancel", task_id)
    assert set(seen) <= {"working", "cancelled"}
    assert (await stage.task("tasks/get", task_id))["status"] == "cancelled"
    assert stage.api.count("POST") == 1


async def test_an_id_in_other_letters_is_the_same_task(stage: Stage):
    task_id = (await stage.create())["taskId"]
    assert (await stage.task("tasks/get", task_id.upper()))["status"] == "working"
    await stage.task("tasks/cancel", task_id.upper())
    assert (await stage.task("tasks/get", task_id))["status"] == "cancelled"


async def test_a_task_never_moves_back_and_keeps_its_beginning(stage: Stage):
    created = await stage.create()
    task_id = created["taskId"]
    begun = {created["createdAt"]}
    for name in ("indexing", "processing", "completed"):
        await stage.reach(task_id, name)
        task = await stage.task("tasks/get", task_id)
        begun.add(task["createdAt"])
        assert task["lastUpdatedAt"] >= task["createdAt"]
        assert task["ttlMs"] is None
    assert len(begun) == 1
    again = await stage.task("tasks/get", task_id)
    assert again["result"] == task["result"], "a result can be fetched as often as it is wanted"


async def test_nothing_is_told_as_progress_once_there_is_a_task(stage: Stage):
    told: list[str | None] = []

    async def note(_progress: float, _total: float | None, message: str | None) -> None:
        told.append(message)

    result = await stage.client.session.call_tool("create_clips", ARGUMENTS, allow_claimed=True, progress_callback=note)
    before = list(told)
    task_id = result.model_dump(by_alias=True)["taskId"]
    for name in ("indexing", "completed"):
        await stage.reach(task_id, name)
        await stage.task("tasks/get", task_id)
    assert told == before
    assert not any(task_id in (message or "") for message in told)
