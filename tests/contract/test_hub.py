"""The hub: one watcher per generation, any number of listeners, nothing sent twice, nothing kept for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import anyio
import anyio.lowlevel
import pytest

from contract.desk import QUICK, SOURCE, Desk, a_request, open_desk
from reka_clips import errors
from reka_clips.client import REKA, ClipClient
from reka_clips.generations import ApiSession, Generation, GenerationState, RegistryLimits
from scripted_api import CLIP, ScriptedClipApi
from scripted_api.wire import Exchange

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(170)]

FULL = ["queued", "downloading", "indexing", "preprocessing", "processing", "completed"]


@pytest.fixture(autouse=True)
async def deadline():
    with anyio.fail_after(150):
        yield


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what nobody tells: that time has passed, or that something was forgotten."""
    while not condition():  # noqa: ASYNC110 - see above
        await anyio.sleep(0.001)


async def stages(job: Generation) -> list[str]:
    return [state.stage async for state in job.follow()]


async def reached(job: Generation, stage: str) -> GenerationState:
    """Follow until a stage is there."""
    async for state in job.follow():
        if state.stage == stage:
            return state
    raise AssertionError(f"it ended at {job.state.stage}")


# --- What one creation costs -----------------------------------------------------------------------------------


async def test_a_streamed_generation_costs_one_post_and_no_get(api: ScriptedClipApi, desk: Desk):
    job = await desk.manager.create(desk.account, a_request()).job()

    assert await stages(job) == FULL
    assert [(request.method, request.path) for request in api.requests] == [("POST", "/v1/clips")]
    assert job.state.snapshot.output[0].link == CLIP["video_url"]


async def test_a_hundred_listeners_cost_one_stream_and_each_hears_every_stage(api: ScriptedClipApi, desk: Desk):
    api.default = "manual"
    job = await desk.manager.create(desk.account, a_request()).job()
    heard: list[list[str]] = []

    async def listen() -> None:
        heard.append(await stages(job))

    async with anyio.create_task_group() as listeners:
        for _ in range(100):
            listeners.start_soon(listen)
        while job.listeners < 100:
            await anyio.lowlevel.checkpoint()
        for stage in FULL[1:]:
            api.generations[job.id].set_stage(stage)

    assert heard == [FULL] * 100
    assert len(api.requests) == 1
    assert job.listeners == 0


async def test_a_slow_listener_misses_no_stage(desk: Desk):
    job = await desk.manager.create(desk.account, a_request()).job()
    await stages(job)

    assert await stages(job) == FULL  # all of it happened before this one began to listen


async def test_a_listener_that_leaves_changes_nothing_for_the_others(api: ScriptedClipApi, desk: Desk):
    api.default = "manual"
    job = await desk.manager.create(desk.account, a_request()).job()
    async with anyio.create_task_group() as staying:
        staying.start_soon(stages, job)
        with anyio.CancelScope() as leaving:
            async for _ in job.follow():
                leaving.cancel()
                await anyio.lowlevel.checkpoint()
        for stage in FULL[1:]:
            api.generations[job.id].set_stage(stage)

    assert job.state.stage == "completed"


async def test_asking_for_the_status_all_the_time_costs_no_more_gets_than_polling(api: ScriptedClipApi):
    api.default = "manual"
    config = replace(QUICK, poll_first_seconds=0.1, poll_growth=2.0, poll_longest_seconds=60.0)
    async with open_desk(api.base_url, config=config) as desk:
        job = await desk.manager.create(desk.account, a_request(), stream=False).job()
        began = anyio.current_time()
        while (elapsed := anyio.current_time() - began) < 1.0:
            assert await desk.manager.job(desk.account, job.id) is job
        allowed = sum(elapsed >= due for due in (0.1, 0.3, 0.7, 1.5, 3.1))
        assert 1 <= api.count("GET", "/v1/clips/") <= allowed


