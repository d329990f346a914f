"""Several people on one server: each with their own key, none with another's."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from command import ERAS, MODERN, connect, text_of
from e2e.network.conftest import INITIALIZE, JSON_AND_EVENTS, OPERATOR_KEY, TOKEN, OpenSite
from e2e.network.issuer import an_issuer
from scripted_api import ScriptedClipApi

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

ADA = {"X-Reka-API-Key": "key-of-ada-planted"}
BOB = {"X-Reka-API-Key": "key-of-bob-planted"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
FILM = {"video_urls": ["https://example.com/film.mp4"], "prompt": "goals"}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", ["sse", "streamable-http"])
async def test_each_callers_key_is_used_for_its_own_calls_only(
    open_site: OpenSite, api: ScriptedClipApi, transport: str, era: str
):
    async with open_site(auth_token=TOKEN, api_key=OPERATOR_KEY) as http:
        url = http.url
        async with (
            connect(transport, era, to=url, headers=ADA | BEARER) as ada,
            connect(transport, era, to=url, headers=BOB | BEARER) as bob,
        ):
            mine = await ada.call_tool("create_clips", FILM)
            assert not mine.is_error, text_of(mine)
            theirs = await bob.call_tool("create_clips", FILM)
            assert mine.structured_content is not None
            assert theirs.structured_content is not None
            generation_id = mine.structured_content["id"]
            # The same request of another person is another generation.
            assert theirs.structured_content["id"] != generation_id
            assert api.count("POST") == 2
            listed = await bob.call_tool("list_clips", {})
            assert generation_id not in text_of(listed)
            assert theirs.structured_content["id"] in text_of(listed)
            for tool in ("get_clip_status", "delete_clip"):
                answer = await bob.call_tool(tool, {"id": generation_id})
                assert answer.is_error
            assert not (await ada.call_tool("get_clip_status", {"id": generation_id})).is_error
    sent = [request.headers["x-api-key"] for request in api.requests]
    assert set(sent) == {ADA["X-Reka-API-Key"], BOB["X-Reka-API-Key"]}
    said = "".join(str(request) for request in api.requests)
    assert TOKEN not in said, "the door's token was passed on"


@pytest.mark.parametrize("door", [{}, {"auth_token": TOKEN}])
async def test_a_session_is_closed_to_every_other_key(open_site: OpenSite, api: ScriptedClipApi, door: dict[str, Any]):
    """Who got hold of a session's id neither calls in it, nor listens to it, nor ends it."""
    call: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "list_clips", "arguments": {}},
    }
    async with open_site(api_key=OPERATOR_KEY, **door) as http:
        opened = await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS | BEARER | ADA)
        session = JSON_AND_EVENTS | BEARER | {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await http.post("/mcp", json=ready, headers=session | ADA)).status_code == 202
        for headers in (BOB, {}, {"X-Reka-API-Key": ADA["X-Reka-API-Key"] + "x"}):
            assert (await http.post("/mcp", json=call, headers=session | headers)).status_code == 404
            assert (await http.get("/mcp", headers=session | headers)).status_code == 404
            assert (await http.delete("/mcp", headers=session | headers)).status_code == 404
        assert api.requests == []
        assert (await http.post("/mcp", json=call, headers=session | ADA)).status_code == 200
    assert [request.headers["x-api-key"] for request in api.requests] == [*ADA.values()]


async def test_an_sse_session_is_closed_to_every_other_key(open_site: OpenSite, api: ScriptedClipApi):
    async with (
        open_site(api_key=OPERATOR_KEY) as http,
        http.stream("GET", "/sse", headers=ADA) as events,
    ):
        lines = events.aiter_lines()
        path = ""
        while not path:
            line = await anext(lines)
            path = line.removeprefix("data: ") if line.startswith("data: ") else ""
        for headers in (BOB, {}):
            assert (await http.post(path, json=INITIALIZE, headers=headers)).status_code == 404
        assert (await http.post(path, json=INITIALIZE, headers=ADA)).status_code == 202
    assert api.requests == []


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({"host": "127.0.0.1"}, True),
        ({"host": "127.0.0.1", "share_key": False, "backend": "reka"}, False),
        ({"host": "0.0.0.0"}, False),  # noqa: S104 - not bound
        ({"host": "0.0.0.0", "share_key": True}, True),  # noqa: S104 - not bound
        ({"host": "0.0.0.0", "auth_token": TOKEN}, True),  # noqa: S104 - not bound
        ({"host": "0.0.0.0", "auth_token": TOKEN, "share_key": False}, False),  # noqa: S104 - not bound
    ],
)
async def test_the_operators_key_is_for_others_only_where_allowed(
    open_site: OpenSite, api: ScriptedClipApi, settings: dict[str, Any], allowed: bool
):
    async with (
        open_site(api_key=OPERATOR_KEY, **settings) as http,
        connect("streamable-http", MODERN, to=http.url, headers=BEARER) as client,
    ):
        answer = await client.call_tool("create_clips", FILM)
    if allowed:
        assert not answer.is_error, text_of(answer)
        assert api.requests[0].headers["x-api-key"] == OPERATOR_KEY
    else:
        assert answer.is_error
        assert "X-Reka-API-Key" in text_of(answer)
        assert api.requests == []


