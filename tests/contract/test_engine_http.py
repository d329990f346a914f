"""The engine over HTTP, as curl sees it: who may come in, what is answered to what, links that open a clip."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest

from engine_jobs import a_job, ended
from file_server import Request, serve_files
from made_films.plain import write_plain_film
from reka_clips.engine.http.server import bind, serve
from reka_clips.engine.service.paths import Folders
from reka_clips.engine.store.sqlite import JobStore
from reka_clips.settings import Settings
from reka_clips.web.server import Server

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

KEY = "key-of-this-test"
UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"


@asynccontextmanager
async def served(
    data_dir: Path,
    *,
    api_key: str | None = None,
    serves_others: bool = False,
    public_url: str | None = None,
    **settings: Any,
) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve an engine on a free port, and yield a plain HTTP client for it, which sends no key."""
    listener = bind("127.0.0.1", 0)
    ready = anyio.Event()
    servers: list[Server] = []

    def on_ready(server: Server) -> None:
        servers.append(server)
        ready.set()

    async def run() -> None:
        wanted = Settings(data_dir=data_dir, **settings)
        await serve(
            wanted,
            listener=listener,
            api_key=api_key,
            serves_others=serves_others,
            public_url=public_url,
            is_embedded=False,
            on_ready=on_ready,
        )

    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        with anyio.fail_after(60):
            await ready.wait()
        async with httpx2.AsyncClient(base_url=url, timeout=100) as client:
            yield client
        servers[0].stop()


def put_clip(data_dir: Path) -> str:
    """Add a generation with one clip of ten bytes; return its id."""
    folders = Folders.of(data_dir)
    folders.make()
    with JobStore(folders.database) as store:
        store.insert(job := a_job(), "", max_waiting=9)
        begun = store.begin(job, at=time.time())
        assert begun is not None
        store.save(ended(begun, at=time.time(), clip_bytes=10))
    folders.clips(job.id).mkdir()
    (folders.clips(job.id) / "1.mp4").write_bytes(b"0123456789")
    (folders.clips(job.id) / "1.jpg").write_bytes(b"a picture")
    return job.id


async def test_a_stream_tells_every_stage_and_the_list_shows_it_until_it_is_deleted(tmp_path: Path) -> None:
    film = write_plain_film(tmp_path / "film.mp4", seconds=3)
    body = {
        "video_urls": [film.as_uri()],
        "stream": True,
        "generation_config": {"num_generations": 1, "max_duration_seconds": 2},
        "rendering_config": {"aspect_ratio": "1:1", "resolution": 480, "subtitles": False},
    }
    async with served(tmp_path / "data", engine_queue=7, trust_local_users=True) as http:
        async with http.stream("POST", "/v1/clips", json=body) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            lines = [line async for line in response.aiter_lines() if line]
        told = [json.loads(line.removeprefix("data: ")) for line in lines]
        stages = list(dict.fromkeys(state["status"] for state in told))
        assert stages == ["queued", "downloading", "indexing", "preprocessing", "processing", "completed"]
        path = Path(urlsplit(told[-1]["output"][0]["video_url"]).path)
        assert path.read_bytes()[4:8] == b"ftyp"

        listed = (await http.get("/v1/clips")).json()
        (item,) = listed["items"]
        assert (item["id"], item["status"], item["progress"]) == (told[-1]["id"], "completed", 1.0)
        assert item["size_bytes"] == path.stat().st_size

        assert (await http.delete(f"/v1/clips/{item['id']}")).json() == {"success": True}
        assert (await http.get("/v1/clips")).json() == {"items": []}
        assert not path.exists()
        assert (await http.delete(f"/v1/clips/{item['id']}")).status_code == 404


