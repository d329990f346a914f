"""The generations and the fetched sources, in one SQLite file that several processes may share.

A generation that runs belongs to the process that claimed it, for as long as that renews its lease. When the
lease runs out (the process is gone), the next process that looks takes the generation up again.
All calls block for a few milliseconds at most: call them in a worker thread.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import sqlite3
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from pydantic import TypeAdapter, ValidationError

from reka_clips.contract import is_terminal
from reka_clips.engine.service.models import COMPLETED, FAILED, QUEUED, JobRecord, SourceRecord
from reka_clips.errors import EngineStartError, RekaClipsError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

_SCHEMA_VERSION: Final = 1
_BUSY_SECONDS: Final = 10.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS jobs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    owner TEXT,
    lease_until REAL,
    version INTEGER NOT NULL,
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
_ENDED: Final = f"status IN ('{COMPLETED}', '{FAILED}')"
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


class JobRunningError(RekaClipsError):
    """The generation still runs, and cannot be deleted before it ends."""


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
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, _SCHEMA_VERSION):
                raise EngineStartError(f"The engine's job list {path} was written by a newer version; update this one.")
            with self._transaction():
                for statement in _SCHEMA.split(";"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
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
                "INSERT INTO jobs (id, status, fingerprint, version, record) VALUES (?, ?, ?, ?, ?)",
                (job.id, job.status, fingerprint, job.version, _JOB.dump_json(job).decode()),
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

    def versions(self, job_ids: Iterable[str]) -> dict[str, int]:
        """Return the version of each of these generations that is still there."""
        wanted = list(job_ids)
        found: dict[str, int] = {}
        for start in range(0, len(wanted), 500):  # SQLite takes a bounded number of values at once
            part = wanted[start : start + 500]
            marks = ",".join("?" * len(part))
            rows = self._rows(f"SELECT id, version FROM jobs WHERE id IN ({marks})", *part)  # noqa: S608 - marks only
            found.update({job_id: int(version) for job_id, version in rows})
        return found

    def claim(self, owner: str, *, now: float, lease_seconds: float) -> JobRecord | None:
        """Take the oldest generation that waits or whose owner is gone; None if there is none.

        It starts anew from `queued`, with one attempt more.
        """
        query = (
            f"SELECT record, sequence FROM jobs WHERE {_RUNNING} AND (owner IS NULL OR lease_until < ?) "  # noqa: S608 - a constant
            "ORDER BY sequence LIMIT 1"
        )
        if not self._rows(query, now):  # the usual answer, found without the write lock
            return None
        with self._transaction() as connection:
            while row := connection.execute(query, (now,)).fetchone():
                found = _parsed(row[0])
                if found is not None:
                    job = replace(_waiting(found, now), owner=owner, attempts=found.attempts + 1)
                    job = self._write(connection, job)
                    connection.execute("UPDATE jobs SET lease_until = ? WHERE id = ?", (now + lease_seconds, job.id))
                    return job
                connection.execute("UPDATE jobs SET status = ?, owner = NULL WHERE sequence = ?", (FAILED, row[1]))
        return None

    def save(self, job: JobRecord) -> JobRecord | None:
        """Write what its owner found out; return it with its new version, or None if the lease was lost meanwhile.

        A generation that has ended is nobody's any more.
        """
        with self._transaction() as connection:
            row = connection.execute("SELECT owner, version FROM jobs WHERE id = ?", (job.id,)).fetchone()
            if row is None or row[0] is None or row[0] != job.owner:
                return None
            job = replace(job, version=int(row[1]), owner=None if job.is_terminal else job.owner)
            return self._write(connection, job)

    def renew(self, owner: str, *, now: float, lease_seconds: float) -> set[str]:
        """Renew the lease of all generations that `owner` works on; return their ids."""
        with self._transaction() as connection:
            connection.execute("UPDATE jobs SET lease_until = ? WHERE owner = ?", (now + lease_seconds, owner))
            return {row[0] for row in connection.execute("SELECT id FROM jobs WHERE owner = ?", (owner,))}

    def release(self, owner: str, *, now: float, in_order: bool = True) -> None:
        """Give back what `owner` has not finished: it waits again.

        in_order: the owner ends as it should, so this attempt does not count.
        """
        with self._transaction() as connection:
            rows = connection.execute("SELECT record FROM jobs WHERE owner = ?", (owner,)).fetchall()
            for job in _readable(rows):
                given_back = replace(_waiting(job, now), owner=None, attempts=job.attempts - in_order)
                self._write(connection, given_back)

    def delete(self, job_id: str) -> JobRecord | None:
        """Remove a generation that has ended, and return it; None if there is none. Raises JobRunningError."""
        with self._transaction() as connection:
            row = connection.execute("SELECT record, status FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is None:
                return None
            if not is_terminal(row[1]):
                raise JobRunningError("The generation still runs; it can be deleted when it has ended.")
            connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
            return _parsed(row[0])

    @staticmethod
    def _write(connection: sqlite3.Connection, job: JobRecord) -> JobRecord:
        job = replace(job, version=job.version + 1)
        connection.execute(
            "UPDATE jobs SET status = ?, owner = ?, version = ?, record = ? WHERE id = ?",
            (job.status, job.owner, job.version, _JOB.dump_json(job).decode(), job.id),
        )
        return job

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


def _waiting(job: JobRecord, now: float) -> JobRecord:
    """Return the generation as it waits to be begun, anew if it was begun already."""
    job = replace(job, progress=0.0, warnings=())
    return job if job.status == QUEUED else job.entering(QUEUED, at=now)
