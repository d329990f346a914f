"""The store that engine processes share: who works on what, what may be added and removed, what outlives a crash."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine_jobs import a_job, ended
from reka_clips.engine.service.models import PROCESSING, QUEUED, JobRecord, SourceRecord
from reka_clips.engine.store.sqlite import DuplicateJobError, JobRunningError, JobStore, QueueFullError
from reka_clips.errors import EngineStartError

LEASE = 10.0


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


def claimed(store: JobStore, owner: str = "one", *, now: float = 0.0) -> JobRecord:
    job = store.claim(owner, now=now, lease_seconds=LEASE)
    assert job is not None
    return job


class TestLeases:
    def test_the_oldest_generation_is_taken_first_and_by_one_process_only(self, store: JobStore) -> None:
        first, second = added(store), added(store)
        assert claimed(store, "one").id == first.id
        assert claimed(store, "two").id == second.id
        assert store.claim("three", now=0.0, lease_seconds=LEASE) is None

    def test_it_stays_with_its_owner_until_the_lease_runs_out(self, store: JobStore) -> None:
        job = added(store)
        claimed(store, "one", now=0.0)
        assert store.claim("two", now=LEASE, lease_seconds=LEASE) is None
        again = claimed(store, "two", now=LEASE + 0.1)
        assert (again.id, again.owner, again.attempts) == (job.id, "two", 2)

    def test_renewing_keeps_it_and_tells_what_is_still_held(self, store: JobStore) -> None:
        job = added(store)
        claimed(store, "one", now=0.0)
        assert store.renew("one", now=LEASE, lease_seconds=LEASE) == {job.id}
        assert store.claim("two", now=LEASE * 2, lease_seconds=LEASE) is None
        claimed(store, "two", now=LEASE * 3)
        assert store.renew("one", now=LEASE * 3, lease_seconds=LEASE) == set()

    def test_what_was_begun_starts_anew_from_queued(self, store: JobStore) -> None:
        added(store)
        begun = claimed(store, "one").entering(PROCESSING, at=5.0)
        assert store.save(replace(begun, progress=0.7, warnings=("Odd.",)))
        again = claimed(store, "two", now=LEASE + 1)
        assert [stage.status for stage in again.stages] == [QUEUED, PROCESSING, QUEUED]
        assert (again.status, again.progress, again.warnings) == (QUEUED, 0.0, ())

    def test_who_lost_the_lease_can_write_nothing_any_more(self, store: JobStore) -> None:
        added(store)
        mine = claimed(store, "one")
        theirs = claimed(store, "two", now=LEASE + 1)
        assert store.save(ended(mine)) is None
        assert store.get(mine.id) == theirs
        assert store.save(ended(theirs)) is not None
        assert store.save(ended(mine)) is None

    def test_a_generation_that_ended_is_nobodys(self, store: JobStore) -> None:
        added(store)
        saved = store.save(ended(claimed(store)))
        assert saved is not None
        assert saved.owner is None
        assert store.renew("one", now=0.0, lease_seconds=LEASE) == set()
        assert store.claim("two", now=1e9, lease_seconds=LEASE) is None

    @pytest.mark.parametrize(("in_order", "attempts"), [(True, 1), (False, 2)])
    def test_work_given_back_is_taken_at_once_and_counts_as_an_attempt_only_after_a_crash(
        self, store: JobStore, in_order: bool, attempts: int
    ) -> None:
        job = added(store)
        store.save(replace(claimed(store, "one").entering(PROCESSING, at=0.5), progress=0.3))
        store.release("another", now=0.9, in_order=in_order)
        assert store.claim("two", now=1.0, lease_seconds=LEASE) is None
        store.release("one", now=0.9, in_order=in_order)
        waiting = store.get(job.id)
        assert waiting is not None
        assert (waiting.status, waiting.progress, waiting.owner) == (QUEUED, 0.0, None)
        again = claimed(store, "two", now=1.0)
        assert (again.id, again.attempts) == (job.id, attempts)

    def test_many_processes_share_the_work_without_doing_any_twice(self, path: Path, store: JobStore) -> None:
        ids = {added(store).id for _ in range(40)}
        taken: list[str] = []

        def work(owner: str) -> None:
            with JobStore(path) as own:  # a connection of its own, as a process has it
                while job := own.claim(owner, now=0.0, lease_seconds=LEASE):
                    taken.append(job.id)

        workers = [threading.Thread(target=work, args=(f"owner {number}",)) for number in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert sorted(taken) == sorted(ids)


class TestWhatMayBeAdded:
    def test_an_equal_request_is_refused_while_its_twin_runs_and_taken_afterwards(self, store: JobStore) -> None:
        twin = a_job()
        store.insert(twin, "fingerprint", max_waiting=10)
        with pytest.raises(DuplicateJobError) as caught:
            store.insert(a_job(), "fingerprint", max_waiting=10)
        assert caught.value.job_id == twin.id
        assert twin.id in str(caught.value)
        store.save(ended(claimed(store)))
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
        store.save(ended(claimed(store)))
        store.insert(late, late.id, max_waiting=2)

    def test_a_running_generation_is_not_deleted(self, store: JobStore) -> None:
        job = added(store)
        for _ in range(2):  # while it waits, and while it runs
            with pytest.raises(JobRunningError):
                store.delete(job.id)
            if store.get(job.id) == job:
                claimed(store)
        assert store.get(job.id) is not None

    def test_an_ended_one_is_deleted_once(self, store: JobStore) -> None:
        job = added(store)
        store.save(ended(claimed(store)))
        removed = store.delete(job.id)
        assert removed is not None
        assert removed.id == job.id
        assert store.delete(job.id) is None
        assert store.get(job.id) is None


class TestReading:
    def test_pages_hold_the_newest_first_and_may_be_of_one_status(self, store: JobStore) -> None:
        jobs = [added(store) for _ in range(5)]
        done = store.save(ended(claimed(store)))
        newest_first = [job.id for job in reversed(jobs)]
        assert [job.id for job in store.page()] == newest_first
        assert [job.id for job in store.page(offset=1, limit=2)] == newest_first[1:3]
        assert store.page(status="completed") == [done]
        assert store.page(status="no such") == []
        assert store.counts() == {"completed": 1, "queued": 4}
        assert [job.id for job in store.unfinished()] == [job.id for job in jobs[1:]]
        assert store.ids() == {job.id for job in jobs}

    def test_every_change_has_a_version_of_its_own(self, store: JobStore) -> None:
        job = added(store)
        seen = [store.versions([job.id, "unknown"])]
        running = claimed(store)
        seen.append(store.versions([job.id]))
        store.save(replace(running, progress=0.5))
        seen.append(store.versions([job.id]))
        assert [list(one) for one in seen] == [[job.id]] * 3
        assert seen[0][job.id] < seen[1][job.id] < seen[2][job.id]
        assert store.versions(str(number) for number in range(1200)) == {}


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
    assert claimed(store, "one").id == good.id
    assert store.claim("one", now=0.0, lease_seconds=LEASE) is None
    assert store.counts() == {"failed": 1, "queued": 1}
    assert store.delete(odd.id) is None
    assert store.ids() == {good.id}


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


def test_on_a_full_disk_it_does_not_open_and_says_so(small_disk: Path) -> None:
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
