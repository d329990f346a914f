"""The generations and the fetched sources, in one SQLite file. One engine writes it; others may read beside it.

A generation is written at stage changes. Each start of work on it raises its number of attempts, and only who knows
the newest number may write it: work that was given up in the meantime changes nothing any more.
All calls block for a few milliseconds at most: call them in a worker thread.
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import sqlite3
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from pydantic import TypeAdapter, ValidationError

from reka_clips.engine.service.models import COMPLETED, FAILED, JobRecord, SourceRecord
from reka_clips.errors import EngineStartError, RekaClipsError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

_SCHEMA_VERSION: Final = 2
_BUSY_SECONDS: Final = 10.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS jobs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, sequence);
CREATE TABLE IF NOT EXISTS sources (
    url TEXT PRIMARY KEY,
    record TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS secrets (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
"""
_RUNNING: Final = f"status NOT IN ('{COMPLETED}', '{FAILED}')"
_JOB: Final = TypeAdapter(JobRecord)
_SOURCE: Final = TypeAdapter(SourceRecord)

logger = logging.getLogger(__name__)


class DuplicateJobError(RekaClipsError):
    """An identical request is still running, as `job_id`."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"An identical request is still running, as generation {job_id}.")
        self.job_id = job_id


class QueueFullError(RekaClipsError):
    """Too many generations wait already."""


def is_full(error: BaseException) -> bool:
    """Whether the store failed because the disk is full; nothing was written then."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