async def test_the_state_of_a_live_stream_is_fresh_without_a_get(api: ScriptedClipApi, desk: Desk):
    api.default = "manual"
    job = await desk.manager.create(desk.account, a_request()).job()
    for _ in range(20):
        assert await desk.manager.job(desk.account, job.id.upper()) is job

    assert api.count("GET", "/v1/clips/") == 0
    await desk.manager.job(desk.account, job.id, max_age_seconds=0)
    assert api.count("GET", "/v1/clips/") == 1


async def test_many_who_ask_at_once_share_one_get(api: ScriptedClipApi, desk: Desk):
    planted = api.plant({"video_urls": [SOURCE]}, manual=True)
    async with anyio.create_task_group() as askers:
        for _ in range(50):
            askers.start_soon(desk.manager.job, desk.account, planted.id)

    assert api.count("GET", "/v1/clips/") == 1


async def test_a_creation_without_a_stream_is_asked_for_only_when_somebody_wants_to_know(api: ScriptedClipApi):
    async with open_desk(api.base_url, config=replace(QUICK, prune_seconds=0.01)) as desk:
        job = await desk.manager.create(desk.account, a_request(), stream=False).job()
        await anyio.wait_all_tasks_blocked()
        assert api.requests[0].json()["stream"] is False
        assert api.count("GET", "/v1/clips/") == 0

        assert (await stages(job))[-1] == "completed"
        asked = api.count("GET", "/v1/clips/")
        await anyio.wait_all_tasks_blocked()
        assert api.count("GET", "/v1/clips/") == asked


# --- Callers come and go ---------------------------------------------------------------------------------------


async def test_a_caller_that_is_cancelled_before_the_answer_cancels_no_creation(api: ScriptedClipApi, desk: Desk):
    api.default = "manual"
    with anyio.CancelScope() as impatient:
        creation = desk.manager.create(desk.account, a_request())
        impatient.cancel()
        await creation.job()

    job = await creation.job()
    assert job.id in api.generations
    assert api.count("POST") == 1


async def test_a_caller_that_is_cancelled_while_it_follows_cancels_no_watching(api: ScriptedClipApi, desk: Desk):
    api.default = "manual"
    job = await desk.manager.create(desk.account, a_request()).job()
    with anyio.move_on_after(0.01):
        await stages(job)
    for stage in FULL[1:]:
        api.generations[job.id].set_stage(stage)

    while not job.state.is_terminal:  # nobody listens; it is watched all the same
        await job.changed.wait()
    assert api.count("GET", "/v1/clips/") == 0


async def test_the_end_of_the_hub_ends_everything_at_once(api: ScriptedClipApi):
    api.default = "manual"
    seen: list[type[Exception]] = []

    async def follow(job: Generation) -> None:
        try:
            await stages(job)
        except errors.RekaClipsError as error:
            seen.append(type(error))

    async def wait_for(desk: Desk) -> None:
        try:
            await desk.manager.create(desk.account, a_request("[scenario hang_before_answer]")).job()
        except errors.RekaClipsError as error:
            seen.append(type(error))

    async with anyio.create_task_group() as callers:
        async with open_desk(api.base_url) as desk:
            for number in range(10):
                job = await desk.manager.create(desk.account, a_request(str(number))).job()
                callers.start_soon(follow, job)
            lazy = await desk.manager.create(desk.account, a_request("lazy"), stream=False).job()
            callers.start_soon(follow, lazy)
            callers.start_soon(wait_for, desk)
            await api.arrived("POST", times=12)
            began = anyio.current_time()
        assert anyio.current_time() - began < 10.0  # it takes some hundredths; machines may be busy

    assert seen.count(errors.ShutdownError) == 11
    assert seen.count(errors.CreationLostError) == 1
    await api.server.until_closed()
    with pytest.raises(errors.ShutdownError):
        desk.manager.create(desk.account, a_request())


# --- The same request again ------------------------------------------------------------------------------------


