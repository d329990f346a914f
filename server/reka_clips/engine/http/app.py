"""The HTTP face of the engine: routes, and nothing but routes."""

from __future__ import annotations

import json
import logging
import re
import sqlite3
import uuid
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import anyio.to_thread
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from reka_clips.contract import is_generation_id
from reka_clips.engine.http.request_parsing import (
    MAX_BODY_BYTES,
    Problem,
    RefusedError,
    parse_create,
    parse_delete,
    parse_page,
)
from reka_clips.engine.http.serializers import FileLinks, Links, SignedLinks, error_response, page, snapshot
from reka_clips.engine.service.sources import SourceError, local_file
from reka_clips.engine.store.sqlite import DuplicateJobError, QueueFullError, is_full
from reka_clips.engine.worker.failures import DISK_FULL_MESSAGE
from reka_clips.web.auth import SharedSecret, bearer_token
from reka_clips.web.body_limit import BodyLimit
from reka_clips.web.hosts import LOOPBACK_NAMES, HostCheck
from reka_clips.web.signed_links import LinkSigner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reka_clips.contract import CreateRequest
    from reka_clips.engine.service.models import JobRecord, SourcePolicy
    from reka_clips.engine.service.service import ClipService

_RETRY_AFTER_SECONDS: Final = 30
_OWNERS: Final = "reka_clips.is_owners"
_OUTPUT_PATH: Final = re.compile(r"/v1/clips/[^/]+/output/[^/]+")

logger = logging.getLogger(__name__)


class ClipApi:
    """The routes over one service.

    policy: what sources a new generation may have. serves_files: whether links are `file://` ones of this machine;
    else they are signed http links that start with `public_url`, or with the address that the caller used.
    Servers of the same data folder, which know the owner's key, may name any file, and get `file://` links.
    """

    def __init__(
        self,
        service: ClipService,
        *,
        policy: SourcePolicy,
        serves_files: bool,
        public_url: str | None,
        signer: LinkSigner,
    ) -> None:
        self._service = service
        self._policy = policy
        self._serves_files = serves_files
        self._public_url = public_url
        self._signer = signer

    async def create(self, request: Request) -> Response:
        """POST /v1/clips."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            # Also keeps out web pages: a browser asks before it sends this type to another origin.
            raise RefusedError(Problem("The body must be sent as Content-Type: application/json."))
        creation, stream = parse_create(await request.body(), _query(request))
        await anyio.to_thread.run_sync(_check_files, creation, self._policy_for(request))
        job = await self._service.submit(creation, self._policy_for(request))
        if not stream:
            return JSONResponse(snapshot(job, self._links(request)), status_code=202)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(job, request), headers=headers, media_type="text/event-stream")

    async def list(self, request: Request) -> Response:
        """GET /v1/clips."""
        offset, limit, status = parse_page(_query(request))
        jobs = await self._service.page(offset=offset, limit=limit, status=status)
        return JSONResponse(page(jobs))

    async def get(self, request: Request) -> Response:
        """GET /v1/clips/{id}."""
        job = await self._service.get(_job_id(request))
        if job is None:
            raise HTTPException(404)
        return JSONResponse(snapshot(job, self._links(request)))

    async def delete(self, request: Request) -> Response:
        """DELETE /v1/clips/{id}."""
        options = parse_delete(await request.body())
        job = await self._service.delete(_job_id(request), delete_input_video=options.delete_input_video)
        if job is None:
            raise HTTPException(404)
        answer = {"success": True}
        if options.delete_input_video:
            answer["input_video_deleted"] = not await self._service.keeps_source(job)
        return JSONResponse(answer)

    async def output(self, request: Request) -> Response:
        """GET /v1/clips/{id}/output/{n}.mp4 and {n}.jpg."""
        job = await self._service.get(_job_id(request))
        name: str = request.path_params["name"]
        if job is None or not any(name in (clip.video_url, clip.poster_url) for clip in job.clips):
            raise HTTPException(404)
        path = self._service.folders.clips(job.id) / name
        if not await anyio.to_thread.run_sync(path.is_file):
            raise HTTPException(404)
        media_type = "video/mp4" if name.endswith(".mp4") else "image/jpeg"
        return FileResponse(path, media_type=media_type, headers={"Cache-Control": "private, max-age=3600"})

    async def _events(self, job: JobRecord, request: Request) -> AsyncIterator[bytes]:
        links = self._links(request)
        async for state in self._service.follow(job.id):
            yield b"data: " + json.dumps(snapshot(state, links)).encode() + b"\n\n"

    def _links(self, request: Request) -> Links:
        if self._serves_files or _is_owners(request):
            return FileLinks(self._service.folders)
        return SignedLinks(self._public_url or f"{request.url.scheme}://{request.url.netloc}", self._signer)

    def _policy_for(self, request: Request) -> SourcePolicy:
        return replace(self._policy, folders=None) if _is_owners(request) else self._policy


def _is_owners(request: Request) -> bool:
    """Whether a request came with the key that only this person's servers can read."""
    return request.scope.get(_OWNERS, False)


