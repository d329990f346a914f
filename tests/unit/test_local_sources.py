"""A file source is its file and the subtitles beside it, as they are now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reka_clips.download.local import sources_state


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "my talk.mp4"
    path.write_bytes(b"film")
    return path


@pytest.mark.parametrize("name", ["my talk.srt", "my talk.en.vtt", "My Talk.SRT", "my talk.part2.ass"])
def test_subtitles_that_come_change_or_go_change_the_state(name: str, video: Path) -> None:
    seen = [sources_state([video.as_uri()])]
    sidecar = video.with_name(name)
    sidecar.write_text("one")
    seen.append(sources_state([video.as_uri()]))
    sidecar.write_text("three")
    seen.append(sources_state([video.as_uri()]))
    assert len(set(seen)) == 3
    sidecar.unlink()
    assert sources_state([video.as_uri()]) == seen[0]


def test_another_film_under_the_same_name_changes_the_state(video: Path) -> None:
    before = sources_state([video.as_uri()])
    os.utime(video, ns=(0, 0))
    assert sources_state([video.as_uri()]) != before


@pytest.mark.parametrize("name", ["other.srt", "my talk.txt", "my talk 2.srt"])
def test_other_files_beside_it_do_not(name: str, video: Path) -> None:
    before = sources_state([video.as_uri()])
    video.with_name(name).write_text("x")
    assert sources_state([video.as_uri(), "https://films.example/a.mp4"]) == before


@pytest.mark.parametrize("url", ["https://films.example/a.mp4", "file:///nonexistent/a.mp4", "file:///a%00b.mp4"])
def test_what_is_no_file_here_has_no_state(url: str) -> None:
    assert sources_state([url]) == ""