@pytest.mark.parametrize("backend", ["auto", "local"])
async def test_the_engine_of_a_server_for_others_must_be_switched_on(open_site: OpenSite, backend: str):
    async with (
        open_site(host="0.0.0.0", auth_token=TOKEN, backend=backend) as http,  # noqa: S104 - not bound
        connect("streamable-http", MODERN, to=http.url, headers=BEARER) as client,
    ):
        assert len((await client.list_tools()).tools) >= 4
        answer = await client.call_tool("create_clips", FILM)
        assert answer.is_error
        assert "not switched on" in text_of(answer)


async def test_files_of_the_servers_computer_are_not_for_others(open_site: OpenSite):
    local = {"backend": "local", "share_engine": True, "auth_token": TOKEN}
    async with (
        open_site(host="0.0.0.0", **local) as http,  # noqa: S104 - not bound
        connect("streamable-http", MODERN, to=http.url, headers=BEARER) as client,
    ):
        assert "save_clip" not in [tool.name for tool in (await client.list_tools()).tools]
        for url in ("file:///etc/passwd", "FILE:///etc/passwd", "/etc/passwd", "file://localhost/etc/passwd"):
            answer = await client.call_tool("create_clips", {"video_urls": [url]})
            assert answer.is_error
            assert "Nothing was sent" in text_of(answer)


PRESIGNED = "https://bucket.example/film.mp4?X-Amz-Signature=of-ada"


async def test_who_shares_an_account_sees_no_permissions_in_links_of_others(open_site: OpenSite):
    """Ada and Eve use the operator's key, as they would the shared engine: each sees what the other made."""
    async with an_issuer() as issuer:
        shared = {"api_key": OPERATOR_KEY, "public_url": "https://clips.example", "oauth_issuer": issuer.url}
        ada, eve = ({"Authorization": f"Bearer {issuer.token(sub=name)}"} for name in ("ada", "eve"))
        async with (
            open_site(**shared) as http,
            connect("streamable-http", MODERN, to=http.url, headers=ada) as ada_client,
            connect("sse", "legacy", to=http.url, headers=eve) as eve_client,
        ):
            made = await ada_client.call_tool("create_clips", {"video_urls": [PRESIGNED]})
            generation = {"id": (made.structured_content or {})["id"]}
            for client, whole in ((ada_client, True), (eve_client, False)):
                for tool, arguments in (("get_clip_status", generation), ("list_clips", {})):
                    answer = await client.call_tool(tool, arguments)
                    assert "bucket.example/film.mp4" in text_of(answer) + str(answer.structured_content), tool
                    assert ("of-ada" in str(answer)) == whole, tool
                content = str(await client.read_resource(f"reka-clips://clips/{generation['id']}"))
                assert ("of-ada" in content) == whole


async def test_too_many_calls_of_one_caller_are_told_so_and_harm_no_other(open_site: OpenSite, api: ScriptedClipApi):
    waiting = FILM | {"prompt": "[scenario manual]", "wait_seconds": 600}
    async with open_site(api_key=OPERATOR_KEY, max_calls=1) as http:
        url = http.url
        async with (
            connect("streamable-http", MODERN, to=url, headers=ADA) as ada,
            connect("sse", MODERN, to=url, headers=ADA) as ada_again,
            connect("streamable-http", "legacy", to=url, headers=BOB) as bob,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(ada.call_tool, "create_clips", waiting)
            await api.arrived("POST")
            answer = await ada_again.call_tool("list_clips", {})
            assert answer.is_error
            assert "Too many calls at once" in text_of(answer)
            assert not (await bob.call_tool("list_clips", {})).is_error
            assert len((await ada_again.list_tools()).tools) >= 4, "only tool calls are counted"
            [generation] = api.generations.values()
            generation.set_stage("completed")
            with anyio.fail_after(60):
                while (await ada_again.call_tool("list_clips", {})).is_error:
                    await anyio.lowlevel.checkpoint()