async def test_the_same_request_joins_the_generation_that_runs(api: ScriptedClipApi, desk: Desk):
    api.default = "manual"
    first = desk.manager.create(desk.account, a_request())
    second = desk.manager.create(desk.account, a_request())  # before the answer
    job = await first.job()
    third = desk.manager.create(desk.account, a_request())  # after it

    assert await second.job() is job
    assert await third.job() is job
    assert [creation.how for creation in (first, second, third)] == ["created", "joined", "joined"]
    assert first.note is None
    assert "nothing was sent" in str(second.note)
    assert "nothing was sent" in str(third.note)
    assert api.count("POST") == 1


async def test_other_requests_and_other_callers_join_nothing(api: ScriptedClipApi, desk: Desk):
    api.default = "manual"
    other = desk.account_of("another-key")
    creations = [
        desk.manager.create(desk.account, a_request()),
        desk.manager.create(desk.account, a_request(rendering_config={"resolution": 480})),
        desk.manager.create(desk.account, a_request(reel_quality="lite")),
        desk.manager.create(desk.account, a_request(None)),
        desk.manager.create(other, a_request()),
    ]
    jobs = [await creation.job() for creation in creations]

    assert len({job.id for job in jobs}) == 5
    assert {creation.how for creation in creations} == {"created"}
    assert [request.headers["x-api-key"] for request in api.requests].count("another-key") == 1


async def test_a_generation_of_one_key_is_unknown_to_another(desk: Desk):
    job = await desk.manager.create(desk.account, a_request()).job()

    with pytest.raises(errors.NotFoundError) as caught:
        await desk.manager.job(desk.account_of("another-key"), job.id)
    assert caught.value.generation_id == job.id


async def test_the_same_request_after_the_end_gets_that_result(api: ScriptedClipApi, desk: Desk):
    job = await desk.manager.create(desk.account, a_request()).job()
    await stages(job)
    again = desk.manager.create(desk.account, a_request())

    assert await again.job() is job
    assert again.how == "repeated"
    assert "force_new" in str(again.note)
    assert api.count("POST") == 1


async def test_force_new_sends_the_same_request_again(api: ScriptedClipApi, desk: Desk):
    first = await desk.manager.create(desk.account, a_request()).job()
    await stages(first)
    forced = desk.manager.create(desk.account, a_request(), force_new=True)
    second = await forced.job()
    assert await desk.manager.create(desk.account, a_request()).job() is second  # the newest counts from now on

    assert second.id != first.id
    assert forced.how == "created"
    assert api.count("POST") == 2


async def test_after_the_documented_time_the_same_request_is_sent_again(api: ScriptedClipApi):
    async with open_desk(api.base_url, config=replace(QUICK, repeat_seconds=0.0)) as desk:
        first = await desk.manager.create(desk.account, a_request()).job()
        await stages(first)
        await until(lambda: bool(first.ended_ago_seconds()))
        assert (await desk.manager.create(desk.account, a_request()).job()).id != first.id


async def test_a_generation_that_nobody_followed_is_looked_at_before_it_is_joined(api: ScriptedClipApi):
    api.default = "manual"
    async with open_desk(api.base_url, config=replace(QUICK, poll_first_seconds=0.0)) as desk:
        job = await desk.manager.create(desk.account, a_request(), stream=False).job()
        api.generations[job.id].set_stage("completed")
        again = desk.manager.create(desk.account, a_request(), stream=False)
        assert await again.job() is job
        assert again.how == "repeated"

        del api.generations[job.id]  # deleted by somebody else
        anew = desk.manager.create(desk.account, a_request("another"), stream=False)
        gone = await anew.job()
        del api.generations[gone.id]
        desk.manager.known(desk.account, gone.id).is_confirmed = True  # type: ignore[union-attr]
        assert (await desk.manager.create(desk.account, a_request("another"), stream=False).job()).id != gone.id


