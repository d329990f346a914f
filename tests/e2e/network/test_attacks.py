"""What somebody sends who wants in, or wants others out: each gets a plain refusal, and the rest go on."""

from __future__ import annotations

import anyio
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from command import MODERN, connect, text_of
from e2e.network.conftest import INITIALIZE, JSON_AND_EVENTS, OPERATOR_KEY, TOKEN, OpenSite, on_loopback
from reka_clips.mcp_server.http.auth import StaticTokenVerifier
from reka_clips.web.body_limit import BodyLimit
from scripted_api import ScriptedClipApi

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

BEARER = f"Bearer {TOKEN}"
TWICE = [
    ("Authorization", BEARER, "Bearer of-another"),
    ("Authorization", "Bearer of-another", BEARER),
    ("Authorization", BEARER, BEARER),
    ("X-Reka-API-Key", "key-of-ada", "key-of-bob"),
    ("Mcp-Session-Id", "one", "two"),
    ("Origin", "http://127.0.0.1", "https://evil.example"),
]


@pytest.mark.parametrize(("name", "one", "other"), TWICE)
async def test_a_header_that_decides_something_may_come_once_only(open_site: OpenSite, name: str, one: str, other: str):
    """A proxy before us may look at the first of two, and we at the last."""
    async with open_site(auth_token=TOKEN) as http:
        given = {"Authorization": BEARER} if name != "Authorization" else {}
        headers = [*(JSON_AND_EVENTS | given).items(), (name, one), (name.lower(), other)]
        answer = await http.post("/mcp", json=INITIALIZE, headers=headers)
        assert answer.status_code == 400
        assert name.lower() in answer.json()["error"].lower()
        assert "mcp-session-id" not in answer.headers


ODD_HOSTS = [
    "evil.example@127.0.0.1", "127.0.0.1@evil.example", "127.0.0.1.", "localhost.", "127.0.0.1:80:80", "127.1",
    "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "[::1", "localhost#.evil.example", "localhost/evil",
    "127.0.0.1:evil", "localhost:x@evil.example", "clips.example,evil.example", "clips.example evil.example",
]  # fmt: skip


async def test_odd_spellings_of_a_name_open_nothing_that_the_name_does_not(open_site: OpenSite):
    async with open_site(auth_token=TOKEN, public_url="https://clips.example") as http:
        url = httpx2.URL(str(http.base_url))
        for host in ODD_HOSTS:
            for token in (BEARER, "Bearer wrong"):
                async with await anyio.connect_tcp("127.0.0.1", url.port or 0) as raw:
                    head = (
                        f"GET /anything HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n"
                    )
                    await raw.send(head.encode())
                    with anyio.fail_after(30):
                        status = int((await raw.receive()).split(b" ")[1])
                assert status in (400, 421), (host, status)
        for without in (
            b"GET /mcp HTTP/1.1\r\n\r\n",
            b"GET /mcp HTTP/1.1\r\nHost: clips.example\r\nHost: evil\r\n\r\n",
        ):
            async with await anyio.connect_tcp("127.0.0.1", url.port or 0) as raw:
                await raw.send(without)
                with anyio.fail_after(30):
                    assert (await raw.receive()).split(b" ")[1] in (b"400", b"421")


async def test_headers_of_a_proxy_change_no_right_and_no_name(open_site: OpenSite):
    """Who calls may write them himself."""
    forged = {
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Host": "127.0.0.1",
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "127.0.0.1",
        "Forwarded": "for=127.0.0.1;host=localhost",
        "X-Original-URL": "/healthz",
        "X-Rewrite-URL": "/healthz",
        "X-HTTP-Method-Override": "GET",
    }
    async with open_site(auth_token=TOKEN, public_url="https://clips.example") as http:
        answer = await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS | forged)
        assert answer.status_code == 401
        headers = JSON_AND_EVENTS | forged | {"Authorization": BEARER, "Host": "evil.example"}
        assert (await http.post("/mcp", json=INITIALIZE, headers=headers)).status_code == 421