async def test_what_cannot_be_answered_well_is_answered_in_the_apis_own_shape(tmp_path: Path) -> None:
    sent: dict[str, Any] = {"headers": {"Content-Type": "application/json"}}
    async with served(tmp_path) as http:
        answers = {
            "no JSON": (await http.post("/v1/clips", content=b"{", **sent), 400, "no valid JSON"),
            "no type": (await http.post("/v1/clips", content=b"{}"), 400, "Content-Type: application/json"),
            "too large": (
                await http.post("/v1/clips", content=bytes(1_100_000), **sent),
                413,
                "larger than 1048576 bytes",
            ),
            "unknown id": (await http.get(f"/v1/clips/{UNKNOWN}"), 404, "There is no such generation"),
            "no id": (await http.delete("/v1/clips/1"), 404, "There is no such generation"),
            "no clip": (await http.get(f"/v1/clips/{UNKNOWN}/output/1.mp4"), 404, "There is no such generation"),
            "up": (
                await http.get(f"/v1/clips/{UNKNOWN}/output/..%2f..%2fjobs.sqlite3"),
                404,
                "nothing at this address",
            ),
            "nowhere": (await http.get("/v1"), 404, "nothing at this address"),
            "slash": (await http.get("/v1/clips/"), 404, "nothing at this address"),
            "method": (await http.put("/v1/clips"), 405, "This address takes GET, HEAD, POST only."),
            "query": (await http.get("/v1/clips?limit=0"), 400, "must be a whole number from 1 to 100"),
        }
    for name, (response, status, words) in answers.items():
        assert response.status_code == status, name
        error = response.json()["error"]
        assert words in error["message"], name
        assert error["type"].endswith("_error"), name
        assert len(response.headers["x-request-id"]) == 36, name


async def test_without_a_key_only_this_machine_itself_may_come_in_and_no_web_page(tmp_path: Path) -> None:
    async with served(tmp_path) as http:
        port = http.base_url.port
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "", "127.0.0.1:80:80"):
            refused = await http.get("/v1/clips", headers={"Host": host})
            assert refused.status_code in (400, 403), host
        for host in (f"localhost:{port}", "LOCALHOST", f"127.0.0.1:{port}"):
            assert (await http.get("/v1/clips", headers={"Host": host})).status_code == 200, host
        assert (await http.get("/v1/clips", headers={"Origin": "null"})).status_code == 403


async def test_with_a_key_everything_but_health_needs_it(tmp_path: Path) -> None:
    async with served(tmp_path, api_key=KEY) as http:
        wrong = [
            {},
            {"X-Api-Key": "wrong"},
            {"X-Api-Key": KEY[:-1]},
            {"Authorization": f"Basic {KEY}"},
            {"X-Api-Key": "é"},
        ]
        for headers in wrong:
            encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
            assert (await http.get("/v1/clips", headers=encoded)).status_code == 401
        for headers in ({"X-Api-Key": KEY}, {"Authorization": f"Bearer {KEY}"}, {"Authorization": f"bearer  {KEY}"}):
            assert (await http.get("/v1/clips", headers=headers)).status_code == 200
        assert (await http.get("/healthz")).json() == {"status": "ok"}


async def test_a_signed_link_opens_its_clip_without_a_key_and_nothing_else(tmp_path: Path) -> None:
    job_id = put_clip(tmp_path)
    async with served(tmp_path, api_key=KEY, serves_others=True, public_url="https://clips.example/engine") as http:
        with_key = {"X-Api-Key": KEY}
        (clip,) = (await http.get(f"/v1/clips/{job_id}", headers=with_key)).json()["output"]
        link = clip["video_url"]
        assert link.startswith(f"https://clips.example/engine/v1/clips/{job_id}/output/1.mp4?expires=")
        path = link.removeprefix("https://clips.example/engine")
        whole = await http.get(path)
        assert (whole.content, whole.headers["content-type"]) == (b"0123456789", "video/mp4")
        part = await http.get(path, headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.content) == (206, b"234")
        picture = await http.get(clip["poster_url"].removeprefix("https://clips.example/engine"))
        assert picture.content == b"a picture"

        query = path.partition("?")[2]
        for other in (
            path.replace("1.mp4", "1.jpg"),
            path.replace(job_id, UNKNOWN),
            path[:-1] + ("0" if path[-1] != "0" else "1"),
            path.replace("expires=", "expires=9"),
            f"/v1/clips/{job_id}?{query}",
            f"/v1/clips?{query}",
            path.partition("&")[0],
        ):
            assert (await http.get(other)).status_code == 401, other
        assert (await http.delete(path)).status_code == 401


