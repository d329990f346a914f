"""What clients and proxies send that is right by HTTP, though the SDK alone refuses it."""

from __future__ import annotations

import json
import logging

import anyio
import httpx2
import pytest

from e2e.network.conftest import INITIALIZE, JSON_AND_EVENTS, TOKEN, OpenSite

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

BEARER = {"Authorization": f"Bearer {TOKEN}"}
INSPECTOR = "http://localhost:6274"


async def test_a_path_with_a_slash_at_its_end_is_served_and_not_redirected(open_site: OpenSite):
    """A redirect would lead clients of a proxy from https to http, with their token. Source: dbcls/togomcp#175."""
    async with open_site(auth_token=TOKEN, public_url="https://clips.example") as http:
        public = JSON_AND_EVENTS | BEARER | {"Host": "clips.example"}
        answer = await http.post("/mcp/", json=INITIALIZE, headers=public)
        assert answer.status_code == 200
        session = {"Mcp-Session-Id": answer.headers["mcp-session-id"]}
        assert (await http.delete("/mcp/", headers=public | session)).status_code == 200
        async with http.stream("GET", "/sse/", headers=public) as stream:
            assert stream.status_code == 200
        for path in ("/mcp/x", "//mcp", "/healthz/", "/clips/"):
            assert (await http.get(path, headers=public)).status_code in (404, 405), path


@pytest.mark.parametrize("origin", [INSPECTOR, "http://127.0.0.1:3000", "http://[::1]:1", "https://app.example"])
async def test_every_page_that_may_call_gets_answers_that_a_browser_lets_it_read(open_site: OpenSite, origin: str):
    """The Inspector's direct mode needs it. Source: metabase/metabase#75837."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,mcp-session-id"}
    async with open_site(allowed_origins=("https://app.example",)) as http:
        preflight = await http.options("/mcp", headers={"Origin": origin} | asked)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == origin
        assert "mcp-session-id" in preflight.headers["access-control-allow-headers"].lower()
        answer = await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS | {"Origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
        assert "Mcp-Session-Id" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:3000.evil.example", "http://localhost.evil.example:80",
     "http://localhost:", "http://localhost:\u0661", "https://localhost:3000", ""],
)  # fmt: skip
async def test_other_pages_get_no_answer_at_all(open_site: OpenSite, origin: str):
    async with open_site() as http:
        headers = [*JSON_AND_EVENTS.items(), ("Origin", origin)]
        answer = await http.post("/mcp", json=INITIALIZE, headers=[(n.encode(), v.encode()) for n, v in headers])
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


async def test_behind_a_path_everything_leads_back_through_it(open_site: OpenSite):
    """A proxy may remove the path or leave it. Source: modelcontextprotocol/python-sdk#412."""
    async with open_site(auth_token=TOKEN, public_url="https://tools.example/team/clips") as http:
        headers = JSON_AND_EVENTS | BEARER | {"Host": "tools.example"}
        for before in ("", "/team/clips"):
            assert (await http.post(f"{before}/mcp", json=INITIALIZE, headers=headers)).status_code == 200
            async with http.stream("GET", f"{before}/sse", headers=headers) as stream:
                lines = stream.aiter_lines()
                with anyio.fail_after(30):
                    assert await anext(lines) == "event: endpoint"
                    endpoint = (await anext(lines)).removeprefix("data: ")
                assert endpoint.startswith("/team/clips/messages/?session_id=")
                stripped = endpoint.removeprefix("/team/clips") if not before else endpoint
                sent = await http.post(stripped, json=INITIALIZE, headers=headers)
                assert sent.status_code == 202
        for wrong in ("/team/clipsmcp", "/team/mcp", "/team/clips/team/clips/mcp"):
            assert (await http.post(wrong, json=INITIALIZE, headers=headers)).status_code == 404, wrong
        page = {"Origin": "https://tools.example"}
        assert (await http.post("/mcp", json=INITIALIZE, headers=headers | page)).status_code == 200


async def test_a_stream_that_is_opened_again_begins_anew(open_site: OpenSite):
    """Source: modelcontextprotocol/java-sdk#1093."""
    async with open_site() as http:
        opened = await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS)
        again = {"Mcp-Session-Id": opened.headers["mcp-session-id"], "Last-Event-ID": "abc"}
        async with http.stream("GET", "/mcp", headers=JSON_AND_EVENTS | again) as stream:
            assert stream.status_code == 200
            assert stream.headers["content-type"].startswith("text/event-stream")


async def test_case_and_a_missing_accept_do_not_matter(open_site: OpenSite):
    """RFC 9110: hosts and media types are case-insensitive, and no Accept header means any type."""
    async with open_site(auth_token=TOKEN, public_url="https://clips.example") as http:
        for changes in (
            {"Host": "CLIPS.example"},
            {"Host": "LocalHost:1"},
            {"Content-Type": "APPLICATION/JSON; charset=utf-8"},
            {"Content-Type": "Application/Json"},
            {"Accept": "*/*"},
        ):
            answer = await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS | BEARER | changes)
            assert answer.status_code == 200, changes
    async with open_site() as http:
        body = json.dumps(INITIALIZE).encode()
        for accept in (b"", b"Accept:\r\n"):
            head = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
            length = f"Content-Length: {len(body)}\r\n\r\n".encode()
            async with await anyio.connect_tcp("127.0.0.1", httpx2.URL(http.url).port or 0) as raw:
                await raw.send(head + accept + length + body)
                with anyio.fail_after(30):
                    assert b" 200 " in await raw.receive()


async def test_who_looks_for_oauth_where_there_is_none_finds_nothing_and_reads_which_token_is_meant(
    open_site: OpenSite, caplog: pytest.LogCaptureFixture
):
    """A 401 there sends mcp-remote to register, and its user reads of that alone. Source: mcpjungle/MCPJungle#289."""
    paths = ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp",
             "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]  # fmt: skip
    async with open_site(auth_token=TOKEN) as http:
        for path in paths:
            assert (await http.get(path)).status_code == 404, path
        answer = await http.post("/register", json={"redirect_uris": []})
        assert answer.status_code == 404
        assert "REKA_CLIPS_AUTH_TOKEN" in answer.json()["error_description"]
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                refused = await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS)
        assert refused.status_code == 401
        assert "Authorization: Bearer" in refused.json()["error_description"]
        assert TOKEN not in refused.text