async def test_old_dates_of_upstream_make_no_repeat_into_a_second_post(api: ScriptedClipApi, desk: Desk):
    api.default = "manual"
    job = await desk.manager.create(desk.account, a_request()).job()
    api.generations[job.id].set_stage("completed", updated_at="2024-01-15T10:35:00Z", created_at="2024-01-15T10:30:00Z")
    await stages(job)
    await desk.manager.create(desk.account, a_request()).job()

    assert api.count("POST") == 1
    assert job.elapsed_seconds == 300


# --- Status, renewal, deletion ---------------------------------------------------------------------------------


async def test_a_finished_one_is_asked_for_again_when_its_links_may_be_old(api: ScriptedClipApi):
    async with open_desk(api.base_url, config=replace(QUICK, renew_seconds=0.2)) as desk:
        job = await desk.manager.create(desk.account, a_request()).job()
        await stages(job)
        await desk.manager.job(desk.account, job.id)
        gets_at_once = api.count("GET", "/v1/clips/")

        renewed = CLIP | {"video_url": "https://cdn.example.com/renewed.mp4"}
        api.generations[job.id].set_stage("completed", output=[renewed])
        await until(lambda: not job.is_fresh(None))
        again = await desk.manager.job(desk.account, job.id)
        assert again is job
        assert again.state.snapshot.output[0].link == renewed["video_url"]
        assert [state.snapshot.output for state in [s async for s in job.follow()]][-1] == again.state.snapshot.output
        assert gets_at_once == 0


async def test_a_result_that_cannot_be_renewed_is_given_as_it_is(api: ScriptedClipApi):
    async with open_desk(api.base_url, config=replace(QUICK, renew_seconds=0.0)) as desk:
        job = await desk.manager.create(desk.account, a_request()).job()
        await stages(job)
        await api.server.stop()
        assert await desk.manager.job(desk.account, job.id) is job
        await api.server.start()


async def test_an_unknown_generation_is_an_error_and_is_not_kept(desk: Desk):
    nowhere = "00000000-0000-4000-8000-000000000000"
    for _ in range(2):
        with pytest.raises(errors.NotFoundError) as caught:
            await desk.manager.job(desk.account, nowhere)
        assert caught.value.generation_id == nowhere
        assert caught.value.request_id
    assert len(desk.manager) == 0


async def test_deleting_makes_everything_forget_it(api: ScriptedClipApi, desk: Desk):
    job = await desk.manager.create(desk.account, a_request()).job()
    await stages(job)
    await desk.manager.delete(desk.account, job.id, delete_input_video=True)

    assert len(desk.manager) == 0
    assert api.requests[-1].json() == {"delete_input_video": True}
    with pytest.raises(errors.NotFoundError):
        await desk.manager.job(desk.account, job.id)
    anew = desk.manager.create(desk.account, a_request())
    assert (await anew.job()).id != job.id
    assert anew.how == "created"


async def test_those_who_follow_a_deleted_generation_are_told(api: ScriptedClipApi, desk: Desk):
    api.default = "manual"
    job = await desk.manager.create(desk.account, a_request()).job()
    async with anyio.create_task_group() as callers:

        async def follow() -> None:
            with pytest.raises(errors.NotFoundError) as caught:
                await stages(job)
            assert caught.value.generation_id == job.id

        callers.start_soon(follow)
        while not job.listeners:
            await anyio.lowlevel.checkpoint()
        desk.manager.forget(desk.account, job.id)
    await api.server.until_closed()


async def test_one_that_still_runs_is_not_deleted_and_stays_known(api: ScriptedClipApi, desk: Desk):
    api.default = "manual"
    job = await desk.manager.create(desk.account, a_request()).job()
    with pytest.raises(errors.ConflictError) as caught:
        await desk.manager.delete(desk.account, job.id)

    assert caught.value.generation_id == job.id
    assert await desk.manager.create(desk.account, a_request()).job() is job


async def test_an_answer_for_another_generation_is_no_answer(api: ScriptedClipApi, desk: Desk):
    planted = api.plant({"video_urls": [SOURCE]}, manual=True, more={"id": "11111111-1111-4111-8111-111111111111"})
    with pytest.raises(errors.UnreadableAnswerError):
        await desk.manager.job(desk.account, planted.id)
    assert len(desk.manager) == 0


