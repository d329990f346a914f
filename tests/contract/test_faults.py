"""The fault matrix at the level of client and hub: whatever upstream does, nothing is lost, nothing sent twice."""

from __future__ import annotations

import logging
from itertools import pairwise

import anyio
import pytest

from contract.desk import a_request, open_desk
from reka_clips import errors
from reka_clips.contract import is_generation_id
from reka_clips.generations import GenerationState
from scripted_api import SCENARIOS, ScriptedClipApi

pytestmark = pytest.mark.anyio

KEY = "sk-planted-secret-key"
SCRIPTED = [name for name, scenario in SCENARIOS.items() if not scenario.is_manual]


def test_there_are_enough_faults():
    assert len(SCRIPTED) > 25


@pytest.mark.parametrize("name", SCRIPTED)
async def test_a_creation_survives(name: str, api: ScriptedClipApi, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    scenario = SCENARIOS[name]
    patience = 2.0 if scenario.needs_patience else 30.0
    async with open_desk(api.base_url, patience_seconds=patience) as desk:
        account = desk.account_of(KEY)
        api.script = [name]
        told: list[GenerationState] = []
        failure: errors.RekaClipsError | None = None
        with anyio.fail_after(90):
            creation = desk.manager.create(account, a_request())
            try:
                job = await creation.job()
                async for state in job.follow():
                    told.append(state)  # noqa: PERF401 - what came before an error counts, too
            except errors.RekaClipsError as error:
                failure = error

        # Exactly one POST, whatever happened.
        assert api.count("POST") == 1

        # The outcome that the scenario allows, and its id.
        if scenario.outcome in ("completed", "failed"):
            assert failure is None
            assert told[-1].stage == scenario.outcome
            assert is_generation_id(told[-1].snapshot.id or "")
            assert told[-1].snapshot.id in api.generations
            assert creation.how == ("recovered" if scenario.recovered else "created")
            assert bool(creation.note) == scenario.recovered
        elif scenario.outcome == "lost":
            assert isinstance(failure, errors.CreationLostError)
            assert "list_clips" in str(failure)
        else:
            assert type(failure).__name__ == scenario.error
        if scenario.outcome == "completed":
            assert told[-1].snapshot.output[0].link

        # The story was told in order, without repeats.
        assert [state.sequence for state in told] == sorted({state.sequence for state in told})
        assert all(one.progress < other.progress for one, other in pairwise(told))
        assert sum(state.is_terminal for state in told) == (1 if failure is None else 0)
        for state in told:
            assert len(set(state.stages)) == len(state.stages)

        # The next call works, and nobody waits any more.
        api.script = ["normal"]
        with anyio.fail_after(90):
            job = await desk.manager.create(account, a_request("something else")).job()
            states = [state async for state in job.follow()]
        assert states[-1].stage == "completed"
        assert api.count("POST") == 2

    said = str(failure) + repr(failure) + caplog.text + repr(told)
    assert KEY not in said
    assert "httpx" not in str(failure)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "name", ["normal", "reset_before_answer", "http_500", "duplicate_409", "http_401", "no_id_202"]
)
async def test_a_creation_without_a_stream_survives_too(name: str, api: ScriptedClipApi):
    scenario = SCENARIOS[name]
    async with open_desk(api.base_url) as desk:
        api.script = [name]
        creation = desk.manager.create(desk.account, a_request(), stream=False)
        with anyio.fail_after(60):
            if scenario.outcome == "refused":
                with pytest.raises(errors.AuthenticationError):
                    await creation.job()
            else:
                job = await creation.job()
                assert [state async for state in job.follow()][-1].stage == "completed"
        assert api.count("POST") == 1
