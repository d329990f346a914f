"""What callers who share an account see of each other, and which links of a service elsewhere are dropped."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from reka_clips.contract import ClipList, Snapshot
from reka_clips.mcp_server.visibility import Creators, without_files

ID = "0b7c9c3e-2d5a-4b5e-9d7d-2f1f6c0a1e11"
SIGNED = "https://bucket.example/film.mp4?X-Amz-Signature=secret#t=1"
PLAIN = "https://bucket.example/film.mp4"
CLIP = {"title": "a", "video_url": "https://cdn.example/1.mp4?signature=theirs", "source_url": SIGNED}
SNAPSHOT = Snapshot.model_validate({"id": ID, "status": "completed", "video_urls": [SIGNED, PLAIN], "output": [CLIP]})
PAGE = ClipList.model_validate({"items": [{"id": ID, "status": "completed", "video_urls": [SIGNED]}]})


@contextmanager
def calling(name: str):
    user = AuthenticatedUser(AccessToken(token="", client_id=name, scopes=[]))
    token = auth_context_var.set(user)
    try:
        yield
    finally:
        auth_context_var.reset(token)


def test_the_link_of_a_source_is_whole_for_the_caller_who_sent_it_alone():
    creators = Creators()
    with calling("ada"):
        creators.note(ID.upper())
        assert creators.snapshot(SNAPSHOT) == SNAPSHOT
        assert creators.page(PAGE) == PAGE
    with calling("bob"):
        seen = creators.snapshot(SNAPSHOT)
        assert seen.video_urls == (PLAIN, PLAIN)
        assert seen.output[0].source_url == PLAIN
        assert seen.output[0].video_url == CLIP["video_url"], "the clip itself is for everyone who shares the account"
        assert creators.page(PAGE).items[0].video_urls == (PLAIN,)


def test_the_query_of_a_page_that_shows_a_video_stays():
    page = "https://www.youtube.com/watch?v=aqz-KE-bpKQ"
    snapshot = Snapshot.model_validate({"id": ID, "video_urls": [page, "http://[broken"]})
    assert Creators().snapshot(snapshot).video_urls == (page,)


def test_after_a_restart_nobody_is_known_to_have_created_anything():
    with calling("ada"):
        assert Creators().snapshot(SNAPSHOT).video_urls == (PLAIN, PLAIN)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "FILE:///etc/passwd", "file:/etc/passwd", " file:///a"])
@pytest.mark.parametrize("field", ["video_url", "signed_s3_video_url", "poster_url", "source_url"])
def test_files_that_a_service_elsewhere_names_are_dropped(field: str, url: str):
    clip = {"title": "a", "video_url": "https://cdn.example/1.mp4"} | {field: url}
    snapshot = Snapshot.model_validate({"id": ID, "video_urls": [url, PLAIN], "output": [clip]})
    seen = without_files(snapshot)
    assert "file:" not in seen.model_dump_json().lower()
    assert seen.video_urls == (PLAIN,)
