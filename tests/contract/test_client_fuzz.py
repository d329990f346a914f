"""Bytes that nobody thought of, through the real parser over a real connection: they become snapshots or plain errors.

Every answer is sent by a server on loopback, split wherever hypothesis likes. Whatever comes: the client ends in time,
raises nothing outside the error tree, sends a creation once, shows no key, and serves the next call.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.desk import QUICK, a_request
from reka_clips.client import REKA, ClipClient, ConnectionPool, Retries
from reka_clips.contract import ClipList, Snapshot
from reka_clips.errors import RekaClipsError
from reka_clips.generations import ApiSession, GenerationManager
from scale import FULL
from scripted_api.wire import Exchange, WireServer

KEY = "planted-key-of-the-fuzz"
ID = "550e8400-e29b-41d4-a716-446655440000"
EXAMPLES = settings(max_examples=5000 if FULL else 150)

# --- What an upstream may send ---------------------------------------------------------------------------------

texts = st.one_of(
    st.sampled_from(
        ["", ID, "queued", "completed", "failed", "processing", "https://x.example/a.mp4", KEY, "\x00\x1b[2J"]
    ),
    st.text(max_size=20),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
FIELDS = ("id", "status", "output", "prompt", "created_at", "video_urls", "error", "error_message", "progress",
          "generation_config", "num_generations", "updated_at", "items", "detail", "message")  # fmt: skip
objects = st.dictionaries(st.sampled_from(FIELDS), values, max_size=6)
documents = st.one_of(
    objects.map(lambda value: json.dumps(value).encode()),
    values.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60),
    st.sampled_from(
        [b"", b"{", b"[" * 2000, b'{"id":' * 500, b"NaN", b"\xef\xbb\xbf{}", b'{"id": "\\ud800"}', b"<html>"]
    ),
)
ends = st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r", b"\n", b"", b"\n\n\n"])
lines = st.one_of(
    st.tuples(
        st.sampled_from([b"data: ", b"data:", b"data", b": ", b"event: ", b"id: ", b"retry: ", b""]), documents, ends
    ),
    st.tuples(st.just(b"data: "), st.just(json.dumps({"id": ID, "status": "processing"}).encode()), st.just(b"\n\n")),
    st.tuples(st.just(b"data: "), st.just(b"[DONE]"), st.just(b"\n\n")),
).map(b"".join)
streams = st.lists(lines, max_size=8).map(b"".join)
heads = st.one_of(
    st.sampled_from([
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n\r\n",
        b"HTTP/1.1 429 No\r\nretry-after: 0\r\nx-ratelimit-requests-reset: nan\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n",
        b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/9.9 999 \r\n\r\n",
        b"",
    ]),
    st.binary(max_size=40),
)  # fmt: skip
splits = st.lists(st.integers(1, 40), max_size=12)


class Fuzzed:
    """A server that answers every request with the same bytes, and a client and a hub that talk to it."""

    def __init__(self, portal: BlockingPortal) -> None:
        self.portal = portal
        self.server = WireServer(self._answer)
        self.pool = ConnectionPool(timeout_seconds=10.0)
        self.content = b""
        self.splits: list[int] = []
        self.posts = 0

    async def _answer(self, exchange: Exchange) -> None:
        self.posts += exchange.method == "POST"
        rest = self.content
        for size in self.splits:
            await exchange.raw(rest[:size])
            rest = rest[size:]
        await exchange.raw(rest)

    @property
    def client(self) -> ClipClient:
        retries = Retries(attempts=2, first_seconds=0.0, longest_seconds=0.0, patience_seconds=0.0)
        return ClipClient(self.pool, base_url=f"http://127.0.0.1:{self.server.port}", api_key=KEY, retries=retries)

    def answers(self, content: bytes, where: list[int]) -> None:
        self.content, self.splits, self.posts = content, where, 0


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Fuzzed]:
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        fuzzed = Fuzzed(portal)
        stack.enter_context(portal.wrap_async_context_manager(fuzzed.server))
        stack.enter_context(portal.wrap_async_context_manager(fuzzed.pool))
        yield fuzzed


def plain(error: RekaClipsError) -> str:
    told = f"{error} {error!r}"
    assert KEY not in told
    assert "httpx" not in told
    assert len(told) < 20_000
    return told


async def _streamed(client: ClipClient) -> list[Snapshot]:
    snapshots: list[Snapshot] = []
    with anyio.fail_after(20):
        try:
            async with client.stream(a_request()) as stream:
                async for snapshot in stream:
                    snapshots.append(snapshot)  # noqa: PERF401 - what came before an error counts, too
        except RekaClipsError as error:
            plain(error)
    return snapshots


@given(streams, splits)
@EXAMPLES
def test_any_stream_is_snapshots_or_a_plain_error(fuzzed: Fuzzed, body: bytes, where: list[int]):
    fuzzed.answers(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + body, where)
    snapshots = fuzzed.portal.call(_streamed, fuzzed.client)
    assert all(isinstance(snapshot, Snapshot) for snapshot in snapshots)
    assert fuzzed.posts == 1


@given(heads, st.one_of(documents, streams), splits)
@EXAMPLES
def test_any_answer_to_a_creation_is_sent_for_once(fuzzed: Fuzzed, head: bytes, body: bytes, where: list[int]):
    fuzzed.answers(head + body, where)
    fuzzed.portal.call(_streamed, fuzzed.client)
    assert fuzzed.posts == 1


async def _looked_up(client: ClipClient) -> None:
    for call in (lambda: client.get(ID), client.list, lambda: client.delete(ID)):
        with anyio.fail_after(20):
            try:
                assert isinstance(await call(), Snapshot | ClipList | dict)
            except RekaClipsError as error:
                plain(error)


@given(heads, documents, splits)
@EXAMPLES
def test_any_answer_to_a_lookup_is_read_or_a_plain_error(fuzzed: Fuzzed, head: bytes, body: bytes, where: list[int]):
    fuzzed.answers(head + body, where)
    fuzzed.portal.call(_looked_up, fuzzed.client)


async def _followed(fuzzed: Fuzzed) -> str:
    """Create, and follow for a moment; return the id that was told."""
    account = ApiSession(fuzzed.client, owner="owner", backend=REKA)
    async with GenerationManager(config=QUICK) as manager:
        with anyio.fail_after(60):
            job = await manager.create(account, a_request()).job()
        with anyio.move_on_after(0.1):
            try:
                stages = [state.sequence async for state in job.follow()]
                assert stages == sorted(set(stages))
            except RekaClipsError as error:
                plain(error)
    return job.id


@given(streams.map(lambda body: b'data: {"id": "' + ID.encode() + b'"}\n\n' + body), splits)
@settings(max_examples=500 if FULL else 30)
def test_an_id_once_told_stays_whatever_follows(fuzzed: Fuzzed, body: bytes, where: list[int]):
    fuzzed.answers(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + body, where)
    assert fuzzed.portal.call(_followed, fuzzed) == ID
    assert fuzzed.posts == 1
