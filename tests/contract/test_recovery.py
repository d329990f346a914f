"""Creations whose answer is lost are found again, or it is said that they may exist; they are never guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
import pytest

from contract.desk import QUICK, SOURCE, Desk, a_request, open_desk
from reka_clips import errors
from scripted_api import SCENARIOS, ScriptedClipApi
from scripted_api.api import iso

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(170)]

BODY = {"video_urls": [SOURCE], "prompt": "goals"}


@pytest.fixture(autouse=True)
async def deadline():
    with anyio.fail_after(150):
        yield


async def test_an_older_generation_of_the_same_request_is_never_taken_for_the_lost_one(
    api: ScriptedClipApi, desk: Desk
):
    api.plant(BODY, age_seconds=3600)
    api.script = ["lost_reset"]
    with pytest.raises(errors.CreationLostError) as caught:
        await desk.manager.create(desk.account, a_request()).job()

    assert caught.value.candidates == ()
    assert "may have been created and charged" in str(caught.value)


async def test_one_known_already_is_never_taken_for_the_lost_one(api: ScriptedClipApi, desk: Desk):
    api.script = ["manual", "lost_reset"]
    await desk.manager.create(desk.account, a_request()).job()
    with pytest.raises(errors.CreationLostError):
        await desk.manager.create(desk.account, a_request(), force_new=True).job()


async def test_it_is_found_on_the_last_page_in_either_order(api: ScriptedClipApi, desk: Desk):
    for number in range(45):
        api.plant({"video_urls": [SOURCE], "prompt": f"other {number}"})
    for newest_first in (False, True):
        api.newest_first = newest_first
        api.script = ["reset_before_answer"]
        creation = desk.manager.create(desk.account, a_request(), force_new=True)
        job = await creation.job()
        assert creation.how == "recovered"
        assert api.generations[job.id].body == BODY


async def test_it_is_found_when_it_appears_in_the_list_late(api: ScriptedClipApi, desk: Desk):
    api.script = ["lost_reset"]
    creation = desk.manager.create(desk.account, a_request())
    await api.arrived("GET")
    planted = api.plant(BODY)

    assert (await creation.job()).id == planted.id
    assert creation.how == "recovered"


@pytest.mark.parametrize("ahead", [timedelta(hours=-3), timedelta(hours=3)])
async def test_another_clock_upstream_misleads_nobody(ahead: timedelta, api: ScriptedClipApi, desk: Desk):
    def their_now() -> datetime:
        return datetime.now(UTC) + ahead

    async def dated_list(_api: object, exchange: object) -> None:
        exchange.extra_headers["Date"] = format_datetime(their_now(), usegmt=True)  # type: ignore[attr-defined]
        items = [{name: one.snapshot()[name] for name in ("id", "status", "video_urls", "prompt")}
                 for one in api.generations.values()]  # fmt: skip
        await exchange.json(200, {"items": items})  # type: ignore[attr-defined]

    async def dated_get(_api: object, exchange: object, generation: object) -> None:
        exchange.extra_headers["Date"] = format_datetime(their_now(), usegmt=True)  # type: ignore[attr-defined]
        await exchange.json(200, generation.snapshot())  # type: ignore[attr-defined]

    scenario = replace(SCENARIOS["lost_reset"], on_list=dated_list, on_get=dated_get)
    old = api.plant(BODY, scenario=scenario, created_at=iso(their_now() - timedelta(minutes=10)))
    api.script = ["lost_reset"]
    creation = desk.manager.create(desk.account, a_request())
    await api.arrived("POST")
    new = api.plant(BODY, scenario=scenario, created_at=iso(their_now()))

    job = await creation.job()
    assert job.id == new.id
    assert job.id != old.id
    assert job.elapsed_seconds < 60


async def test_one_without_a_date_counts_if_it_runs_and_is_only_named_if_it_ended(api: ScriptedClipApi, desk: Desk):
    api.script = ["lost_reset", "lost_reset"]
    running = api.plant(BODY, manual=True, created_at=None)
    assert (await desk.manager.create(desk.account, a_request()).job()).id == running.id

    other = {"video_urls": [SOURCE], "prompt": "tackles"}
    ended = api.plant(other, status="completed", created_at=None)
    with pytest.raises(errors.CreationLostError) as caught:
        await desk.manager.create(desk.account, a_request("tackles")).job()
    assert caught.value.candidates == (ended.id,)
    assert ended.id in str(caught.value)


async def test_several_that_look_the_same_are_told_newest_first(api: ScriptedClipApi, desk: Desk):
    api.script = ["lost_among_two"]
    with pytest.raises(errors.CreationLostError) as caught:
        await desk.manager.create(desk.account, a_request()).job()

    newest_first = sorted(api.generations.values(), key=lambda one: one.created_at, reverse=True)
    assert set(caught.value.candidates) == {one.id for one in newest_first}
    assert len(desk.manager) == 0


async def test_the_options_tell_requests_apart_that_the_list_shows_alike(api: ScriptedClipApi, desk: Desk):
    api.script = ["lost_reset"]
    creation = desk.manager.create(desk.account, a_request(rendering_config={"resolution": 480, "layout": "fit"}))
    await api.arrived("POST")
    api.plant(BODY | {"rendering_config": {"resolution": "1080", "layout": "fit"}})
    right = api.plant(BODY | {"rendering_config": {"resolution": "480", "layout": "fit", "subtitles": True}})

    assert (await creation.job()).id == right.id


async def test_of_twins_that_are_both_lost_neither_is_guessed(api: ScriptedClipApi, desk: Desk):
    api.script = ["http_500", "http_500"]
    creations = [desk.manager.create(desk.account, a_request(), force_new=True) for _ in range(2)]
    for creation in creations:
        with pytest.raises(errors.CreationLostError, match="may be one of"):
            await creation.job()
    assert api.count("POST") == 2


async def test_a_lost_creation_never_takes_the_generation_of_one_still_under_way(api: ScriptedClipApi, desk: Desk):
    """Two requests that the list shows alike: one is lost, the other is created and its answer comes late."""
    late = anyio.Event()

    async def answer_late(scripted: ScriptedClipApi, exchange: object, key: str, body: dict, scenario: object) -> None:
        generation = scripted.new_generation(body, key, scenario)  # type: ignore[arg-type]
        await late.wait()
        await exchange.json(202, generation.snapshot())  # type: ignore[attr-defined]

    SCENARIOS["late"] = replace(SCENARIOS["manual"], name="late", on_post=answer_late)
    try:
        api.script = ["late", "lost_reset"]
        slow = desk.manager.create(desk.account, a_request(), stream=False)
        await api.arrived("POST")
        lost = desk.manager.create(desk.account, a_request(rendering_config={"resolution": 480}), stream=False)
        await api.arrived("GET", "/v1/clips/")  # the lost one looks at the generation of the other
        late.set()
        with pytest.raises(errors.CreationLostError):
            await lost.job()
        assert (await slow.job()).id in api.generations
        assert slow.how == "created"
    finally:
        del SCENARIOS["late"]


async def test_two_lost_requests_with_other_options_are_not_mixed_up(api: ScriptedClipApi, desk: Desk):
    api.script = ["http_500", "http_500"]
    small = desk.manager.create(desk.account, a_request(rendering_config={"resolution": 240}))
    large = desk.manager.create(desk.account, a_request(rendering_config={"resolution": 1080}))

    assert api.generations[(await small.job()).id].body["rendering_config"] == {"resolution": 240}
    assert api.generations[(await large.job()).id].body["rendering_config"] == {"resolution": 1080}


async def test_two_lost_requests_that_nothing_tells_apart_are_told(api: ScriptedClipApi, desk: Desk):
    """Upstream does not show the options of what it created: neither may be guessed."""
    silent = {"rendering_config": None, "generation_config": None}
    api.script = ["lost_reset", "lost_reset"]
    creations = [
        desk.manager.create(desk.account, a_request(rendering_config={"resolution": size})) for size in (240, 480)
    ]
    await api.arrived("POST", times=2)
    planted = {api.plant(BODY, more=silent).id for _ in range(2)}
    for creation in creations:
        with pytest.raises(errors.CreationLostError) as caught:
            await creation.job()
        assert set(caught.value.candidates) <= planted
    assert len(desk.manager) == 0


async def test_after_a_restart_the_409_of_upstream_leads_back_to_the_one_that_runs(api: ScriptedClipApi):
    api.script = ["manual"]
    async with open_desk(api.base_url) as before:
        job = await before.manager.create(before.account, a_request()).job()
    api.plant(BODY, age_seconds=90_000, status="completed")  # of yesterday; the one that runs goes first

    async def refuse(_api: object, exchange: object, *_: object) -> None:
        await exchange.json(409, {"error": {"message": "Duplicate request"}})  # type: ignore[attr-defined]

    SCENARIOS["refuse"] = replace(SCENARIOS["normal"], name="refuse", on_post=refuse)
    try:
        async with open_desk(api.base_url) as after:
            api.script = ["refuse"]
            creation = after.manager.create(after.account, a_request())
            assert (await creation.job()).id == job.id
            assert creation.how == "recovered"
            assert "409" in str(creation.note)

            api.script = ["refuse"]  # and one that is known is not even searched for
            gets = api.count("GET")
            forced = after.manager.create(after.account, a_request(), force_new=True)
            assert (await forced.job()).id == job.id
            assert api.count("GET") == gets
    finally:
        del SCENARIOS["refuse"]


async def test_several_ended_ones_behind_a_409_are_told(api: ScriptedClipApi, desk: Desk):
    old = api.plant(BODY, age_seconds=9000, status="completed")
    new = api.plant(BODY, age_seconds=3000, status="failed")

    async def refuse(_api: object, exchange: object, *_: object) -> None:
        await exchange.json(409, {"error": {"message": "Duplicate request"}})  # type: ignore[attr-defined]

    SCENARIOS["refuse"] = replace(SCENARIOS["normal"], name="refuse", on_post=refuse)
    try:
        api.script = ["refuse"]
        with pytest.raises(errors.CreationLostError) as caught:
            await desk.manager.create(desk.account, a_request()).job()
        assert caught.value.candidates == (new.id, old.id)
        assert "charged" not in str(caught.value)
    finally:
        del SCENARIOS["refuse"]


async def test_a_list_that_never_ends_is_not_read_for_ever(api: ScriptedClipApi):
    async def endless(_api: object, exchange: object) -> None:
        offset = int(exchange.query["offset"])  # type: ignore[attr-defined]
        items = [
            {"id": f"{offset + number}", "status": "queued", "video_urls": [], "prompt": ""} for number in range(20)
        ]
        await exchange.json(200, {"items": items})  # type: ignore[attr-defined]

    async with open_desk(api.base_url, config=replace(QUICK, search_waits_seconds=(0.0,))) as desk:
        api.plant(BODY, scenario=replace(SCENARIOS["normal"], on_list=endless), age_seconds=100)
        api.script = ["lost_reset"]
        with pytest.raises(errors.CreationLostError):
            await desk.manager.create(desk.account, a_request()).job()
        assert api.count("GET") < 60


async def test_it_is_found_in_a_list_of_thousands_whose_newest_come_first(api: ScriptedClipApi):
    async with open_desk(api.base_url, config=replace(QUICK, search_waits_seconds=(0.0,))) as desk:
        for number in range(3210):
            api.plant({"video_urls": [SOURCE], "prompt": f"other {number}"}, age_seconds=100)
        api.newest_first = True
        api.script = ["reset_before_answer"]
        creation = desk.manager.create(desk.account, a_request(), force_new=True)
        job = await creation.job()
        assert creation.how == "recovered"
        assert api.generations[job.id].body == BODY
        assert api.count("GET") < 10


async def test_it_is_found_in_a_list_of_hundreds_in_either_order(api: ScriptedClipApi):
    for number in range(400):
        api.plant({"video_urls": [SOURCE], "prompt": f"other {number}"}, age_seconds=100)
    async with open_desk(api.base_url, config=replace(QUICK, search_waits_seconds=(0.0,))) as desk:
        for newest_first in (False, True):
            api.newest_first = newest_first
            api.script = ["reset_before_answer"]
            creation = desk.manager.create(desk.account, a_request(), force_new=True)
            assert api.generations[(await creation.job()).id].body == BODY


async def test_it_is_found_behind_many_older_ones_of_the_same_request(api: ScriptedClipApi, desk: Desk):
    for _ in range(60):
        api.plant(BODY, age_seconds=90_000, status="completed")
    for newest_first in (False, True):
        api.newest_first = newest_first
        api.script = ["reset_before_answer"]
        creation = desk.manager.create(desk.account, a_request(), force_new=True)
        assert (await creation.job()).id == list(api.generations)[-1]


async def test_it_is_found_although_somebody_looked_it_up_before_the_search_did(api: ScriptedClipApi, desk: Desk):
    api.script = ["lost_reset"]
    creation = desk.manager.create(desk.account, a_request())
    await api.arrived("GET")
    planted = api.plant(BODY)
    looked_up = await desk.manager.job(desk.account, planted.id)

    assert await creation.job() is looked_up
    assert creation.how == "recovered"


async def test_the_hub_can_end_in_the_middle_of_a_search(api: ScriptedClipApi):
    async with open_desk(api.base_url, config=replace(QUICK, search_waits_seconds=(60.0,))) as desk:
        api.script = ["lost_reset"]
        creation = desk.manager.create(desk.account, a_request())
        await api.arrived("POST")
    with pytest.raises(errors.CreationLostError):
        await creation.job()
