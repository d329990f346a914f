"""A Clip API as Python calls: create, get, list, delete."""

from __future__ import annotations

import random
import time
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, urlsplit

import anyio
import httpx2

from reka_clips.client.responses import api_error, clock_offset_of, json_object, rate_limit_of, request_id_of
from reka_clips.client.retries import Retries
from reka_clips.client.stream import ClipStream
from reka_clips.client.transport_errors import translated
from reka_clips.contract import ClipList, Snapshot
from reka_clips.errors import ConfigurationError, NotFoundError, RekaClipsError, UnreadableAnswerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from typing import TypeVar

    from reka_clips.client.connections import ConnectionPool
    from reka_clips.contract import CreateRequest
    from reka_clips.errors import RateLimit

    T = TypeVar("T")

MAX_ANSWER_BYTES: Final = 8 * 2**20
_PATH: Final = "/v1/clips"


class ClipClient:
    """One key at one Clip API. Cheap to make; any number share a pool.

    base_url: http or https, without user name or password. api_key: sent as X-Api-Key, shown nowhere.
    Raises ConfigurationError for an address or a key that cannot be sent.

    All calls raise from the error tree: an ApiError for an answer outside 2xx, a TransportError when no whole
    answer came, of which NotSentError means that nothing arrived. GET, list and DELETE are repeated as
    `retries` says; a creation is sent once.
    """

    def __init__(
        self, pool: ConnectionPool, *, base_url: str, api_key: str | None, retries: Retries | None = None
    ) -> None:
        self._pool = pool
        self.redirect(base_url=base_url, api_key=api_key)
        self._retries = retries or Retries()
        self.rate_limit: RateLimit | None = None
        self.clock_offset_seconds: float | None = None

    def __repr__(self) -> str:
        return f"ClipClient({self.base_url!r})"

    def redirect(self, *, base_url: str, api_key: str | None) -> None:
        """Go to another address from the next request on: the same service, which has moved."""
        self.base_url = _checked_base_url(base_url)
        self._host = urlsplit(self.base_url).netloc
        self._key = _checked_key(api_key)

    async def create(self, request: CreateRequest) -> Snapshot:
        """Start a generation and return its first snapshot, which has an id. Sent once, whatever happens."""
        fields = await self._call(
            await self._pool.creations(), "POST", _PATH, json=request.body(stream=False), params=request.query()
        )
        return Snapshot.model_validate(fields)

    @asynccontextmanager
    async def stream(self, request: CreateRequest) -> AsyncGenerator[ClipStream]:
        """Start a generation and open the stream of its snapshots. Sent once, whatever happens.

        An answer of plain JSON is taken for a stream of one snapshot.
        """
        silence_seconds = self._pool.stream_silence_seconds
        http = await self._pool.creations()
        with translated(self._host), anyio.fail_after(silence_seconds):
            response = await http.send(
                http.build_request(
                    "POST",
                    self.base_url + _PATH,
                    json=request.body(stream=True),
                    params=request.query(),
                    headers=self._headers() | {"Accept": "text/event-stream", "Cache-Control": "no-store"},
                    timeout=self._pool.timeouts(read_seconds=silence_seconds),
                ),
                stream=True,
            )
        async with aclosing(response):
            self._note(response)
            first = None
            if not (response.is_success and _is_event_stream(response)):
                with translated(self._host):
                    first = Snapshot.model_validate(await self._body(response))
            async with aclosing(_events(response)) as events:
                yield ClipStream(
                    events if first is None else None,
                    first=first,
                    host=self._host,
                    silence_seconds=self._pool.snapshot_silence_seconds,
                    secret=self._key,
                    request_id=request_id_of(response.headers),
                    rate_limit=rate_limit_of(response.headers),
                )

    async def get(self, generation_id: str, *, attempts: int | None = None) -> Snapshot:
        """Return a generation's newest snapshot. attempts: 1 for no repeats; unset: as `retries` says."""
        path = _path(generation_id)

        async def call() -> Snapshot:
            return Snapshot.model_validate(await self._call(await self._pool.lookups(), "GET", path))

        return await self._repeated(call, attempts)

    async def list(self, *, offset: int = 0, limit: int = 20, status: str | None = None) -> ClipList:
        """Return one page of the key's generations, in upstream's order. offset and limit count generations."""
        params = {"offset": str(offset), "limit": str(limit)} | ({} if status is None else {"status": status})

        async def call() -> ClipList:
            return ClipList.model_validate(await self._call(await self._pool.lookups(), "GET", _PATH, params=params))

        return await self._repeated(call)

    async def delete(self, generation_id: str, *, delete_input_video: bool = False) -> None:
        """Delete a generation that ended, and its source video if asked; any 2xx answer will do.

        Should the answer be lost, the repeat finds the generation gone: that is a success, too.
        """
        path = _path(generation_id)
        body = {"delete_input_video": True} if delete_input_video else None
        sent = 0

        async def call() -> None:
            nonlocal sent
            sent += 1
            try:
                await self._call(await self._pool.lookups(), "DELETE", path, json=body, any_body=True)
            except NotFoundError:
                if sent == 1:
                    raise

        await self._repeated(call)

    async def _repeated(self, call: Callable[[], Awaitable[T]], attempts: int | None = None) -> T:
        attempt = 0
        while True:
            attempt += 1
            try:
                return await call()
            except RekaClipsError as error:
                chance = random.random()  # noqa: S311 - spreads waits, guards nothing
                wait = self._retries.wait_seconds(error, attempt=attempt, chance=chance)
                if wait is None or attempt == attempts:
                    raise
            await anyio.sleep(wait)

    async def _call(
        self, http: httpx2.AsyncClient, method: str, path: str, *, any_body: bool = False, **content: Any
    ) -> dict[str, Any]:
        with translated(self._host), anyio.fail_after(self._pool.timeout_seconds):
            async with http.stream(
                method, self.base_url + path, headers=self._headers() | {"Accept": "application/json"}, **content
            ) as response:
                self._note(response)
                return await self._body(response, any_body=any_body)

    async def _body(self, response: httpx2.Response, *, any_body: bool = False) -> dict[str, Any]:
        parts = bytearray()
        with anyio.fail_after(self._pool.timeout_seconds):
            async for part in response.aiter_bytes():
                parts += part
                if len(parts) > MAX_ANSWER_BYTES:
                    raise UnreadableAnswerError(
                        f"The Clip API at {self._host} answered with more than {MAX_ANSWER_BYTES >> 20} MiB.",
                        status=response.status_code,
                        request_id=request_id_of(response.headers),
                    )
        content = bytes(parts)
        if not response.is_success:
            raise api_error(response.status_code, content, response.headers, secret=self._key)
        return {} if any_body else json_object(content, status=response.status_code, headers=response.headers)

    def _headers(self) -> dict[str, str]:
        return {} if self._key is None else {"X-Api-Key": self._key}

    def _note(self, response: httpx2.Response) -> None:
        self.rate_limit = rate_limit_of(response.headers) or self.rate_limit
        offset = clock_offset_of(response.headers, now=time.time())
        self.clock_offset_seconds = self.clock_offset_seconds if offset is None else offset


def _path(generation_id: str) -> str:
    return f"{_PATH}/{quote(generation_id, safe='')}"


def _is_event_stream(response: httpx2.Response) -> bool:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/event-stream"


def _events(response: httpx2.Response) -> AsyncGenerator[httpx2.ServerSentEvent]:
    return cast("AsyncGenerator[httpx2.ServerSentEvent]", aiter(httpx2.EventSource(response)))


def _checked_base_url(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
        usable = usable and not (parts.query or parts.fragment) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(
            "The Clip API's address must be an http(s) address without user name or password (see REKA_BASE_URL)."
        )
    return base_url.rstrip("/")


def _checked_key(api_key: str | None) -> str | None:
    if api_key is None or not (key := api_key.strip()):
        return None
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError("The API key holds characters that no key has (see REKA_API_KEY).")
    return key
