"""What is tidied away, and what is not: leftovers of crashes, old sources, and clips only where that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine_jobs import LINK, a_job, ended
from reka_clips.engine.service.cleanup import prune, sweep
from reka_clips.engine.service.models import JobRecord, SourceRecord
from reka_clips.engine.service.paths import Folders
from reka_clips.engine.store.sqlite import JobStore
from reka_clips.settings import Settings

DAY = 86400.0
NOW = 1000 * DAY


class Engine:
    """A data folder with its store, without a process at work."""

    def __init__(self, folders: Folders, store: JobStore) -> None:
        self.folders = folders
        self.store = store

    def prune(self, **settings: Any) -> None:
        prune(self.store, self.folders, Settings(data_dir=self.folders.root.parent, **settings), now=NOW)

    def finished(self, *, days_ago: float, megabytes: int = 1) -> JobRecord:
        """Add a generation that ended so long ago, with one clip."""
        job = self.waiting()
        running = self.store.begin(job, at=job.created_at)
        assert running is not None
        saved = ended(running, at=NOW - days_ago * DAY, clip_bytes=megabytes * 1024 * 1024)
        assert self.store.save(saved)
        self.folders.clips(job.id).mkdir()
        (self.folders.clips(job.id) / "1.mp4").write_bytes(b"clip")
        return saved

    def waiting(self, url: str = LINK) -> JobRecord:
        job = a_job(url)
        self.store.insert(job, job.id, max_waiting=100)
        return job

    def source(self, url: str, *, days_unused: float, size_bytes: int = 100) -> Path:
        folder = self.folders.source(url)
        folder.mkdir()
        (folder / "v.mp4").write_bytes(b"film")
        used_at = NOW - days_unused * DAY
        self.store.put_source(SourceRecord(url, f"{folder.name}/v.mp4", size_bytes, used_at, used_at))
        return folder

    def kept_clips(self) -> set[str]:
        on_disk = {path.name for path in self.folders.all_clips.iterdir()}
        assert on_disk == {job.id for job in self.store.page() if job.clips}
        return on_disk


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    folders = Folders.of(tmp_path)
    folders.make()
    with JobStore(folders.database) as store:
        yield Engine(folders, store)


def test_clips_stay_for_ever_unless_asked_otherwise(engine: Engine) -> None:
    job = engine.finished(days_ago=900, megabytes=90_000)
    engine.prune()
    assert engine.kept_clips() == {job.id}


def test_clips_that_are_too_old_go_with_their_generation(engine: Engine) -> None:
    engine.finished(days_ago=8)
    young = engine.finished(days_ago=6)
    engine.prune(keep_clips_days=7)
    assert engine.kept_clips() == {young.id}


def test_the_oldest_clips_go_until_the_rest_fits(engine: Engine) -> None:
    jobs = [engine.finished(days_ago=days, megabytes=10) for days in (5, 4, 3, 2)]
    engine.prune(keep_clips_bytes=25 * 1024 * 1024)
    assert engine.kept_clips() == {job.id for job in jobs[2:]}


def test_a_running_generation_is_never_pruned(engine: Engine) -> None:
    job = engine.waiting()
    engine.store.begin(job, at=NOW)
    engine.prune(keep_clips_days=1, keep_clips_bytes=0)
    assert engine.store.get(job.id) is not None


def test_sources_unused_for_long_go_unless_a_generation_waits_for_them(engine: Engine) -> None:
    old = engine.source("https://example.com/old.mp4", days_unused=8)
    young = engine.source("https://example.com/young.mp4", days_unused=6)
    needed = engine.source("https://example.com/needed.mp4", days_unused=30)
    engine.waiting("https://example.com/needed.mp4")
    engine.prune(keep_sources_days=7)
    assert (old.exists(), young.exists(), needed.exists()) == (False, True, True)
    assert len(engine.store.sources()) == 2


def test_the_longest_unused_sources_go_until_the_rest_fits(engine: Engine) -> None:
    folders = [engine.source(f"https://example.com/{days}.mp4", days_unused=days, size_bytes=100) for days in (3, 2, 1)]
    engine.prune(keep_sources_bytes=250)
    assert [folder.exists() for folder in folders] == [False, True, True]


def test_what_a_killed_engine_left_goes_and_what_is_kept_stays(engine: Engine) -> None:
    kept, job = engine.finished(days_ago=1), engine.waiting()
    leftovers = [
        engine.folders.staging(job.id),
        engine.folders.staging("no-such-id"),
        engine.folders.clips("no-such-id"),
    ]
    for folder in leftovers:
        folder.mkdir()
        (folder / "1.mp4").write_bytes(b"half")
    source = engine.source(LINK, days_unused=0)
    (source / ".0123.arrived").write_bytes(b"half")
    empty = engine.folders.source("https://example.com/failed.mp4")
    empty.mkdir()
    sweep(engine.store, engine.folders)
    assert [folder.exists() for folder in (*leftovers, empty)] == [False] * 4
    assert [path.name for path in source.iterdir()] == ["v.mp4"]
    assert engine.kept_clips() == {kept.id}


def test_a_link_that_leads_out_of_the_folder_is_removed_and_not_followed(engine: Engine, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.txt").write_text("mine")
    (engine.folders.all_clips / "stray").symlink_to(outside)
    sweep(engine.store, engine.folders)
    assert not (engine.folders.all_clips / "stray").exists()
    assert (outside / "precious.txt").read_text() == "mine"
