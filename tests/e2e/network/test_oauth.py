"""Tokens of an identity provider open the door: only its own, only for this server, only while they last."""

from __future__ import annotations

import base64
import contextlib
import json
import time
import warnings
from typing import Any

import anyio
import httpx2
import jwt
import pytest
from anyio.abc import SocketAttribute, SocketStream
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from e2e.network.conftest import INITIALIZE, JSON_AND_EVENTS, TOKEN, OpenSite
from e2e.network.issuer import AUDIENCE, an_issuer, new_key
from reka_clips.mcp_server.http.oauth import IssuerKeys, IssuerUnreachableError

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

PUBLIC = "https://clips.example"


async def status(http: httpx2.AsyncClient, token: str, **headers: str) -> int:
    answer = await http.post(
        "/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS | {"Authorization": f"Bearer {token}"} | headers
    )
    assert token not in answer.text
    return answer.status_code


def encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def test_good_tokens_open_and_others_do_not(open_site: OpenSite):
    async with an_issuer() as issuer, open_site(public_url=PUBLIC, oauth_issuer=issuer.url) as http:
        now = int(time.time())
        for changes in ({}, {"aud": [AUDIENCE, "other"]}, {"client_id": None, "azp": "agent"}, {"sub": None}):
            assert await status(http, issuer.token(**changes)) == 200, changes
        for changes in (
            {"iss": "https://other.example"},
            {"iss": issuer.url + "/"},
            {"iss": None},
            {"aud": "https://other.example/mcp"},
            {"aud": PUBLIC},
            {"aud": None},
            {"exp": now - 3600},
            {"exp": None},
            {"nbf": now + 3600},
            {"key": new_key()},
            {"key_id": "unknown", "key": new_key()},
        ):
            assert await status(http, issuer.token(**changes)) == 401, changes


async def test_signatures_that_anyone_could_make_are_refused(open_site: OpenSite):
    async with an_issuer() as issuer, open_site(public_url=PUBLIC, oauth_issuer=issuer.url) as http:
        good = issuer.token()
        head, body, signature = good.split(".")
        public_pem = (
            issuer.keys["first"]
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        for forged in (
            f"{encoded({'alg': 'none', 'typ': 'JWT', 'kid': 'first'})}.{body}.",
            f"{encoded({'alg': 'none', 'kid': 'first'})}.{body}.{signature}",
            f"{head}.{body}.",
            f"{head}.{encoded({'iss': issuer.url, 'aud': AUDIENCE, 'exp': 9999999999})}.{signature}",
            f"{head}.{body}.{signature[:-4]}AAAA",
            f"{head}.{body}",
            "a.b.c",
            "x" * 20_000,
            f"{encoded({'alg': 'RS256', 'kid': {'a': 1}})}.{body}.{signature}",
            f"{encoded({'alg': 'RS256', 'kid': 'first', 'jku': 'https://evil.example/keys'})}.{body}.{signature}",
        ):
            assert await status(http, forged) == 401, forged[:60]
        # Signed with the public key as if it were a shared secret.
        digest = jwt.get_algorithm_by_name("HS256")
        mixed = f"{encoded({'alg': 'HS256', 'kid': 'first', 'typ': 'JWT'})}.{body}"
        mac = digest.sign(mixed.encode(), public_pem)
        assert await status(http, f"{mixed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}") == 401


async def test_scopes_are_asked_for_in_either_spelling(open_site: OpenSite):
    async with (
        an_issuer() as issuer,
        open_site(public_url=PUBLIC, oauth_issuer=issuer.url, oauth_scopes=("clips", "make")) as http,
    ):
        assert await status(http, issuer.token(scope="make other clips")) == 200
        assert await status(http, issuer.token(scope=None, scp=["clips", "make"])) == 200
        assert await status(http, issuer.token(scope="clips")) == 403
        assert await status(http, issuer.token(scope=None)) == 403
        assert await status(http, issuer.token(scope={"clips": 1})) == 403


async def test_keys_change_and_made_up_ones_cause_no_flood(open_site: OpenSite):
    async with an_issuer() as issuer, open_site(public_url=PUBLIC, oauth_issuer=issuer.url) as http:
        issuer.keys["curve"] = new_key("EC")
        assert await status(http, issuer.token(key_id="curve", algorithm="ES256")) == 200
        fetched = len(issuer.fetches)
        assert fetched <= 4  # the metadata in its places, then the keys
        for number in range(20):
            assert (
                await status(http, issuer.token(key_id=f"made-up-{number}", key=new_key("EC"), algorithm="ES256"))
                == 401
            )
        assert len(issuer.fetches) == fetched


async def test_while_the_issuer_is_down_the_door_stays_shut_and_says_why(open_site: OpenSite):
    async with an_issuer() as issuer, open_site(public_url=PUBLIC, oauth_issuer=issuer.url) as http:
        issuer.is_down = True
        answer = await http.post(
            "/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS | {"Authorization": f"Bearer {issuer.token()}"}
        )
        assert answer.status_code == 503
        assert "identity provider" in answer.json()["error"]
        assert (await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS)).status_code == 401


