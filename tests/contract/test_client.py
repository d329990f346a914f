"""The client on the wire: what it sends, what it repeats, what it never does, and its plain words for trouble."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import anyio
import anyio.abc
import anyio.streams.tls
import pytest

from certificates import loopback_certificate
from contract.desk import SOURCE, a_request
from reka_clips import __version__, errors
from reka_clips.client import ClipClient, ConnectionPool, Retries
from reka_clips.client.connections import proxy_for
from scripted_api import ScriptedClipApi
from scripted_api.wire import Exchange, WireServer

pytestmark = pytest.mark.anyio

KEY = "sk-planted-secret-key"
SOMEWHERE = "11111111-1111-4111-8111-111111111111"
QUICKLY = Retries(first_seconds=0.01, longest_seconds=0.02)


@pytest.fixture(autouse=True)
async def deadline():
    with anyio.fail_after(120):
        yield


@pytest.fixture
async def pool() -> AsyncGenerator[ConnectionPool]:
    async with ConnectionPool(timeout_seconds=30.0) as opened:
        yield opened


@pytest.fixture
async def client(api: ScriptedClipApi, pool: ConnectionPool) -> ClipClient:
    return ClipClient(pool, base_url=api.base_url, api_key=KEY, retries=QUICKLY)


class Answers(WireServer):
    """A server that gives one answer after the other, the last one for ever."""

    def __init__(self, *answers: tuple[int, bytes, dict[str, str]]) -> None:
        super().__init__(self._answer)
        self.answers = list(answers)
        self.seen: list[Exchange] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _answer(self, exchange: Exchange) -> None:
        self.seen.append(exchange)
        status, content, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status == 0:
            exchange.reset()
        else:
            await exchange.answer(status, content, **headers)


async def test_a_creation_sends_what_the_caller_set_and_nothing_else(api: ScriptedClipApi, client: ClipClient):
    request = a_request(
        "goals",
        generation_config={"num_generations": 2, "template": "moments"},
        rendering_config={"resolution": "480", "caption_style": {"text_color": "#00FF00"}},
        reel_quality="lite",
        force_vllm_whisper_asr=False,
    )
    snapshot = await client.create(request)
    sent = api.requests[0]

    assert snapshot.id in api.generations
    assert sent.json() == {
        "video_urls": [SOURCE],
        "prompt": "goals",
        "stream": False,
        "generation_config": {"num_generations": 2, "template": "moments"},
        "rendering_config": {"resolution": 480, "caption_style": {"text_color": "#00FF00"}},
    }
    assert sent.query == {"reel_quality": "lite", "force_vllm_whisper_asr": "false"}
    assert sent.headers["x-api-key"] == KEY
    assert sent.headers["user-agent"] == f"reka-clips-mcp/{__version__}"
    assert "authorization" not in sent.headers


async def test_a_stream_gives_every_snapshot_repeats_included(api: ScriptedClipApi, client: ClipClient):
    async with client.stream(a_request("[scenario heartbeats]")) as stream:
        statuses = [snapshot.status async for snapshot in stream]

    assert statuses.count("downloading") >= 20
    assert statuses[-1] == "completed"
    assert stream.rate_limit == client.rate_limit
    assert stream.request_id == "req-1"
    assert api.requests[0].json()["stream"] is True
    assert api.requests[0].headers["accept"] == "text/event-stream"


async def test_leaving_a_stream_early_closes_its_connection(api: ScriptedClipApi, client: ClipClient):
    async with client.stream(a_request("[scenario manual]")) as stream:
        assert (await anext(stream)).status == "queued"
    await api.server.until_closed()


async def test_what_breaks_in_the_body_of_a_stream_is_not_translated(client: ClipClient):
    with pytest.raises(TimeoutError, match="mine"):
        async with client.stream(a_request()):
            raise TimeoutError("mine")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
async def test_get_list_and_delete_are_repeated(status: int, pool: ConnectionPool):
    trouble = (status, b"{}", {})
    async with Answers(trouble, trouble, (200, b'{"id": "x", "status": "queued", "items": []}', {})) as server:
        client = ClipClient(pool, base_url=server.url, api_key=KEY, retries=QUICKLY)
        assert (await client.get(SOMEWHERE)).status == "queued"
        server.answers[:0] = [trouble, (0, b"", {})]
        assert (await client.list()).items == ()
        server.answers[:0] = [trouble, (204, b"", {})]
        await client.delete(SOMEWHERE)
        assert [seen.method for seen in server.seen] == ["GET"] * 6 + ["DELETE"] * 2


async def test_a_generation_that_is_gone_after_a_lost_answer_was_deleted(pool: ConnectionPool):
    async with Answers((0, b"", {}), (503, b"", {}), (404, b"{}", {})) as server:
        client = ClipClient(pool, base_url=server.url, api_key=KEY, retries=QUICKLY)
        await client.delete(SOMEWHERE)
        assert len(server.seen) == 3


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_generation_that_is_gone_after_a_refusal_was_not_deleted_by_this_call(
    status: int, pool: ConnectionPool
):
    async with Answers((status, b"", {}), (404, b"{}", {})) as server:
        client = ClipClient(pool, base_url=server.url, api_key=KEY, retries=QUICKLY)
        with pytest.raises(errors.NotFoundError):
            await client.delete(SOMEWHERE)


async def test_repeats_end(pool: ConnectionPool):
    async with Answers((503, b"", {})) as server:
        client = ClipClient(pool, base_url=server.url, api_key=KEY, retries=QUICKLY)
        with pytest.raises(errors.ServerError):
            await client.get(SOMEWHERE)
        assert len(server.seen) == QUICKLY.attempts
        with pytest.raises(errors.ServerError):
            await client.get(SOMEWHERE, attempts=1)
        assert len(server.seen) == QUICKLY.attempts + 1


async def test_a_long_retry_after_is_told_and_not_waited_for(pool: ConnectionPool):
    async with Answers((429, b"", {"retry_after": "3600"})) as server:
        client = ClipClient(pool, base_url=server.url, api_key=KEY)
        with pytest.raises(errors.RateLimitError) as caught:
            await client.list()
        assert caught.value.rate_limit == errors.RateLimit(retry_after_seconds=3600)
        assert len(server.seen) == 1


@pytest.mark.parametrize("status", [0, 400, 401, 404, 409, 429, 500, 502, 503])
async def test_a_creation_is_sent_once(status: int, pool: ConnectionPool):
    async with Answers((status, b"{}", {})) as server:
        client = ClipClient(pool, base_url=server.url, api_key=KEY, retries=QUICKLY)
        with pytest.raises(errors.RekaClipsError):
            await client.create(a_request())
        with pytest.raises(errors.RekaClipsError):
            async with client.stream(a_request()):
                pass
        assert [seen.method for seen in server.seen] == ["POST", "POST"]


async def test_each_creation_has_a_connection_of_its_own(api: ScriptedClipApi, client: ClipClient):
    for _ in range(3):
        await client.create(a_request())
    assert api.server.connections_seen == 3
    for _ in range(3):
        await client.list()
    assert api.server.connections_seen == 4


async def test_a_redirect_is_never_followed_with_the_key(pool: ConnectionPool):
    async with Answers((200, b"{}", {})) as thief:
        async with Answers((302, b"", {"Location": f"{thief.url}/v1/clips"})) as server:
            client = ClipClient(pool, base_url=server.url, api_key=KEY, retries=QUICKLY)
            for call in (client.create(a_request()), client.get(SOMEWHERE), client.list(), client.delete(SOMEWHERE)):
                with pytest.raises(errors.UnreadableAnswerError, match="REKA_BASE_URL"):
                    await call
            assert len(server.seen) == 4
        assert thief.seen == []


async def test_cookies_of_one_key_never_go_out_with_another(pool: ConnectionPool):
    async with Answers((200, b'{"items": []}', {"Set_Cookie": "session=first; Path=/"})) as server:
        await ClipClient(pool, base_url=server.url, api_key="first").list()
        await ClipClient(pool, base_url=server.url, api_key="second").list()
        assert "cookie" not in server.seen[1].headers


async def test_the_key_is_taken_out_of_what_upstream_says(client: ClipClient):
    with pytest.raises(errors.AuthenticationError) as caught:
        await client.create(a_request("[scenario echoes_key]"))
    assert KEY not in str(caught.value)
    assert KEY not in repr(client)
    assert "[key]" in str(caught.value)


async def test_a_proxy_of_the_environment_is_used_but_not_for_this_machine(monkeypatch: pytest.MonkeyPatch):
    async with Answers((200, b'{"items": []}', {})) as proxy, Answers((200, b'{"items": []}', {})) as here:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        async with ConnectionPool(timeout_seconds=30.0) as pool:
            await ClipClient(pool, base_url=here.url, api_key=KEY).list()
            await ClipClient(pool, base_url=here.url.replace("127.0.0.1", "localhost"), api_key=KEY).list()
            assert proxy.seen == []
            await ClipClient(pool, base_url="http://clips.example", api_key=KEY).list()
            assert [seen.headers["host"] for seen in proxy.seen] == ["clips.example"]


PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")
TLS = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")


@pytest.fixture
def network_settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return what sets the network settings of the environment, none of which is set."""
    for name in (*PROXIES, *TLS):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


