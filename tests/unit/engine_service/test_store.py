"""The engine's store: whose work counts, what may be added and removed, what outlives a crash."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from engine_jobs import LINK, a_job, ended
from reka_clips.engine.service.models import PROCESSING, QUEUED, JobRecord, SourceRecord
from reka_clips.engine.store.sqlite import DuplicateJobError, JobStore, QueueFullError
from reka_clips.errors import EngineStartError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[JobStore]:
    with JobStore(path) as opened:
        yield opened


def added(store: JobStore, job: JobRecord | None = None) -> JobRecord:
    job = job or a_job()
    store.insert(job, job.id, max_waiting=1000)
    return job


def begun(store: JobStore, job: JobRecord, *, at: float = 3000.0) -> JobRecord:
    started = store.begin(job, at=at)
    assert started is not None
    return started


def saved(store: JobStore, job: JobRecord) -> JobRecord:
    """Begin work on a generation and end it well."""
    done = ended(begun(store, job))
    assert store.save(done)
    return done


class TestAttempts:
    def test_the_beginning_counts_and_starts_anew_from_queued(self, store: JobStore) -> None:
        first = begun(store, added(store))
        assert store.save(replace(first.entering(PROCESSING, at=5.0), progress=0.7, warnings=("Odd.",)))
        again = begun(store, store.unfinished()[0])
        assert [stage.status for stage in again.stages] == [QUEUED, PROCESSING, QUEUED]
        assert (again.status, again.progress, again.warnings, again.attempts) == (QUEUED, 0.0, (), 2)
        assert store.get(first.id) == again

    def test_work_on_an_older_attempt_can_write_nothing_any_more(self, store: JobStore) -> None:
        old = begun(store, added(store))
        new = begun(store, old)
        assert not store.save(ended(old))
        assert store.begin(old, at=1.0) is None
        assert store.get(old.id) == new
        assert store.save(done := ended(new))
        assert store.get(old.id) == done

    def test_what_has_ended_or_is_gone_is_neither_begun_nor_written(self, store: JobStore) -> None:
        done = saved(store, added(store))
        assert store.begin(done, at=1.0) is None
        assert not store.save(done.failed("Late.", at=1.0))
        gone = begun(store, added(store))
        store.delete(gone.id)
        assert not store.save(gone)
        assert store.get(gone.id) is None

    def test_an_attempt_that_is_given_back_does_not_count(self, store: JobStore) -> None:
        job = added(store)
        running = replace(begun(store, job).entering(PROCESSING, at=0.5), progress=0.3)
        assert store.save(running)
        waiting = store.give_back(running, at=4000.0)
        assert waiting is not None
        assert (waiting.status, waiting.progress, waiting.attempts) == (QUEUED, 0.0, 0)
        assert begun(store, waiting).attempts == 1


class TestWhatMayBeAdded:
    def test_an_equal_request_is_refused_while_its_twin_runs_and_taken_afterwards(self, store: JobStore) -> None:
        twin = a_job()
        store.insert(twin, "fingerprint", max_waiting=10)
        with pytest.raises(DuplicateJobError) as caught:
            store.insert(a_job(), "fingerprint", max_waiting=10)
        assert caught.value.job_id == twin.id
        assert twin.id in str(caught.value)
        saved(store, twin)
        store.insert(a_job(), "fingerprint", max_waiting=10)
        assert len(store.page()) == 2

    def test_the_queue_is_bounded_by_what_waits_and_runs(self, store: JobStore) -> None:
        jobs = [a_job(), a_job()]
        for job in jobs:
            store.insert(job, job.id, max_waiting=2)
        late = a_job()
        with pytest.raises(QueueFullError, match="2 generations wait or run"):
            store.insert(late, late.id, max_waiting=2)
        assert store.get(late.id) is None
        saved(store, jobs[0])
        store.insert(late, late.id, max_waiting=2)

    @pytest.mark.parametrize("is_running", [False, True])
    def test_a_generation_is_deleted_once(self, store: JobStore, is_running: bool) -> None:
        job = begun(store, added(store)) if is_running else saved(store, added(store))
        assert store.delete(job.id) == job
        assert store.delete(job.id) is None
        assert store.get(job.id) is None


class TestReading:
    def test_pages_hold_the_newest_first_and_may_be_of_one_status(self, store: JobStore) -> None:
        jobs = [added(store) for _ in range(5)]
        done = saved(store, jobs[0])
        newest_first = [job.id for job in reversed(jobs)]
        assert [job.id for job in store.page()] == newest_first
        assert [job.id for job in store.page(offset=1, limit=2)] == newest_first[1:3]
        assert store.page(status="completed") == [done]
        assert store.page(status="no such") == []
        assert store.counts() == {"completed": 1, "queued": 4}
        assert [job.id for job in store.unfinished()] == [job.id for job in jobs[1:]]
        assert store.ids() == {job.id for job in jobs}


def test_all_is_there_again_after_a_restart(path: Path) -> None:
    source = SourceRecord("https://example.com/ä.mp4", "hash/ä.mp4", 10, 1.0, 2.0, etag='"1"')
    with JobStore(path) as store:
        job = added(store, a_job(error_message="Nicht da: ä 🎬"))
        store.put_source(source)
        secret = store.link_secret()
    with JobStore(path) as store, JobStore(path) as beside:
        assert store.get(job.id) == job
        assert store.sources() == [source]
        assert store.link_secret() == beside.link_secret() == secret
        store.delete_source(source.url)
        assert beside.source(source.url) is None


def test_a_generation_that_cannot_be_read_stands_in_nobodys_way(path: Path, store: JobStore) -> None:
    """Another version kept it in another form: an option that is gone, say."""
    odd, good = added(store), added(store)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE jobs SET record = replace(record, 'video_urls', 'video_links') WHERE id = ?", (odd.id,)
        )
    connection.close()
    assert [job.id for job in store.page()] == [good.id]
    assert store.unfinished() == [good]
    assert store.get(odd.id) is None
    store.give_up_unreadable()
    assert store.counts() == {"failed": 1, "queued": 1}
    assert store.delete(odd.id) is None
    assert store.ids() == {good.id}


def test_a_list_of_the_first_version_is_read_with_its_clips(path: Path) -> None:
    job = a_job(attempts=1)
    record = json.loads(TypeAdapter(JobRecord).dump_json(job))
    clip = {"number": 1, "title": "Kept", "caption": "", "hashtags": ["a"], "ai_score": 5, "duration_seconds": 1.5}
    clip |= {"width": 480, "height": 854, "size_bytes": 9, "has_poster": True}
    clip |= {"source_url": LINK, "source_start_seconds": 1.0, "source_end_seconds": 2.5}
    record |= {"owner": None, "version": 7, "status": "completed", "clips": [clip]}
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(
            "CREATE TABLE jobs (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL,"
            " fingerprint TEXT NOT NULL, owner TEXT, lease_until REAL, version INTEGER NOT NULL, record TEXT NOT NULL)"
        )
        values = (job.id, "completed", "f", 7, json.dumps(record))
        connection.execute("INSERT INTO jobs (id, status, fingerprint, version, record) VALUES (?, ?, ?, ?, ?)", values)
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    with JobStore(path) as store:
        kept = store.get(job.id)
        assert kept is not None
        (told,) = kept.clips
        assert (told.title, told.video_url, told.poster_url) == ("Kept", "1.mp4", "1.jpg")
        assert (told.source_start_time, told.source_end_time) == (1.0, 2.5)
        begun(store, added(store))


def test_a_list_that_a_newer_version_wrote_is_left_alone(path: Path) -> None:
    with JobStore(path) as store:
        added(store)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(EngineStartError, match="written by a newer version; update this one"):
        JobStore(path)


def test_a_list_that_is_none_is_named_with_what_to_do(path: Path) -> None:
    path.write_bytes(b"no database at all, but rather long" * 200)
    with pytest.raises(EngineStartError, match=r"cannot be used .*move the file away to start with an empty list"):
        JobStore(path)
    assert path.read_bytes().startswith(b"no database")


def test_on_a_full_disk_a_list_opens_and_gets_shorter(small_disk: Path) -> None:
    path = small_disk / "jobs.sqlite3"
    with JobStore(path) as store:
        jobs = [added(store) for _ in range(20)]
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    with JobStore(path) as store:
        assert store.delete(jobs[0].id) == jobs[0]
        assert len(store.page(limit=100)) == 19


def test_on_a_full_disk_a_new_list_does_not_open_and_says_so(small_disk: Path) -> None:
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(bytes(4 * 1024 * 1024))
    with pytest.raises(EngineStartError, match=r"disk is full.*Free disk space"):
        JobStore(small_disk / "jobs.sqlite3")
    filler.unlink()
    with JobStore(small_disk / "jobs.sqlite3") as store:
        assert store.page() == []


def test_a_source_that_is_used_while_it_is_looked_at_stays(store: JobStore) -> None:
    found = SourceRecord("https://example.com/v.mp4", "hash/v.mp4", 10, 1.0, 2.0)
    store.put_source(replace(found, used_at=3.0))
    assert not store.delete_source(found.url, unless_used_since=found)
    assert store.delete_source(found.url, unless_used_since=replace(found, used_at=3.0))
    assert not store.delete_source(found.url)
