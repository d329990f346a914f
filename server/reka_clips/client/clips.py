"""A Clip API as Python calls: create, get, list, delete."""

from __future__ import annotations

import random
import time
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, urlsplit

import anyio
import httpx2

from reka_clips.client.responses import REDIRECTS, api_error, clock_offset_of, json_object, rate_limit_of, request_id_of
from reka_clips.client.stream import ClipStream
from reka_clips.client.transport_errors import translated
from reka_clips.contract import ClipList, Snapshot, decode_json
from reka_clips.errors import (
    ApiError,
    ConfigurationError,
    NotFoundError,
    NotSentError,
    RateLimitError,
    RekaClipsError,
    ServerError,
    TransportError,
    UnreadableAnswerError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from reka_clips.client.connections import ConnectionPool, Route
    from reka_clips.contract import CreateRequest
    from reka_clips.errors import RateLimit

MAX_ANSWER_BYTES: Final = 8 * 2**20
_PATH: Final = "/v1/clips"
_MARGIN_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Retries:
    """How GET, list and DELETE are repeated: after 0.5 s, 1 s, 2 s …, each with jitter; never a POST.

    attempts: how often a request is sent in all. patience_seconds: a `retry-after` above this is not waited for;
    the caller gets the error, which holds the wait.
    """

    attempts: int = 3
    first_seconds: float = 0.5
    longest_seconds: float = 8.0
    patience_seconds: float = 20.0

    def wait_seconds(self, error: RekaClipsError, *, attempt: int, chance: float) -> float | None:
        """Return how long to wait before sending again, or None if the error is to be raised.

        attempt: how often it was sent so far, from 1. chance: 0 to 1, spreads callers over half the wait.
        """
        if attempt >= self.attempts or not is_temporary(error):
            return None
        wait = min(self.longest_seconds, self.first_seconds * 2 ** (attempt - 1)) * (0.5 + chance / 2)
        asked = retry_after_seconds(error) or 0.0
        return None if asked > self.patience_seconds else max(wait, asked)


def is_temporary(error: RekaClipsError) -> bool:
    """Whether the same request may succeed a little later: outages, limits, broken connections."""
    if isinstance(error, UnreadableAnswerError):
        return error.status not in REDIRECTS
    return isinstance(error, TransportError | ServerError | RateLimitError)


def retry_after_seconds(error: RekaClipsError) -> float | None:
    """Return the wait that upstream asks for in this error, if it does."""
    if isinstance(error, ApiError) and error.rate_limit is not None:
        return error.rate_limit.retry_after_seconds
    return None


class ClipClient:
    """One key at one Clip API. Cheap to make; any number share a pool.

    base_url: http or https, without user name or password. api_key: sent as X-Api-Key, shown nowhere.
    is_embedded: it is this program's own engine, whose words are passed on as ours.
    Raises ConfigurationError for an address or a key that cannot be sent.

    All calls raise from the error tree: an ApiError for an answer outside 2xx, a TransportError when no whole
    answer came, of which NotSentError means that nothing arrived. GET, list and DELETE are repeated as
    `retries` says; a creation is sent once. Where a cancel scope with a deadline encloses the call, requests and
    waits end a little before it, so that the caller still gets the error that says why.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        *,
        base_url: str,
        api_key: str | None,
        is_embedded: bool = False,
        retries: Retries | None = None,
    ) -> None:
        self._pool = pool
        self.redirect(base_url=base_url, api_key=api_key)
        self._is_embedded = is_embedded
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
        route = await self._pool.route(self.base_url)
        fields = await self._call(
            route, route.creations, "POST", _PATH, json=request.body(stream=False), params=request.query()
        )
        return Snapshot.model_validate(fields)

    @asynccontextmanager
    async def stream(self, request: CreateRequest) -> AsyncGenerator[ClipStream]:
        """Start a generation and open the stream of its snapshots. Sent once, whatever happens.

        An answer of plain JSON is taken for a stream of one snapshot.
        """
        silence_seconds = self._pool.stream_silence_seconds
        route = await self._pool.route(self.base_url)
        with translated(self._host, _words_for(route)), anyio.fail_after(silence_seconds):
            response = await route.creations.send(
                route.creations.build_request(
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
                with translated(self._host), anyio.fail_after(self._pool.timeout_seconds):
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
        return Snapshot.model_validate(await self._lookup("GET", _path(generation_id), attempts=attempts))

    async def list(self, *, offset: int = 0, limit: int = 20, status: str | None = None) -> ClipList:
        """Return one page of the key's generations, in upstream's order. offset and limit count generations."""
        params = {"offset": str(offset), "limit": str(limit)} | ({} if status is None else {"status": status})
        return ClipList.model_validate(await self._lookup("GET", _PATH, params=params))

    async def delete(self, generation_id: str, *, delete_input_video: bool = False) -> dict[str, bool]:
        """Delete a generation, and its source video if asked; any 2xx answer will do.

        Returns the truth values of the answer: the engine says in `input_video_deleted` what became of the source.

        When the answer to one attempt is lost and the next one finds no such generation, it is deleted: no error.
        """
        body = {"delete_input_video": True} if delete_input_video else None
        answer = await self._lookup("DELETE", _path(generation_id), json=body)
        return {name: value for name, value in answer.items() if isinstance(value, bool)}

    async def _lookup(self, method: str, path: str, *, attempts: int | None = None, **content: Any) -> dict[str, Any]:
        """Send a request that may be repeated, and repeat it while that may help and there is time."""
        route = await self._pool.route(self.base_url)
        attempt, was_answer_lost = 0, False
        while True:
            attempt += 1
            try:
                return await self._call(route, route.lookups, method, path, **content)
            except NotFoundError:
                if method == "DELETE" and was_answer_lost:
                    return {}
                raise
            except RekaClipsError as error:
                was_answer_lost |= isinstance(error, TransportError) and not isinstance(error, NotSentError)
                chance = random.random()  # noqa: S311 - spreads waits, guards nothing
                wait = self._retries.wait_seconds(error, attempt=attempt, chance=chance)
                if wait is None or attempt == attempts or wait >= _seconds_left():
                    raise
            await anyio.sleep(wait)

    async def _call(
        self, route: Route, http: httpx2.AsyncClient, method: str, path: str, **content: Any
    ) -> dict[str, Any]:
        limit = min(self._pool.timeout_seconds, _seconds_left())
        with translated(self._host, _words_for(route)), anyio.fail_after(limit):
            async with http.stream(
                method, self.base_url + path, headers=self._headers() | {"Accept": "application/json"}, **content
            ) as response:
                self._note(response)
                return await self._body(response, any_body=method == "DELETE")

    async def _body(self, response: httpx2.Response, *, any_body: bool = False) -> dict[str, Any]:
        parts = bytearray()
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
            raise api_error(
                response.status_code, content, response.headers, secret=self._key, is_embedded=self._is_embedded
            )
        if not any_body:
            return json_object(content, status=response.status_code, headers=response.headers)
        try:
            answer = decode_json(content)
        except ValueError:
            return {}
        return cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}

    def _headers(self) -> dict[str, str]:
        return {} if self._key is None else {"X-Api-Key": self._key}

    def _note(self, response: httpx2.Response) -> None:
        self.rate_limit = rate_limit_of(response.headers) or self.rate_limit
        offset = clock_offset_of(response.headers, now=time.time())
        self.clock_offset_seconds = self.clock_offset_seconds if offset is None else offset


def _seconds_left() -> float:
    """Return the time until shortly before the deadline of the caller, which is infinite where there is none."""
    return max(0.0, anyio.current_effective_deadline() - anyio.current_time() - _MARGIN_SECONDS)


def _words_for(route: Route) -> str | None:
    return None if route.proxy is None else f"{route.proxy.address} (named by {route.proxy.variable})"


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