async def test_keys_that_were_read_before_are_used_while_the_issuer_is_down(open_site: OpenSite):
    async with an_issuer() as issuer, open_site(public_url=PUBLIC, oauth_issuer=issuer.url) as http:
        assert await status(http, issuer.token()) == 200
        issuer.is_down = True
        assert await status(http, issuer.token(sub="eve")) == 200
        assert await status(http, issuer.token(key_id="unknown", key=new_key("EC"), algorithm="ES256")) == 401


async def test_weak_keys_and_keys_for_other_uses_are_refused(open_site: OpenSite):
    async with an_issuer() as issuer, open_site(public_url=PUBLIC, oauth_issuer=issuer.url) as http:
        issuer.keys["weak"] = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - the point
        for key_id, changes in (
            ("encrypts", {"key_ops": ["encrypt"]}),
            ("wraps", {"key_ops": ["wrapKey", "encrypt"]}),
            ("for encryption", {"use": "enc"}),
        ):
            issuer.keys[key_id] = new_key()
            issuer.key_changes[key_id] = changes
        issuer.keys["verifies"] = new_key()
        issuer.key_changes["verifies"] = {"key_ops": ["verify"]}
        assert await status(http, issuer.token(key_id="verifies")) == 200
        for key_id in ("weak", "encrypts", "wraps", "for encryption"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyJWT warns whoever signs with a weak key, as this test does
                token = issuer.token(key_id=key_id)
            assert await status(http, token) == 401, key_id


async def test_an_issuer_that_sends_a_byte_now_and_then_holds_nobody_up():
    dripping = anyio.Event()

    async def drip(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
            dripping.set()
            with contextlib.suppress(anyio.BrokenResourceError):
                while True:
                    await stream.send(b" ")
                    await anyio.sleep(0.05)

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, drip)
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - of anyio
        keys = IssuerKeys("https://issuer.example", jwks_url=f"http://127.0.0.1:{port}/keys", fetch_seconds=0.3)
        begun = anyio.current_time()
        for _ in range(3):
            with pytest.raises(IssuerUnreachableError):
                await keys.find("first")
        assert dripping.is_set()
        assert anyio.current_time() - begun < 5, "one fetch is given up, and the next ones wait their time"
        tasks.cancel_scope.cancel()


async def test_metadata_of_another_issuer_is_not_believed(open_site: OpenSite):
    async with an_issuer() as issuer, open_site(public_url=PUBLIC, oauth_issuer=issuer.url) as http:
        issuer.metadata_changes = {"issuer": "https://other.example"}
        assert await status(http, issuer.token()) == 503


async def test_keys_can_be_named_directly_and_the_audience_too(open_site: OpenSite):
    async with an_issuer() as issuer:
        named = {"oauth_jwks_url": f"{issuer.url}/keys", "oauth_audience": "api://clips"}
        async with open_site(public_url=PUBLIC, oauth_issuer=issuer.url, **named) as http:
            assert await status(http, issuer.token(aud="api://clips")) == 200
            assert await status(http, issuer.token()) == 401
        assert issuer.fetches == ["/keys"]


async def test_the_operators_own_token_opens_beside_the_issuers(open_site: OpenSite):
    async with an_issuer() as issuer:
        both = {"auth_token": TOKEN, "oauth_scopes": ("clips",)}
        async with open_site(public_url=PUBLIC, oauth_issuer=issuer.url, **both) as http:
            assert await status(http, TOKEN) == 200
            assert issuer.fetches == []
            assert await status(http, issuer.token()) == 200
            assert await status(http, TOKEN[:-1]) == 401


async def test_clients_find_the_issuer(open_site: OpenSite):
    async with (
        an_issuer() as issuer,
        open_site(public_url=PUBLIC, oauth_issuer=issuer.url, oauth_scopes=("clips",)) as http,
    ):
        answer = await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS)
        where = f"{PUBLIC}/.well-known/oauth-protected-resource/mcp"
        assert f'resource_metadata="{where}"' in answer.headers["www-authenticate"]
        assert 'scope="clips"' in answer.headers["www-authenticate"]
        metadata = (await http.get("/.well-known/oauth-protected-resource/mcp")).json()
        assert metadata["resource"] == AUDIENCE
        assert metadata["authorization_servers"] == [issuer.url]  # letter by letter, no slash added
        assert metadata["scopes_supported"] == ["clips"]


async def test_a_session_is_closed_to_other_people_with_good_tokens(open_site: OpenSite):
    async with an_issuer() as issuer, open_site(public_url=PUBLIC, oauth_issuer=issuer.url) as http:
        mine = JSON_AND_EVENTS | {"Authorization": f"Bearer {issuer.token(sub='ada')}"}
        theirs = JSON_AND_EVENTS | {"Authorization": f"Bearer {issuer.token(sub='eve')}"}
        opened = await http.post("/mcp", json=INITIALIZE, headers=mine)
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        assert (await http.post("/mcp", json=ping, headers=theirs | session)).status_code == 404
        assert (await http.delete("/mcp", headers=theirs | session)).status_code == 404
        assert (await http.post("/mcp", json=ping, headers=mine | session)).status_code == 200