class JobStore:
    """The store. Thread-safe; used as a context manager. Raises sqlite3.Error when the disk fails or is full."""

    def __init__(self, path: Path) -> None:
        """Open or make the store. Raises EngineStartError, in plain words, if the file cannot be used."""
        self._lock = threading.Lock()
        try:
            # One connection, handed between threads under the lock; transactions are begun by hand.
            self._connection = sqlite3.connect(path, _BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            # A journal that is kept takes no new space: a list can be opened, and shortened, on a full disk.
            self._connection.execute("PRAGMA journal_mode = PERSIST")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version > _SCHEMA_VERSION:
                raise EngineStartError(f"The engine's job list {path} was written by a newer version; update this one.")
            if version < _SCHEMA_VERSION:
                with self._transaction() as connection:
                    if version == 1:
                        _upgrade(connection)
                    for statement in _SCHEMA.split(";"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        except sqlite3.Error as error:
            raise EngineStartError(
                f"The engine's job list {path} cannot be used ({error}). Free disk space, check that the folder can "
                "be written, or move the file away to start with an empty list."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        """Hold the write lock from the start, so that what was read stays true until the end."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # a full disk may have ended the transaction already
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _rows(self, query: str, *values: object) -> list[tuple[str, ...]]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    # Generations

    def insert(self, job: JobRecord, fingerprint: str, *, max_waiting: int) -> None:
        """Add a new generation. Raises DuplicateJobError or QueueFullError; nothing was added then."""
        with self._transaction() as connection:
            query = f"SELECT id FROM jobs WHERE fingerprint = ? AND {_RUNNING}"  # noqa: S608 - a constant
            twin = connection.execute(query, (fingerprint,)).fetchone()
            if twin is not None:
                raise DuplicateJobError(twin[0])
            (waiting,) = connection.execute(f"SELECT count(*) FROM jobs WHERE {_RUNNING}").fetchone()  # noqa: S608 - same
            if waiting >= max_waiting:
                raise QueueFullError(f"{waiting} generations wait or run, and no more may (REKA_CLIPS_ENGINE_QUEUE).")
            connection.execute(
                "INSERT INTO jobs (id, status, fingerprint, attempts, record) VALUES (?, ?, ?, ?, ?)",
                (job.id, job.status, fingerprint, job.attempts, _JOB.dump_json(job).decode()),
            )

    def get(self, job_id: str) -> JobRecord | None:
        """Return a generation, or None."""
        return next(iter(_readable(self._rows("SELECT record FROM jobs WHERE id = ?", job_id))), None)

    def page(self, *, offset: int = 0, limit: int = 20, status: str | None = None) -> list[JobRecord]:
        """Return generations, the newest first."""
        query = "SELECT record FROM jobs WHERE ? IS NULL OR status = ? ORDER BY sequence DESC LIMIT ? OFFSET ?"
        return _readable(self._rows(query, status, status, limit, offset))

    def unfinished(self) -> list[JobRecord]:
        """Return all generations that wait or run, the oldest first."""
        return _readable(self._rows(f"SELECT record FROM jobs WHERE {_RUNNING} ORDER BY sequence"))  # noqa: S608 - a constant

    def counts(self) -> dict[str, int]:
        """Return how many generations have each status."""
        return {status: int(count) for status, count in self._rows("SELECT status, count(*) FROM jobs GROUP BY status")}

    def ids(self) -> set[str]:
        """Return the ids of all generations."""
        return {row[0] for row in self._rows("SELECT id FROM jobs")}

    def begin(self, job: JobRecord, *, at: float) -> JobRecord | None:
        """Begin work on a generation: return it with one attempt more, waiting anew; None if it is gone or has ended.

        job: as it was read last. at: Unix seconds.
        """
        begun = replace(job.waiting(at=at), attempts=job.attempts + 1)
        return begun if self._write(begun, job.attempts) else None

    def save(self, job: JobRecord) -> bool:
        """Write a generation; return False, and write nothing, if it is gone, has ended, or is in a newer attempt."""
        return self._write(job, job.attempts)

    def give_back(self, job: JobRecord, *, at: float) -> JobRecord | None:
        """Let a generation wait again although it was begun, as if that had never been; None as for `begin`."""
        waiting = replace(job.waiting(at=at), attempts=max(0, job.attempts - 1))
        return waiting if self._write(waiting, job.attempts) else None

    def delete(self, job_id: str) -> JobRecord | None:
        """Remove a generation, and return it; None if there is none, or none that can be read."""
        with self._transaction() as connection:
            row = connection.execute("SELECT record FROM jobs WHERE id = ?", (job_id,)).fetchone()
            connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
        return None if row is None else _parsed(row[0])

    def give_up_unreadable(self) -> None:
        """Let generations that wait or run, and cannot be read, count as failed: nobody will ever work on them."""
        query = f"SELECT sequence, record FROM jobs WHERE {_RUNNING}"  # noqa: S608 - a constant
        unreadable = [sequence for sequence, record in self._rows(query) if _parsed(record) is None]
        if unreadable:
            with self._transaction() as connection:
                for sequence in unreadable:
                    connection.execute("UPDATE jobs SET status = ? WHERE sequence = ?", (FAILED, sequence))

    def _write(self, job: JobRecord, attempts: int) -> bool:
        with self._transaction() as connection:
            query = f"UPDATE jobs SET status = ?, attempts = ?, record = ? WHERE id = ? AND attempts = ? AND {_RUNNING}"  # noqa: S608 - a constant
            record = _JOB.dump_json(job).decode()
            return connection.execute(query, (job.status, job.attempts, record, job.id, attempts)).rowcount > 0

    # Sources

    def source(self, url: str) -> SourceRecord | None:
        """Return the kept source of a URL, or None."""
        rows = self._rows("SELECT record FROM sources WHERE url = ?", url)
        return _SOURCE.validate_json(rows[0][0]) if rows else None

    def sources(self) -> list[SourceRecord]:
        """Return all kept sources, the one unused for longest first."""
        found = [_SOURCE.validate_json(row[0]) for row in self._rows("SELECT record FROM sources")]
        return sorted(found, key=lambda source: source.used_at)

    def put_source(self, source: SourceRecord) -> None:
        """Add or replace the kept source of its URL."""
        record = _SOURCE.dump_json(source).decode()
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO sources (url, record) VALUES (?, ?)", (source.url, record))

    def delete_source(self, url: str, *, unless_used_since: SourceRecord | None = None) -> bool:
        """Forget the kept source of a URL; return whether there was one.

        unless_used_since: the source as it was when it was found useless; used meanwhile, it stays.
        """
        record = None if unless_used_since is None else _SOURCE.dump_json(unless_used_since).decode()
        query = "DELETE FROM sources WHERE url = ? AND (? IS NULL OR record = ?)"
        with self._transaction() as connection:
            return connection.execute(query, (url, record, record)).rowcount > 0

    def link_secret(self) -> str:
        """Return the secret that signs links to clips: made at the first call, the same for all processes."""
        with self._transaction() as connection:
            made = secrets.token_hex(32)
            connection.execute("INSERT OR IGNORE INTO secrets (name, value) VALUES ('links', ?)", (made,))
            (value,) = connection.execute("SELECT value FROM secrets WHERE name = 'links'").fetchone()
            return value


def _parsed(record: str) -> JobRecord | None:
    """Return a generation as it was kept, or None where another version kept it in a way that this one cannot read.

    Such a one is passed over, so that it does not stand in the way of the others.
    """
    try:
        return _JOB.validate_json(record)
    except ValidationError as error:
        logger.warning("A generation in the store cannot be read (%s problems).", error.error_count())
        return None


def _readable(rows: Iterable[tuple[str, ...]]) -> list[JobRecord]:
    return [job for row in rows if (job := _parsed(row[0])) is not None]


def _upgrade(connection: sqlite3.Connection) -> None:
    """Bring a list of version 1, which several engines shared, into today's form."""
    for column in ("owner", "lease_until", "version"):
        connection.execute(f"ALTER TABLE jobs DROP COLUMN {column}")
    connection.execute("ALTER TABLE jobs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0")
    for sequence, text in connection.execute("SELECT sequence, record FROM jobs").fetchall():
        record = json.loads(text)
        for clip in record.get("clips", ()):
            number = clip.get("number")
            clip["video_url"] = f"{number}.mp4"
            clip["poster_url"] = f"{number}.jpg" if clip.get("has_poster") else None
            clip["source_start_time"] = clip.get("source_start_seconds")
            clip["source_end_time"] = clip.get("source_end_seconds")
        values = (record.get("attempts", 0), json.dumps(record), sequence)
        connection.execute("UPDATE jobs SET attempts = ?, record = ? WHERE sequence = ?", values)