def _check_files(creation: CreateRequest, policy: SourcePolicy) -> None:
    problems: list[Problem] = []
    for index, url in enumerate(creation.video_urls):
        if urlsplit(url).scheme == "file":
            try:
                local_file(url, policy)
            except SourceError as error:
                problems.append(Problem(str(error), f"video_urls.{index}"))
    if problems:
        raise RefusedError(*problems)


def build_app(api: ClipApi, *, api_key: str | None, owner_key: str, host: str, signer: LinkSigner) -> ASGIApp:
    """Return the application.

    owner_key: what servers of the same data folder send in its place, see `engine.owner`.

    api_key: what callers must send as `X-Api-Key` or bearer token; None: everyone on this machine may call, but no
    web page (it could reach the engine through a browser here), so the Host must be a name of this machine.
    host: the address that the engine listens on.
    """
    routes = [
        _route("/healthz", GET=_health),
        _route("/v1/clips", GET=api.list, POST=api.create),
        _route("/v1/clips/{id}", GET=api.get, DELETE=api.delete),
        _route("/v1/clips/{id}/output/{name}", GET=api.output),
    ]
    app = Starlette(routes=routes, exception_handlers=_HANDLERS)
    app.router.redirect_slashes = False
    names = (*LOOPBACK_NAMES, f"[{host}]" if ":" in host else host)
    hosts = HostCheck(hosts=[form for name in names for form in (name, f"{name}:*")], origins=())
    return _Gate(
        BodyLimit(app, max_bytes=MAX_BODY_BYTES, respond=error_response),
        api_key=api_key,
        owner_key=owner_key,
        hosts=hosts if api_key is None else HostCheck(hosts=None, origins=None),
        signer=signer,
    )


class _Gate:
    """Gives each request an id, and lets in those from a known name with the key or with a signed link."""

    def __init__(
        self, app: ASGIApp, *, api_key: str | None, owner_key: str, hosts: HostCheck, signer: LinkSigner
    ) -> None:
        self._app = app
        self._owner_key = SharedSecret(owner_key)
        self._api_key = None if api_key is None else SharedSecret(api_key)
        self._hosts = hosts
        self._signer = signer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = str(uuid.uuid4())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        await (self._refusal(scope) or self._app)(scope, receive, send_with_id)

    def _refusal(self, scope: Scope) -> Response | None:
        path: str = scope["path"]
        if path == "/healthz":
            return None
        refusal = self._hosts.refusal(scope)
        if refusal is not None:
            is_host = refusal.status == HTTPStatus.MISDIRECTED_REQUEST
            return error_response(400 if is_host else refusal.status, refusal.message)
        headers = Headers(scope=scope)
        key = headers.get("x-api-key", "") or bearer_token(headers).strip()
        scope[_OWNERS] = self._owner_key.matches(key)
        if scope[_OWNERS] or self._api_key is None or self._api_key.matches(key):
            return None
        reads_file = scope["method"] in ("GET", "HEAD") and _OUTPUT_PATH.fullmatch(path) is not None
        if reads_file and self._signer.opens(path, scope["query_string"].decode("latin-1")):
            return None
        return error_response(401, "The key is missing or wrong: send it as X-Api-Key, or as a bearer token.")


def _route(path: str, **handlers: Callable[[Request], Awaitable[Response]]) -> Route:
    """Return one route for all methods of a path: a wrong method is answered with all the right ones."""

    async def handle(request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, handle, methods=list(handlers))


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _query(request: Request) -> dict[str, str]:
    return dict(request.query_params)


def _job_id(request: Request) -> str:
    job_id: str = request.path_params["id"]
    if not is_generation_id(job_id):
        raise HTTPException(404)
    return job_id.lower()


async def _refused(_: Request, error: Exception) -> Response:
    problems = error.problems if isinstance(error, RefusedError) else ()
    return error_response(400, str(error), param=problems[0].param if problems else None, problems=problems)


async def _duplicate(_: Request, error: Exception) -> Response:
    return error_response(409, str(error))


async def _queue_full(_: Request, error: Exception) -> Response:
    headers = {"Retry-After": str(_RETRY_AFTER_SECONDS)}
    return error_response(429, f"The engine is busy: {error}", kind="busy_error", headers=headers)


async def _http_error(_: Request, error: Exception) -> Response:
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    message = str(getattr(error, "detail", ""))
    if status == HTTPStatus.NOT_FOUND:
        message = "There is no such generation, or nothing at this address."
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        message = f"This address takes {', '.join(sorted((headers or {}).get('Allow', '').split(', ')))} only."
    return error_response(status, message, headers=headers)


async def _store_failed(_: Request, error: Exception) -> Response:
    logger.error("The engine's store failed: %s", error)
    if is_full(error):
        return error_response(507, DISK_FULL_MESSAGE)
    return error_response(500, "The engine cannot read or write its list of generations; its log tells more.")


async def _unexpected(_: Request, __: Exception) -> Response:
    return error_response(500, "The engine failed for a reason it does not know; its log tells more.")


_HANDLERS: Final[dict[Any, Any]] = {
    RefusedError: _refused,
    DuplicateJobError: _duplicate,
    QueueFullError: _queue_full,
    HTTPException: _http_error,
    sqlite3.Error: _store_failed,
    Exception: _unexpected,
}