async def test_without_a_key_no_files_are_read_and_the_refusal_says_what_changes_that(tmp_path: Path) -> None:
    film = write_plain_film(tmp_path / "film.mp4", seconds=2)
    body: dict[str, Any] = {"video_urls": [film.as_uri()]}
    async with served(tmp_path / "data") as http:
        for url in (film.as_uri(), "file:///etc/shadow", "file:///nothing/there"):
            refused = await http.post("/v1/clips", json={"video_urls": [url]})
            assert refused.status_code == 400
            message = refused.json()["error"]["message"]
            assert "REKA_CLIPS_ENGINE_KEY" in message
            assert "--trust-local-users" in message
        # Other programs of the person who runs it find a key in the folder, which others cannot read.
        told = Folders.of(tmp_path / "data").root / "owner.json"
        assert os.name == "nt" or told.stat().st_mode & 0o077 == 0
        own = {"X-Api-Key": json.loads(told.read_text())["api_key"]}
        assert (await http.post("/v1/clips", json=body, headers=own)).status_code == 202
    async with served(tmp_path / "data", api_key=KEY) as http:
        body["prompt"] = "another"
        assert (await http.post("/v1/clips", json=body, headers={"X-Api-Key": KEY})).status_code == 202


async def test_a_served_engine_reads_files_from_its_folders_only(tmp_path: Path) -> None:
    film = write_plain_film(tmp_path / "film.mp4", seconds=2)
    async with served(
        tmp_path / "data", api_key=KEY, serves_others=True, engine_folders=(tmp_path / "shared",)
    ) as http:
        body = {"video_urls": [film.as_uri()]}
        refused = await http.post("/v1/clips", json=body, headers={"X-Api-Key": KEY})
    assert refused.status_code == 400
    assert "REKA_CLIPS_ENGINE_FOLDERS" in refused.json()["error"]["message"]


async def test_a_film_of_a_shared_folder_is_read_once_and_what_takes_its_place_is_not(tmp_path: Path) -> None:
    shared, private = tmp_path / "shared", write_plain_film(tmp_path / "private.mp4", seconds=3)
    shared.mkdir()
    film = write_plain_film(shared / "film.mp4", seconds=3)
    (shared / "film.srt").write_text("1\n00:00:00,500 --> 00:00:02,000\nHello there\n")
    body = {
        "video_urls": [film.as_uri()],
        "stream": True,
        "generation_config": {"num_generations": 1, "max_duration_seconds": 2},
        "rendering_config": {"aspect_ratio": "1:1", "resolution": 480},
    }
    public = film.read_bytes()
    data = tmp_path / "data"
    others = {"api_key": KEY, "serves_others": True, "engine_folders": (shared,)}
    async with (
        served(data, **others) as http,
        http.stream("POST", "/v1/clips", json=body, headers={"X-Api-Key": KEY}) as response,
    ):
        state: dict[str, Any] = {}
        async for line in response.aiter_lines():
            state = json.loads(line.removeprefix("data: ")) if line else state
            if state["status"] == "indexing" and not film.is_symlink():
                film.unlink()
                film.symlink_to(private)
    assert state["status"] == "completed", state
    [kept] = Folders.of(data).all_sources.glob("*/*/film.mp4")
    assert kept.read_bytes() == public
    assert (kept.parent / "film.srt").exists(), "its subtitles come along"


async def test_a_full_queue_says_when_to_come_back(tmp_path: Path) -> None:
    async def never(_: Request, __: asyncio.StreamWriter) -> None:
        await anyio.sleep_forever()

    async with (
        serve_files({"/v.mp4": never}) as web,
        served(tmp_path, engine_queue=1, allow_private_sources=True) as http,
    ):
        assert (await http.post("/v1/clips", json={"video_urls": [f"{web.url}/v.mp4"]})).status_code == 202
        refused = await http.post("/v1/clips", json={"video_urls": ["https://example.com/v.mp4"]})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert refused.json()["error"]["type"] == "busy_error"
