"""A Clip API that keeps its generations in memory and does what a scenario says."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from scripted_api.scenarios import SCENARIOS, Scenario
from scripted_api.wire import Exchange, WireServer

STAGES = ("queued", "downloading", "indexing", "preprocessing", "processing", "completed")
DEFAULT_PROMPT = "Create an engaging short video highlighting the best moments"
CLIP = {
    "title": "The best moment",
    "video_url": "https://cdn.example.com/clip.mp4",
    "caption": "Look at this",
    "hashtags": ["clip"],
    "ai_score": 85,
}


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Generation:
    """One generation. It advances with its stream or with each GET, or, when manual, only as told."""

    id: str
    key: str
    body: dict[str, Any]
    scenario: Scenario
    created_at: str
    manual: bool = False
    stage: int = 0
    status: str | None = None  # says it instead of the stage
    gets: int = 0
    more: dict[str, Any] = field(default_factory=dict)
    history: list[str] = field(default_factory=lambda: ["queued"])
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def current(self) -> str:
        return self.status or STAGES[self.stage]

    @property
    def is_over(self) -> bool:
        return self.current in ("completed", "failed")

    def advance(self) -> None:
        """Go one stage further, to `completed` at most."""
        if not self.is_over:
            self.set_stage(STAGES[self.stage + 1])

    def set_stage(self, status: str, **more: Any) -> None:
        """Be in any stage, known or not."""
        self.status = None if status in STAGES else status
        self.stage = STAGES.index(status) if status in STAGES else self.stage
        self.more |= more
        self.history.append(status)
        self.changed.set()
        self.changed = asyncio.Event()

    def snapshot(self, status: str | None = None, **more: Any) -> dict[str, Any]:
        """Return what a GET or an event tells."""
        status = status or self.current
        told = {
            "id": self.id,
            "status": status,
            "created_at": self.created_at,
            "updated_at": iso(datetime.now(UTC)),
            "video_urls": self.body.get("video_urls", []),
            "prompt": self.body.get("prompt", DEFAULT_PROMPT),
            "generation_config": self.body.get("generation_config", {}),
            "rendering_config": self.body.get("rendering_config", {}),
            "num_generations": 0,
            "output": [CLIP] if status == "completed" else [],
        }
        return told | self.more | more


@dataclass
class Recorded:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str

    def json(self) -> dict[str, Any]:
        return json.loads(self.body) if self.body else {}


class ScriptedClipApi:
    """A Clip API over loopback for tests: `async with ScriptedClipApi() as api`, then `api.base_url`.

    Which scenario a creation gets: `[scenario NAME]` in its prompt, else the next of `api.script`, else
    `api.default`. `api.requests` holds every request that arrived; `api.before_answer` may hold each of them up. Over
    HTTP (a test in another process): GET /_admin/requests, POST /_admin/stage {"id", "status", "more"}, POST
    /_admin/script {"names": […]}, POST /_admin/default {"name"}, POST /_admin/forget (drops requests and generations),
    POST /_admin/plant {"body", "key", "age_seconds", "manual"}.
    """

    def __init__(self, *, port: int = 0) -> None:
        self.server = WireServer(self._handle, port=port)
        self.generations: dict[str, Generation] = {}
        self.requests: list[Recorded] = []
        self.script: list[str] = []
        self.default = "normal"
        self.newest_first = False
        self.refuses_duplicates = False  # a body whose generation still runs is answered by 409
        self.before_answer: Callable[[Exchange], Awaitable[None]] | None = None
        self.changed = asyncio.Event()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    async def __aenter__(self) -> Self:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()

    def count(self, method: str, path: str = "/v1/clips") -> int:
        """Return how many requests of this method went to a path (or below it, if it ends in a slash)."""
        return sum(
            request.method == method
            and (request.path == path or (path.endswith("/") and request.path.startswith(path)))
            for request in self.requests
        )

    def plant(self, body: dict[str, Any], *, key: str = "key", age_seconds: float = 0.0, **more: Any) -> Generation:
        """Have a generation exist without a POST."""
        generation = self.new_generation(body, key, SCENARIOS["normal"])
        generation.created_at = iso(datetime.now(UTC) - timedelta(seconds=age_seconds))
        for name, value in more.items():
            setattr(generation, name, value)
        return generation

    def new_generation(self, body: dict[str, Any], key: str, scenario: Scenario) -> Generation:
        generation = Generation(
            str(uuid.uuid4()), key, body, scenario, iso(datetime.now(UTC)), manual=scenario.is_manual
        )
        self.generations[generation.id] = generation
        return generation

    async def arrived(self, method: str, path: str = "/v1/clips", *, times: int = 1) -> None:
        """Wait until so many requests of this kind have arrived."""
        while self.count(method, path) < times:
            await self.changed.wait()

    async def _handle(self, exchange: Exchange) -> None:
        if exchange.path.startswith("/_admin/"):
            await self._administer(exchange)
            return
        self.requests.append(
            Recorded(exchange.method, exchange.path, exchange.query, exchange.headers, exchange.body.decode())
        )
        self.changed.set()
        self.changed = asyncio.Event()
        exchange.extra_headers |= {
            "X-Request-ID": f"req-{len(self.requests)}",
            "x-ratelimit-requests-limit": "10",
            "x-ratelimit-requests-remaining": str(max(0, 10 - self.count("POST"))),
            "x-ratelimit-requests-reset": "3600",
            "retry-after": "0",
        }
        if self.before_answer is not None:
            await self.before_answer(exchange)
        key = exchange.headers.get("x-api-key", "")
        if not key:
            await exchange.json(401, {"error": {"type": "authentication_error", "message": "Missing API key"}})
        elif exchange.path == "/v1/clips":
            await (self._post(exchange, key) if exchange.method == "POST" else self._list(exchange, key))
        elif exchange.path.startswith("/v1/clips/"):
            await self._one(exchange, key, exchange.path.removeprefix("/v1/clips/"))
        else:
            await exchange.json(404, {"error": {"type": "not_found_error", "message": "No such path"}})

    async def _post(self, exchange: Exchange, key: str) -> None:
        body = {name: value for name, value in exchange.fields.items() if name != "stream"}
        running = [one for one in self.generations.values() if one.key == key and one.body == body and not one.is_over]
        if self.refuses_duplicates and running:
            await exchange.json(409, {"error": {"type": "conflict_error", "message": "Duplicate request"}})
            return
        named = re.search(r"\[scenario (\w+)\]", body.get("prompt") or "")
        name = named[1] if named else self.script.pop(0) if self.script else self.default
        scenario = SCENARIOS[name]
        await scenario.on_post(self, exchange, key, body, scenario)

    async def _list(self, exchange: Exchange, key: str) -> None:
        mine = [generation for generation in self.generations.values() if generation.key == key]
        if any(generation.scenario.on_list is not None for generation in mine):
            on_list = next(generation.scenario.on_list for generation in mine if generation.scenario.on_list)
            await on_list(self, exchange)
            return
        if self.newest_first:
            mine.reverse()
        status = exchange.query.get("status")
        mine = [generation for generation in mine if status in (None, generation.current)]
        offset, limit = int(exchange.query.get("offset", "0")), int(exchange.query.get("limit", "20"))
        fields = ("id", "status", "video_urls", "prompt")
        items = [{name: one.snapshot()[name] for name in fields} for one in mine[offset : offset + limit]]
        await exchange.json(200, {"items": items})

    async def _one(self, exchange: Exchange, key: str, generation_id: str) -> None:
        generation = self.generations.get(generation_id.lower())
        if generation is None or generation.key != key:
            await exchange.json(404, {"error": {"type": "not_found_error", "message": "No such generation"}})
        elif exchange.method == "DELETE":
            if not generation.is_over:
                await exchange.json(409, {"error": {"message": "The generation is still running"}})
                return
            del self.generations[generation.id]
            await exchange.json(200, {"success": True})
        else:
            generation.gets += 1
            await generation.scenario.on_get(self, exchange, generation)

    async def _administer(self, exchange: Exchange) -> None:
        answer: object = {}
        fields = exchange.fields
        match exchange.path.removeprefix("/_admin/"):
            case "requests":
                answer = [vars(request) for request in self.requests]
            case "generations":
                answer = [generation.snapshot() for generation in self.generations.values()]
            case "stage":
                self.generations[fields["id"]].set_stage(fields["status"], **fields.get("more", {}))
            case "script":
                self.script = list(fields["names"])
            case "default":
                self.default = fields["name"]
            case "plant":
                manual, age_seconds = fields.get("manual", False), fields.get("age_seconds", 0)
                answer = self.plant(
                    fields["body"], key=fields["key"], age_seconds=age_seconds, manual=manual
                ).snapshot()
            case "forget":
                self.requests.clear()
                self.generations.clear()
            case _:
                await exchange.json(404, {})
                return
        await exchange.json(200, answer)