UNUSABLE = {
    "ALL_PROXY": "socks5://127.0.0.1:7890",
    "HTTP_PROXY": '"http://proxy.example:3128"',
    "HTTPS_PROXY": "http://proxy example:x",
    "SSL_CERT_FILE": "/nonexistent/cacert.pem",
    "SSL_CERT_DIR": "/nonexistent",
    "SSLKEYLOGFILE": "/nonexistent/x",
}


@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_this_machine_is_reached_whatever_the_network_settings_say(
    name: str, host: str, network_settings: pytest.MonkeyPatch
):
    network_settings.setenv(name, UNUSABLE[name])
    async with Answers((200, b'{"items": []}', {})) as server, ConnectionPool(timeout_seconds=30.0) as pool:
        await ClipClient(pool, base_url=server.url.replace("127.0.0.1", host), api_key=KEY).list()


@pytest.mark.parametrize("name", UNUSABLE)
async def test_the_one_network_setting_that_cannot_be_used_is_named(name: str, network_settings: pytest.MonkeyPatch):
    network_settings.setenv("SSL_CERT_FILE", certifi_file())
    network_settings.setenv(name, UNUSABLE[name])
    if name == "SSL_CERT_DIR":
        network_settings.delenv("SSL_CERT_FILE")
    scheme = "http" if name == "HTTP_PROXY" else "https"
    async with ConnectionPool() as pool:
        with pytest.raises(errors.ConfigurationError) as caught:
            await ClipClient(pool, base_url=f"{scheme}://clips.example", api_key=KEY).list()
    assert [other for other in (*PROXIES[::2], *TLS) if str(caught.value).startswith(f"{other} ")] == [name]
    assert ("SOCKS" in str(caught.value)) == (name == "ALL_PROXY")
    assert UNUSABLE[name] not in str(caught.value)


