"""With REKA_CLIPS_CONFIRM a person is asked before a creation that costs, in either era of the protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequestFormParams, ElicitResult, InputRequiredResult

from scripted_api import ScriptedClipApi
from tool_desk import KEY, LINK, Era, ToolDesk, open_desk, open_runtime, structured, text_of

pytestmark = pytest.mark.anyio

ARGUMENTS = {"video_urls": [LINK], "prompt": 'goals"\nClips: 0\u202e', "generation_config": {"num_generations": 2}}
YES = ElicitResult(action="accept", content={"create": True})


class Person:
    """Answers the question the same way each time, and remembers what it was."""

    def __init__(self, answer: ElicitResult) -> None:
        self.answer = answer
        self.asked: list[ElicitRequestFormParams] = []

    async def __call__(self, _context: Any, params: Any) -> ElicitResult:
        self.asked.append(params)
        return self.answer


@asynccontextmanager
async def guarded(api: ScriptedClipApi, era: Era, person: Person | None, **settings: Any) -> AsyncIterator[ToolDesk]:
    options = {} if person is None else {"elicitation_callback": person}
    async with open_runtime(api, confirm=True, **settings) as runtime, open_desk(runtime, era, **options) as desk:
        with anyio.fail_after(60):
            yield desk


async def test_a_person_sees_source_count_and_what_is_left_and_agrees(api: ScriptedClipApi, era: Era):
    person = Person(YES)
    async with guarded(api, era, person) as desk:
        result = await desk.call("create_clips", ARGUMENTS)
    assert structured(result)["status"] == "completed"
    assert api.count("POST") == 1
    [question] = person.asked
    assert question.message.splitlines() == [
        "Create clips with the Reka Clip API?",
        f"From: {LINK}",
        "Clips: 2",
        'Prompt: "goals\' Clips: 0"',
        "It uses one of the creations left for these 24 hours (10 of 10), and the account may be charged.",
    ]
    assert question.requested_schema["properties"] == {
        "create": {
            "type": "boolean",
            "default": True,
            "title": "Create the clips",
            "description": "Off: nothing is sent.",
        }
    }
    assert "description" not in question.requested_schema
    assert KEY not in question.message


@pytest.mark.parametrize(
    "answer",
    [
        ElicitResult(action="decline"),
        ElicitResult(action="cancel"),
        ElicitResult(action="accept", content={"create": False}),
        ElicitResult(action="accept", content={"create": "banana"}),
    ],
    ids=["decline", "cancel", "unticked", "unreadable"],
)
async def test_without_agreement_nothing_is_sent(api: ScriptedClipApi, era: Era, answer: ElicitResult):
    async with guarded(api, era, Person(answer)) as desk:
        result = await desk.call("create_clips", ARGUMENTS)
    assert result.is_error
    assert "Nothing was sent, nothing is charged." in text_of(result)
    assert api.count("POST") == 0


async def test_a_client_that_cannot_ask_is_told_so_before_upstream_hears_of_it(api: ScriptedClipApi, era: Era):
    async with guarded(api, era, None) as desk:
        result = await desk.call("create_clips", ARGUMENTS)
    assert result.is_error
    assert "this client cannot ask them" in text_of(result)
    assert "REKA_CLIPS_CONFIRM turned off" in text_of(result)
    assert api.requests == []


async def test_wrong_arguments_are_refused_before_anybody_is_asked(api: ScriptedClipApi, era: Era):
    person = Person(YES)
    async with guarded(api, era, person) as desk:
        assert (await desk.call("create_clips", ARGUMENTS | {"promt": "x"})).is_error
    assert person.asked == []
    assert api.requests == []


async def test_joining_what_runs_or_ended_lately_costs_nothing_and_asks_nobody(api: ScriptedClipApi, era: Era):
    api.default = "manual"
    person = Person(YES)
    async with guarded(api, era, person) as desk:
        first = structured(await desk.call("create_clips", ARGUMENTS | {"wait_seconds": 0}))
        joined = structured(await desk.call("create_clips", ARGUMENTS | {"wait_seconds": 0}))
        for stage in ("downloading", "completed"):
            api.generations[first["id"]].set_stage(stage)
        ended = structured(await desk.call("create_clips", ARGUMENTS))
        assert joined["id"] == ended["id"] == first["id"]
        assert len(person.asked) == 1
        assert api.count("POST") == 1
        again = structured(await desk.call("create_clips", ARGUMENTS | {"force_new": True, "wait_seconds": 0}))
    assert again["id"] != first["id"]
    assert len(person.asked) == 2
    assert "(9 of 10)" in person.asked[1].message


async def test_an_answer_that_is_still_out_is_joined_without_asking_again(api: ScriptedClipApi, era: Era):
    api.script = ["hang_before_answer"]
    person = Person(YES)
    async with guarded(api, era, person, wait_seconds=0.2) as desk:
        for _ in range(2):
            result = await desk.call("create_clips", ARGUMENTS)
            assert structured(result)["status"] == "submitting"
    assert len(person.asked) == 1
    assert api.count("POST") == 1


async def test_the_time_a_person_takes_is_not_taken_from_the_wait(api: ScriptedClipApi):
    """Where the question goes out within the call; on 2026-07-28 the call comes again."""

    class Thoughtful(Person):
        async def __call__(self, context: Any, params: Any) -> ElicitResult:
            await anyio.sleep(1.1)  # longer than the whole wait
            return await super().__call__(context, params)

    async with guarded(api, "legacy", Thoughtful(YES), wait_seconds=1) as desk:
        result = await desk.call("create_clips", ARGUMENTS)
    assert structured(result)["status"] == "completed"


async def test_nothing_else_asks(api: ScriptedClipApi, era: Era):
    person = Person(ElicitResult(action="decline"))
    generation = api.plant({"video_urls": [LINK]}, key=KEY)
    async with guarded(api, era, person) as desk:
        assert not (await desk.call("list_clips", {})).is_error
        assert not (await desk.call("get_clip_status", {"id": generation.id})).is_error
        assert not (await desk.call("delete_clip", {"id": generation.id})).is_error
    assert person.asked == []


async def test_a_question_shows_few_of_many_sources_and_no_endless_ones(api: ScriptedClipApi, era: Era):
    person = Person(ElicitResult(action="decline"))
    urls = [f"https://example.com/{n}/{'a' * 500}.mp4" for n in range(7)]
    async with guarded(api, era, person) as desk:
        await desk.call("create_clips", {"video_urls": urls})
    message = person.asked[0].message
    assert "and 4 more" in message
    assert "Clips: as many as Reka chooses" in message
    assert len(message) < 800


async def test_one_yes_is_one_creation(api: ScriptedClipApi):
    """The state that comes back with the answer is used up by it. Source: specification 2026-07-28, requestState."""
    arguments = ARGUMENTS | {"force_new": True}
    async with guarded(api, "auto", Person(YES)) as desk:
        session = desk.client.session
        asked = await session.call_tool("create_clips", arguments, allow_input_required=True)
        assert isinstance(asked, InputRequiredResult)
        answers = dict.fromkeys(asked.input_requests or {}, YES)
        sealed = {"input_responses": answers, "request_state": asked.request_state, "allow_input_required": True}
        first = await session.call_tool("create_clips", arguments, **sealed)
        assert not isinstance(first, InputRequiredResult)
        assert not first.is_error, text_of(first)
        for _ in range(2):
            with pytest.raises(MCPError, match="Invalid or expired requestState"):
                await session.call_tool("create_clips", arguments, **sealed)
    assert api.count("POST") == 1
