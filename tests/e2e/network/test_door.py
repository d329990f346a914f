"""Nobody comes in without a token where there is a door, and everything is behind it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable

import anyio
import httpx2
import pytest

from e2e.network.conftest import INITIALIZE, JSON_AND_EVENTS, OPERATOR_KEY, TOKEN, OpenSite

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

CLIP = "/clips/0b7c9c3e-2d5a-4b5e-9d7d-2f1f6c0a1e11/1.mp4"
GUARDED = [
    ("POST", "/mcp"),
    ("GET", "/mcp"),
    ("DELETE", "/mcp"),
    ("GET", "/sse"),
    ("POST", "/messages/?session_id=00000000000000000000000000000000"),
    ("GET", "/"),
    ("GET", "/anything/else"),
    ("POST", "/healthz/"),
    ("GET", "/mcp/../mcp"),
    ("GET", "//mcp"),
]
WRONG = [
    None,
    "",
    "Bearer",
    "Bearer wrong",
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN[:-1]}",
    f"Bearer  {TOKEN}",
    f"Basic {TOKEN}",
    TOKEN,
    f"Bearer {TOKEN.upper()}",
    "Bearer \xe4\xf6",
]


async def test_every_route_of_both_transports_asks_for_the_token(open_site: OpenSite):
    async with open_site(auth_token=TOKEN) as http:
        for method, path in GUARDED:
            answer = await http.request(method, path, headers=JSON_AND_EVENTS)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer"), (method, path)
            assert TOKEN not in answer.text


async def test_only_the_very_token_opens(open_site: OpenSite):
    async with open_site(auth_token=TOKEN) as http:
        for value in WRONG:
            headers = JSON_AND_EVENTS | ({} if value is None else {"Authorization": value.encode("latin-1")})
            answer = await http.post("/mcp", json=INITIALIZE, headers=headers)
            assert answer.status_code == 401, value
        for scheme in ("Bearer", "bearer", "BEARER"):
            answer = await http.post(
                "/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS | {"Authorization": f"{scheme} {TOKEN}"}
            )
            assert answer.status_code == 200, scheme
            assert "reka-clips" in answer.text


async def test_a_token_in_the_address_opens_nothing(open_site: OpenSite):
    async with open_site(auth_token=TOKEN) as http:
        for query in (f"?access_token={TOKEN}", f"?token={TOKEN}", f"?authorization=Bearer%20{TOKEN}"):
            assert (await http.post("/mcp" + query, json=INITIALIZE, headers=JSON_AND_EVENTS)).status_code == 401


async def test_health_is_open_and_says_nothing(open_site: OpenSite):
    async with open_site(auth_token=TOKEN, api_key=OPERATOR_KEY) as http:
        for host in ("127.0.0.1", "10.1.2.3:8000", "balancer.internal"):
            answer = await http.get("/healthz", headers={"Host": host})
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_bad_link_opens_no_clip_with_or_without_the_token(open_site: OpenSite):
    async with open_site(auth_token=TOKEN) as http:
        for headers in ({}, {"Authorization": f"Bearer {TOKEN}"}):
            for query in ("", "?expires=99999999999&signature=AAAA", "?signature=", "?expires=1"):
                answer = await http.get(CLIP + query, headers=headers)
                assert answer.status_code == 403
                assert "again" in answer.json()["error"]


HOSTS = [
    ("127.0.0.1:1", 200),
    ("localhost", 200),
    ("[::1]:9", 200),
    ("clips.example", 200),
    ("extra.example:444", 200),
    ("clips.example:8080", 200),
    ("evil.example", 421),
    ("127.0.0.1.evil.example", 421),
    ("localhost.evil.example:80", 421),
    ("", 421),
]


async def test_only_known_names_are_answered(open_site: OpenSite):
    names = {"public_url": "https://clips.example", "allowed_hosts": ("extra.example",)}
    async with open_site(auth_token=TOKEN, **names) as http:
        for host, status in HOSTS:
            headers = JSON_AND_EVENTS | {"Host": host, "Authorization": f"Bearer {TOKEN}"}
            answer = await http.post("/mcp", json=INITIALIZE, headers=headers)
            assert answer.status_code == status, host


async def test_web_pages_elsewhere_are_turned_away_on_every_route(open_site: OpenSite):
    async with open_site() as http:
        for method, path in [*GUARDED, ("GET", CLIP)]:
            answer = await http.request(method, path, headers=JSON_AND_EVENTS | {"Origin": "https://evil.example"})
            assert answer.status_code == 403, (method, path)
        for origin in ("http://localhost:6274", "http://127.0.0.1"):
            answer = await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS | {"Origin": origin})
            assert answer.status_code == 200, origin
        answer = await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS | {"Origin": "null"})
        assert answer.status_code == 403


async def test_a_page_that_is_allowed_may_ask_from_a_browser(open_site: OpenSite):
    async with open_site(auth_token=TOKEN, allowed_origins=("https://app.example",)) as http:
        asked = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,mcp-session-id",
        }
        answer = await http.options("/mcp", headers={"Origin": "https://app.example"} | asked)
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        answer = await http.options("/mcp", headers={"Origin": "https://evil.example"} | asked)
        assert "access-control-allow-origin" not in answer.headers


async def test_a_server_for_this_computer_alone_notices_a_proxy(open_site: OpenSite):
    async with open_site() as http:
        for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            answer = await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS | {header: "203.0.113.9"})
            assert answer.status_code == 403
            assert "REKA_CLIPS_PUBLIC_URL" in answer.json()["error"]
    async with open_site(auth_token=TOKEN) as http:
        headers = JSON_AND_EVENTS | {"X-Forwarded-For": "203.0.113.9", "Authorization": f"Bearer {TOKEN}"}
        assert (await http.post("/mcp", json=INITIALIZE, headers=headers)).status_code == 200


async def test_a_session_belongs_to_who_opened_it_and_ends_on_delete(open_site: OpenSite):
    async with open_site(auth_token=TOKEN) as http:
        headers = JSON_AND_EVENTS | {"Authorization": f"Bearer {TOKEN}"}
        opened = await http.post("/mcp", json=INITIALIZE, headers=headers)
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        assert (await http.post("/mcp", json=ping, headers=headers | session)).status_code == 200
        assert (await http.delete("/mcp", headers=headers | session)).status_code == 200
        assert (await http.post("/mcp", json=ping, headers=headers | session)).status_code == 404
        assert (await http.post("/mcp", json=ping, headers=headers | {"Mcp-Session-Id": "none"})).status_code == 404


async def test_a_request_that_is_too_large_is_refused_whether_it_says_so_or_not(open_site: OpenSite):
    async def endless(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 65536):
            yield b"x" * 65536

    async with open_site(auth_token=TOKEN, max_body_bytes=65536) as http:
        headers = JSON_AND_EVENTS | {"Authorization": f"Bearer {TOKEN}"}
        contents: list[Callable[[], object]] = [lambda: b"x" * 65537, lambda: endless(1 << 20)]
        for content in contents:
            for path in ("/mcp", "/messages/?session_id=00000000000000000000000000000000"):
                answer = await http.post(path, content=content(), headers=headers)  # type: ignore[arg-type]
                assert answer.status_code == 413, path
                assert "65536" in answer.json()["error"]
        # Nobody can make the server read who has no token.
        assert (await http.post("/mcp", content=b"x" * 65537, headers=JSON_AND_EVENTS)).status_code == 401


async def test_sessions_are_bounded_on_both_transports(open_site: OpenSite):
    async with open_site(max_sessions=2) as http:
        for expected in (200, 200, 503):
            answer = await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS)
            assert answer.status_code == expected
        async with http.stream("GET", "/sse") as one, http.stream("GET", "/sse") as two:
            assert (one.status_code, two.status_code) == (200, 200)
            third = await http.get("/sse")
            assert third.status_code == 503
            assert third.headers["retry-after"]


BROKEN = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"jsonrpc": "2.0"}',
    b"\xff\xfe",
    b"[" * 5000,
    b'{"jsonrpc":"2.0","id":1,"method":5}',
]


async def test_broken_bodies_get_an_error_and_the_next_request_an_answer(open_site: OpenSite):
    async with open_site() as http:
        for body, version in itertools.product(BROKEN, (None, "2026-07-28", "1999-01-01")):
            headers = JSON_AND_EVENTS | ({} if version is None else {"MCP-Protocol-Version": version})
            answer = await http.post("/mcp", content=body, headers=headers)
            assert 400 <= answer.status_code < 500, (body, version)
            assert "Traceback" not in answer.text
        assert (await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS)).status_code == 200


async def test_wrong_methods_and_headers_are_refused(open_site: OpenSite):
    async with open_site() as http:
        no_types = {"Accept": "text/html", "Content-Type": "application/json"}
        assert (await http.post("/mcp", json=INITIALIZE, headers=no_types)).status_code == 406
        wrong_type = {"Accept": JSON_AND_EVENTS["Accept"], "Content-Type": "text/plain"}
        answer = await http.post("/mcp", content=b"{}", headers=wrong_type)
        assert 400 <= answer.status_code < 500
        assert (await http.put("/mcp", json={})).status_code == 405
        assert (await http.get("/messages/")).status_code == 405
        assert (await http.post("/sse", json={})).status_code == 405
        assert (await http.get("/nothing")).status_code == 404
        modern = JSON_AND_EVENTS | {"MCP-Protocol-Version": "2026-07-28"}
        assert (await http.request("GET", "/mcp", headers=modern)).status_code == 405


async def test_a_request_cut_off_in_the_middle_harms_nobody(open_site: OpenSite):

    async with open_site() as http:
        url = httpx2.URL(str(http.base_url))
        async with await anyio.connect_tcp("127.0.0.1", url.port or 0) as raw:
            await raw.send(b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{")
        async with await anyio.connect_tcp("127.0.0.1", url.port or 0) as raw:
            await raw.send(b"\x16\x03\x01 not http at all \r\n\r\n")
            with anyio.fail_after(30):
                assert b"400" in await raw.receive()
        assert (await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS)).status_code == 200
