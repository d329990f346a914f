"""A scripted Clip API, and a hub that talks to it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from contract.desk import Desk, open_desk
from scripted_api import ScriptedClipApi
from tool_desk import ERAS, Era


@pytest.fixture
async def api() -> AsyncGenerator[ScriptedClipApi]:
    async with ScriptedClipApi() as scripted:
        yield scripted


@pytest.fixture
async def desk(api: ScriptedClipApi) -> AsyncGenerator[Desk]:
    async with open_desk(api.base_url) as opened:
        yield opened


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> Era:
    """The protocol's era: the handshake's, or the stateless one of 2026-07-28."""
    return request.param