def certifi_file() -> str:
    return ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"


async def test_a_proxy_that_does_not_concern_the_address_need_not_be_usable(network_settings: pytest.MonkeyPatch):
    network_settings.setenv("ALL_PROXY", "socks5://127.0.0.1:7890")
    async with Answers((200, b'{"items": []}', {})) as proxy, ConnectionPool() as pool:
        network_settings.setenv("HTTP_PROXY", f"{proxy.url}\n")
        await ClipClient(pool, base_url="http://clips.example", api_key=KEY).list()
        assert [seen.headers["host"] for seen in proxy.seen] == ["clips.example"]


@pytest.mark.parametrize(
    ("no_proxy", "is_direct"),
    [
        ("clips.example", True),
        (" other.example , clips.example", True),
        ("other.example clips.example", True),
        ("example", True),
        (".example", True),
        ("*.example", True),
        ("CLIPS.EXAMPLE", True),
        ("clips.example:443", True),
        ("https://clips.example", True),
        ("*", True),
        ("clips.example:80", False),
        ("lips.example", False),
        ("a.clips.example", False),
        ("10.0.0.0/8, ::1, [::1]", False),
        ("", False),
    ],
)
async def test_no_proxy_is_read_as_curl_reads_it(no_proxy: str, is_direct: bool, network_settings: pytest.MonkeyPatch):
    network_settings.setenv("HTTPS_PROXY", "http://user:password@proxy.example:3128")
    network_settings.setenv("NO_PROXY", no_proxy)
    proxy = proxy_for("https://clips.example")
    assert (proxy is None) == is_direct
    assert proxy is None or (proxy.address, proxy.variable) == ("proxy.example:3128", "HTTPS_PROXY")


@pytest.mark.parametrize("no_proxy", ["10.0.0.0/8", "10.1.2.3", "10.1.2.3:8000"])
async def test_no_proxy_may_list_addresses(no_proxy: str, network_settings: pytest.MonkeyPatch):
    network_settings.setenv("HTTP_PROXY", "proxy.example")
    assert proxy_for("http://10.1.2.3:8000") is not None
    network_settings.setenv("NO_PROXY", no_proxy)
    assert proxy_for("http://10.1.2.3:8000") is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9", "http://127.8.9.1", "http://[::1]:80", "https://localhost", "http://a.localhost."]
)
async def test_this_machine_never_has_a_proxy(url: str, network_settings: pytest.MonkeyPatch):
    network_settings.setenv("ALL_PROXY", "http://proxy.example")
    assert proxy_for(url) is None


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_gone_is_named(scheme: str, free_port: int, network_settings: pytest.MonkeyPatch):
    variable = f"{scheme.upper()}_PROXY"
    network_settings.setenv(variable, f"http://user:planted@127.0.0.1:{free_port}")
    async with ConnectionPool() as pool:
        client = ClipClient(pool, base_url=f"{scheme}://clips.example", api_key=KEY, retries=QUICKLY)
        with pytest.raises(errors.NotSentError) as caught:
            await client.list()
    assert f"through the proxy 127.0.0.1:{free_port} (named by {variable}): nothing listens" in str(caught.value)
    assert "planted" not in str(caught.value)