async def test_the_list_is_upstreams(api: ScriptedClipApi, desk: Desk):
    for number in range(5):
        api.plant({"video_urls": [SOURCE], "prompt": str(number)}, status="failed" if number % 2 else None)
    page = await desk.manager.list(desk.account, offset=1, limit=1, status="failed")

    assert [item.prompt for item in page.items] == ["3"]


async def test_what_is_left_of_the_day_is_kept(desk: Desk):
    creation = desk.manager.create(desk.account, a_request())
    await creation.job()
    assert creation.rate_limit == errors.RateLimit(limit=10, remaining=9, reset_seconds=3600, retry_after_seconds=0)

    refused = desk.manager.create(desk.account, a_request("[scenario http_429]"))
    with pytest.raises(errors.RateLimitError) as caught:
        await refused.job()
    assert caught.value.rate_limit is not None
    assert caught.value.rate_limit.remaining == 8
    assert caught.value.request_id == "req-2"


# --- Watching ends ---------------------------------------------------------------------------------------------


async def test_one_that_nobody_asks_about_is_let_go_and_can_be_asked_for_again(api: ScriptedClipApi):
    api.default = "manual"
    config = replace(QUICK, unasked_seconds=0.1, prune_seconds=0.02)
    async with open_desk(api.base_url, config=config) as desk:
        job = await desk.manager.create(desk.account, a_request()).job()
        await until(lambda: len(desk.manager) == 0)
        await api.server.until_closed()

        again = await desk.manager.job(desk.account, job.id)
        assert again.state.stage == "queued"


async def test_one_that_somebody_listens_to_is_never_let_go(api: ScriptedClipApi):
    api.default = "manual"
    config = replace(QUICK, unasked_seconds=0.02, repeat_seconds=0.02, prune_seconds=0.01)
    async with open_desk(api.base_url, config=config) as desk:
        job = await desk.manager.create(desk.account, a_request()).job()
        async with anyio.create_task_group() as callers:
            callers.start_soon(stages, job)
            await until(lambda: job.listeners > 0)
            later = await desk.manager.create(desk.account, a_request("later")).job()
            await until(lambda: desk.manager.known(desk.account, later.id) is None)
            assert desk.manager.known(desk.account, job.id) is job
            api.generations[job.id].set_stage("completed")
        await until(lambda: len(desk.manager) == 0)


async def test_watching_can_be_stopped_and_goes_on_when_somebody_listens(api: ScriptedClipApi, desk: Desk):
    api.default = "manual"
    job = await desk.manager.create(desk.account, a_request()).job()
    desk.manager.stop_watching(desk.account, job.id)
    await api.server.until_closed()
    assert await desk.manager.job(desk.account, job.id) is job

    api.generations[job.id].set_stage("completed")
    assert (await stages(job))[-1] == "completed"


async def test_listening_goes_on_after_watching_was_stopped_by_another(api: ScriptedClipApi, desk: Desk):
    api.default = "manual"
    job = await desk.manager.create(desk.account, a_request()).job()
    async with anyio.create_task_group() as callers:
        callers.start_soon(stages, job)
        while not job.listeners:
            await anyio.lowlevel.checkpoint()
        desk.manager.stop_watching(desk.account, job.id)
        await api.arrived("GET", "/v1/clips/")
        api.generations[job.id].set_stage("completed")

    assert job.state.is_terminal


# --- Sizes -----------------------------------------------------------------------------------------------------