ODD_KEYS = [b"\xe4\xf6", b"two words", b"\x7f", b"a" * 20_000, b"key\twith\ttabs", b"${REKA_API_KEY}", b'"quoted"']


@pytest.mark.parametrize("key", ODD_KEYS, ids=lambda key: repr(key[:12]))
async def test_an_odd_key_is_a_plain_answer_and_never_the_operators_account(
    open_site: OpenSite, api: ScriptedClipApi, key: bytes
):
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "list_clips", "arguments": {}}}
    async with open_site(auth_token=TOKEN, api_key=OPERATOR_KEY) as http:
        headers = JSON_AND_EVENTS | {"Authorization": BEARER}
        own = [(b"X-Reka-API-Key", key)]
        opened = await http.post("/mcp", json=INITIALIZE, headers=[*_bytes(headers), *own])
        assert opened.status_code in (200, 400, 431)
        if opened.status_code == 200:
            session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
            answer = await http.post("/mcp", json=call, headers=[*_bytes(headers | session), *own])
            assert answer.status_code == 200
            assert "Traceback" not in answer.text
    assert OPERATOR_KEY not in [request.headers.get("x-api-key") for request in api.requests]


PLACEHOLDERS = ["${REKA_API_KEY}", "${env:REKA_API_KEY}", "$REKA_API_KEY", "{env:REKA_API_KEY}", "{{REKA_API_KEY}}",
                "undefined", "null", "<your key>", "%REKA_API_KEY%", '"${REKA_API_KEY}"']  # fmt: skip


@pytest.mark.parametrize("key", PLACEHOLDERS)
async def test_a_placeholder_that_a_client_left_in_place_is_named_and_not_sent(
    open_site: OpenSite, api: ScriptedClipApi, key: str
):
    """Source: anthropics/claude-code#51581."""
    async with (
        open_site(api_key=OPERATOR_KEY) as http,
        connect("streamable-http", MODERN, to=http.url, headers={"X-Reka-API-Key": key}) as client,
    ):
        answer = await client.call_tool("list_clips", {})
    assert answer.is_error
    assert "X-Reka-API-Key holds a placeholder" in text_of(answer)
    assert api.requests == []


async def test_quotation_marks_around_a_key_are_no_part_of_it(open_site: OpenSite, api: ScriptedClipApi):
    async with (
        open_site() as http,
        connect("streamable-http", MODERN, to=http.url, headers={"X-Reka-API-Key": '"key-of-ada"'}) as client,
    ):
        assert not (await client.call_tool("list_clips", {})).is_error
    assert [request.headers["x-api-key"] for request in api.requests] == ["key-of-ada"]


def _bytes(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


async def test_who_sends_a_body_too_slowly_is_told_so_and_holds_nobody_up():
    async def echo(request: Request) -> PlainTextResponse:
        return PlainTextResponse(await request.body())

    def refuse(status: int, message: str) -> PlainTextResponse:
        return PlainTextResponse(message, status_code=status)

    app = Starlette(routes=[Route("/", echo, methods=["POST"])])
    async with on_loopback(BodyLimit(app, max_bytes=1000, respond=refuse, seconds=0.3)) as url:
        port = httpx2.URL(url).port or 0
        async with await anyio.connect_tcp("127.0.0.1", port) as raw, httpx2.AsyncClient() as http:
            await raw.send(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
            assert (await http.post(url, content=b"quick")).text == "quick"
            with anyio.fail_after(30):
                assert b" 408 " in await raw.receive()


async def test_the_token_is_compared_as_a_whole_whatever_its_length():
    """The comparison is of digests of one length: it takes no longer for a guess that begins rightly."""
    verifier = StaticTokenVerifier(TOKEN, scopes=(), otherwise=None)
    assert await verifier.verify_token(TOKEN) is not None
    for guess in ("", TOKEN[:-1], TOKEN + "\0", TOKEN + " ", TOKEN * 2, "x" * 1_000_000):
        assert await verifier.verify_token(guess) is None