async def test_no_listener_is_certain(pool: ConnectionPool, free_port: int):
    client = ClipClient(pool, base_url=f"http://127.0.0.1:{free_port}", api_key=KEY, retries=QUICKLY)
    with pytest.raises(errors.NotSentError, match="nothing listens"):
        await client.create(a_request())
    with pytest.raises(errors.NotSentError, match="Nothing was sent"):
        async with client.stream(a_request()):
            pass


@pytest.fixture
async def free_port() -> int:
    async with Answers((200, b"", {})) as server:
        return server.port


async def test_a_server_without_tls_is_certain(pool: ConnectionPool):
    async def speak_plainly(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    assert "no secure connection" in await _refused_by(speak_plainly, pool)


async def test_an_untrusted_certificate_is_certain(pool: ConnectionPool, tmp_path: Path):
    context = loopback_certificate(tmp_path)[0]

    async def greet(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            with contextlib.suppress(ssl.SSLError, anyio.EndOfStream, anyio.BrokenResourceError):
                await anyio.streams.tls.TLSStream.wrap(stream, ssl_context=context, server_side=True)

    assert "SSL_CERT_FILE" in await _refused_by(greet, pool)


async def _refused_by(serve: Callable[[anyio.abc.SocketStream], Awaitable[None]], pool: ConnectionPool) -> str:
    """Return what a creation over https says to a server that cannot be spoken to."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - no Django anywhere
        client = ClipClient(pool, base_url=f"https://127.0.0.1:{port}", api_key=KEY)
        with pytest.raises(errors.NotSentError) as caught:
            await client.create(a_request())
        tasks.cancel_scope.cancel()
    return str(caught.value)


async def test_slow_bytes_are_not_waited_for_for_ever(api: ScriptedClipApi):
    async with ConnectionPool(timeout_seconds=3.0) as pool:  # a busy machine must still connect
        client = ClipClient(pool, base_url=api.base_url, api_key=KEY, retries=QUICKLY)
        with pytest.raises(errors.TransportError, match="in time"):
            await client.create(a_request("[scenario dripping_head]"))
        with pytest.raises(errors.TransportError, match="in time"):
            await client.create(a_request("[scenario hang_before_answer]"))


async def test_an_id_stays_inside_its_path(api: ScriptedClipApi, client: ClipClient):
    with pytest.raises(errors.NotFoundError):
        await client.get("../../admin?x=1#y")
    assert api.requests[0].path == "/v1/clips/../../admin?x=1#y"  # as one escaped segment, decoded by the server
    assert api.requests[0].query == {}


@pytest.mark.parametrize("key", ["two\nlines", "sp ace", "schlüssel", "tab\there"])
async def test_a_key_that_cannot_be_sent_is_refused_without_being_shown(key: str, pool: ConnectionPool):
    with pytest.raises(errors.ConfigurationError) as caught:
        ClipClient(pool, base_url="http://127.0.0.1:9", api_key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://x", "http://", "https://user:pw@host", "http://h/?q=1", "http://h:99999", "x"])
async def test_an_address_that_cannot_be_used_is_refused(url: str, pool: ConnectionPool):
    with pytest.raises(errors.ConfigurationError, match="REKA_BASE_URL"):
        ClipClient(pool, base_url=url, api_key=None)


async def test_without_a_key_no_key_is_sent(pool: ConnectionPool):
    async with Answers((200, b'{"items": []}', {})) as server:
        await ClipClient(pool, base_url=server.url + "/", api_key="  ").list(offset=40, limit=5, status="failed")
        assert "x-api-key" not in server.seen[0].headers
        assert server.seen[0].query == {"offset": "40", "limit": "5", "status": "failed"}


async def test_a_pool_that_is_not_open_opens_nothing():
    with pytest.raises(RuntimeError):
        await ConnectionPool().route("http://127.0.0.1:9")