async def test_a_full_hub_makes_room_by_what_ended_and_else_refuses_before_anything_is_sent(api: ScriptedClipApi):
    api.default = "manual"
    async with open_desk(api.base_url, limits=RegistryLimits(max_generations=3)) as desk:
        jobs = [await desk.manager.create(desk.account, a_request(str(number))).job() for number in range(3)]
        with pytest.raises(errors.BusyError):
            await desk.manager.create(desk.account, a_request("one more")).job()
        planted = api.plant({"video_urls": [SOURCE]}, manual=True)
        with pytest.raises(errors.BusyError):
            await desk.manager.job(desk.account, planted.id)
        assert api.count("POST") == 3

        api.generations[jobs[1].id].set_stage("completed")
        await stages(jobs[1])
        await desk.manager.create(desk.account, a_request("one more")).job()
        assert len(desk.manager) == 3
        assert desk.manager.known(desk.account, jobs[1].id) is None


async def test_a_full_hub_lets_go_of_the_one_that_was_longest_not_asked_for(api: ScriptedClipApi):
    api.default = "manual"
    async with open_desk(api.base_url, limits=RegistryLimits(max_generations=2, evict_unasked_seconds=0.0)) as desk:
        first = await desk.manager.create(desk.account, a_request("1")).job()
        second = await desk.manager.create(desk.account, a_request("2")).job()
        await desk.manager.job(desk.account, first.id)
        asked_at = anyio.current_time()
        await until(lambda: anyio.current_time() > asked_at)
        third = await desk.manager.create(desk.account, a_request("3")).job()

        assert desk.manager.known(desk.account, second.id) is None
        assert desk.manager.known(desk.account, first.id) is first
        api.generations[second.id].set_stage("completed")
        assert (await stages(second))[-1] == "completed"  # whoever still holds it may follow it
        assert third.state.stage == "queued"


async def test_huge_texts_are_held_cut(desk: Desk):
    job = await desk.manager.create(desk.account, a_request("[scenario big_caption]")).job()
    await stages(job)
    clip = job.state.snapshot.output[0]

    assert len(clip.caption or "") == 20_000
    assert len(clip.title or "") == 1_000
    assert len(job.state.snapshot.prompt or "") == 20_000


# --- Polling ---------------------------------------------------------------------------------------------------


async def test_polling_waits_as_long_as_upstream_asks(api: ScriptedClipApi, desk: Desk):
    waits = iter(["0.3", "0"])
    moments: list[float] = []

    async def get(_api: object, exchange: object, generation: object) -> None:
        moments.append(anyio.current_time())
        exchange.extra_headers["retry-after"] = next(waits, "0")  # type: ignore[attr-defined]
        if len(moments) == 1:
            await exchange.json(429, {})  # type: ignore[attr-defined]
        else:
            generation.set_stage("completed")  # type: ignore[attr-defined]
            await exchange.json(200, generation.snapshot())  # type: ignore[attr-defined]

    job = await desk.manager.create(desk.account, a_request("[scenario cut_at_downloading]")).job()
    generation = api.generations[job.id]
    generation.scenario = replace(generation.scenario, on_get=get)
    await stages(job)

    assert moments[1] - moments[0] >= 0.3


async def test_an_upstream_that_restarts_ends_nothing(api: ScriptedClipApi, desk: Desk):
    api.default = "manual"
    job = await desk.manager.create(desk.account, a_request()).job()
    async with anyio.create_task_group() as callers:
        callers.start_soon(stages, job)
        while not job.listeners:
            await anyio.lowlevel.checkpoint()
        await api.server.stop()  # every stream breaks, every poll is refused
        await until(lambda: not job.streaming)
        await api.server.start()
        api.generations[job.id].set_stage("completed")

    assert job.state.is_terminal
    assert api.count("POST") == 1


async def test_an_upstream_that_is_not_there_is_certain_and_the_next_try_works(api: ScriptedClipApi, desk: Desk):
    await api.server.stop()
    with pytest.raises(errors.NotSentError) as caught:
        await desk.manager.create(desk.account, a_request()).job()
    assert "Nothing was sent" in str(caught.value)

    await api.server.start()
    assert (await stages(await desk.manager.create(desk.account, a_request()).job())) == FULL


# --- Races -----------------------------------------------------------------------------------------------------


