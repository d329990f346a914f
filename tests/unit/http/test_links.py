"""Signed links to clips."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reka_clips.contract import Snapshot
from reka_clips.mcp_server.http.clip_files import ClipLinks
from reka_clips.web.signed_links import LinkSigner

ID = "0b7c9c3e-2d5a-4b5e-9d7d-2f1f6c0a1e11"
OTHER = "0b7c9c3e-2d5a-4b5e-9d7d-2f1f6c0a1e12"
SECRET = "s" * 40


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def query_of(path: str) -> str:
    return urlsplit(path).query


def test_a_link_opens_its_own_file_until_it_expires():
    clock = Clock()
    links = ClipLinks(LinkSigner(SECRET, lifetime_seconds=3600, clock=clock))
    query = query_of(links.path(ID, "1.mp4"))
    assert links.opens(ID, "1.mp4", query)
    assert not links.opens(ID, "2.mp4", query)
    assert not links.opens(ID, "1.jpg", query)
    assert not links.opens(OTHER, "1.mp4", query)
    clock.now += 3600
    assert links.opens(ID, "1.mp4", query)
    clock.now += 901
    assert not links.opens(ID, "1.mp4", query)


def test_the_expiry_cannot_be_moved():
    links = ClipLinks(LinkSigner(SECRET, lifetime_seconds=60))
    expires, _, signature = query_of(links.path(ID, "1.mp4")).partition("&")
    later = f"expires={int(expires.removeprefix('expires=')) + 900}&{signature}"
    assert not links.opens(ID, "1.mp4", later)


def test_processes_that_share_the_secret_open_each_others_links():
    path = ClipLinks(LinkSigner(SECRET, lifetime_seconds=60)).path(ID, "1.mp4")
    assert ClipLinks(LinkSigner(SECRET, lifetime_seconds=60)).opens(ID, "1.mp4", query_of(path))
    assert not ClipLinks(LinkSigner("x" * 40, lifetime_seconds=60)).opens(ID, "1.mp4", query_of(path))
    assert not ClipLinks(LinkSigner(None, lifetime_seconds=60)).opens(ID, "1.mp4", query_of(path))


def test_the_same_link_is_given_again_for_a_while():
    clock = Clock()
    links = ClipLinks(LinkSigner(SECRET, lifetime_seconds=3600, clock=clock))
    first = links.path(ID, "1.mp4")
    clock.now += 10
    assert links.path(ID, "1.mp4") == first


@pytest.mark.parametrize("name", ["0.mp4", "1.exe", "../1.mp4", "1.mp4/", "1.mp4\n", "", "1000.mp4", "٣.mp4"])
def test_only_clips_and_pictures_have_links_that_open(name: str):
    links = ClipLinks(LinkSigner(SECRET, lifetime_seconds=60))
    assert not links.opens(ID, name, query_of(links.path(ID, name)))


@given(st.text(max_size=200))
def test_no_made_up_query_opens_anything_or_breaks(query: str):
    assert not ClipLinks(LinkSigner(SECRET, lifetime_seconds=60)).opens(ID, "1.mp4", query)


def test_files_in_a_snapshot_become_links_and_other_addresses_stay():
    links = ClipLinks(LinkSigner(SECRET, lifetime_seconds=60))
    snapshot = Snapshot.model_validate(
        {
            "id": ID,
            "status": "completed",
            "output": [
                {"video_url": f"file:///data/clips/{ID}/1.mp4", "poster_url": f"file:///data/clips/{ID}/1.jpg"},
                {"video_url": "https://cdn.example/2.mp4"},
                {"video_url": "file:///etc/passwd"},
                {"video_url": f"file:///data/clips/{OTHER}/1.mp4"},
            ],
        }
    )
    first, second, third, fourth = links.linked(snapshot, base_url="https://clips.example").output
    assert first.video_url is not None
    assert first.poster_url is not None
    assert first.video_url.startswith(f"https://clips.example/clips/{ID}/1.mp4?expires=")
    assert links.opens(ID, "1.mp4", query_of(first.video_url))
    assert links.opens(ID, "1.jpg", query_of(first.poster_url))
    assert second.video_url == "https://cdn.example/2.mp4"
    assert third.video_url is None
    assert fourth.video_url is None