async def test_a_create_during_a_deletion_does_not_get_what_is_deleted(api: ScriptedClipApi, desk: Desk):
    job = await desk.manager.create(desk.account, a_request()).job()
    await stages(job)
    let_go = anyio.Event()

    async def held(exchange: Exchange) -> None:
        if exchange.method == "DELETE":
            await let_go.wait()

    api.before_answer = held
    async with anyio.create_task_group() as callers:
        callers.start_soon(desk.manager.delete, desk.account, job.id)
        await api.arrived("DELETE", "/v1/clips/")
        again = desk.manager.create(desk.account, a_request())
        await anyio.wait_all_tasks_blocked()
        let_go.set()

    assert (await again.job()).id != job.id
    assert again.how == "created"
    assert api.count("POST") == 2


async def test_a_forced_creation_that_is_refused_leaves_the_one_under_way_to_be_joined(
    api: ScriptedClipApi, desk: Desk
):
    let_go = anyio.Event()

    async def held(_: Exchange) -> None:
        if api.count("POST") == 1:
            await let_go.wait()

    api.before_answer = held
    api.script = ["http_429", "manual"]  # the second to arrive is answered first
    first = desk.manager.create(desk.account, a_request())
    await api.arrived("POST")
    with pytest.raises(errors.RateLimitError):
        await desk.manager.create(desk.account, a_request(), force_new=True).job()
    third = desk.manager.create(desk.account, a_request())
    let_go.set()

    assert await third.job() is await first.job()
    assert third.how == "joined"
    assert api.count("POST") == 2


async def test_all_who_joined_a_creation_hear_that_it_was_refused_and_the_next_one_is_sent(
    api: ScriptedClipApi, desk: Desk
):
    api.script = ["http_402"]
    creations = [desk.manager.create(desk.account, a_request()) for _ in range(5)]
    for creation in creations:
        with pytest.raises(errors.CreditError):
            await creation.job()
    assert api.count("POST") == 1
    await desk.manager.create(desk.account, a_request()).job()
    assert api.count("POST") == 2


async def test_a_caller_that_leaves_between_the_post_and_the_first_byte_is_led_back_to_it(
    api: ScriptedClipApi, desk: Desk
):
    let_go = anyio.Event()

    async def held(_: Exchange) -> None:
        await let_go.wait()

    api.before_answer = held
    api.default = "manual"
    with anyio.CancelScope() as leaving:
        creation = desk.manager.create(desk.account, a_request())
        await api.arrived("POST")
        leaving.cancel()
        await creation.job()
    again = desk.manager.create(desk.account, a_request())
    let_go.set()

    assert (await again.job()).id in api.generations
    assert again.how == "joined"
    assert api.count("POST") == 1


async def test_a_backend_that_comes_back_at_another_address_is_followed_there(api: ScriptedClipApi, desk: Desk):
    """So it is with the embedded engine: started again, it has another port and another key."""
    job = await desk.manager.create(desk.account, a_request(), stream=False).job()
    await api.server.stop()
    async with ScriptedClipApi() as other:
        moved = other.plant({"video_urls": [SOURCE]}, key="new", manual=True)
        other.generations = {job.id: moved}
        moved.id = job.id
        client = ClipClient(desk.pool, base_url=other.base_url, api_key="new")
        there = ApiSession(client, owner=desk.account.owner, backend=REKA)
        assert await desk.manager.job(there, job.id, max_age_seconds=0) is job
        moved.set_stage("completed")
        assert (await stages(job))[-1] == "completed"


async def test_past_stages_hold_no_texts(desk: Desk):
    """An upstream that sends other long texts with every stage must not have all of them held."""
    job = await desk.manager.create(desk.account, a_request("[scenario long_texts]")).job()
    await stages(job)
    held = [state.snapshot for state in job.history]

    assert len(held) > 3
    assert [snapshot.prompt for snapshot in held[:-1]] == [None] * (len(held) - 1)
    assert len(held[-1].prompt or "") > 10_000
    assert [snapshot.status for snapshot in held] == FULL
