"""How a failure is told: in plain words for what people can mend, in the log for what they cannot."""

from __future__ import annotations

import errno
import logging
import sqlite3
from pathlib import Path

import pytest

from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.store.sqlite import is_full
from reka_clips.engine.worker.failures import DISK_FULL_MESSAGE, NO_MEMORY_MESSAGE, reason
from reka_clips.errors import DownloadError


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_told_whoever_found_it_out(code: int) -> None:
    assert reason(OSError(code, "No space left on device", "/home/me/clips/1.mp4"), "id") == DISK_FULL_MESSAGE


def test_a_full_disk_of_the_store_is_told_and_other_troubles_of_it_are_not_called_so(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "small.sqlite3") as small:
        small.execute("CREATE TABLE t (x)")
        small.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as full:
            small.execute("INSERT INTO t VALUES (randomblob(100000))")
        with pytest.raises(sqlite3.OperationalError) as wrong:
            small.execute("INSERT INTO nowhere VALUES (1)")
    small.close()
    assert reason(full.value, "id") == DISK_FULL_MESSAGE
    assert reason(MemoryError(), "id") == NO_MEMORY_MESSAGE
    assert not is_full(wrong.value)
    assert not is_full(sqlite3.ProgrammingError("Cannot operate on a closed database."))


def test_what_a_person_can_mend_is_told_and_where_files_are_is_not(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert reason(DownloadError("The link has expired."), "id") == "The link has expired."
        assert reason(MediaError("It is damaged.", detail="/home/me/v.mp4: bad"), "id") == "It is damaged."
        told = reason(PermissionError(errno.EACCES, "Permission denied", "/home/me/clips"), "id")
    assert told == "The clips could not be written to disk (Permission denied)."
    assert "/home/me/v.mp4: bad" in caplog.text


def test_what_nobody_expected_is_described_in_the_log_only(caplog: pytest.LogCaptureFixture) -> None:
    group = ExceptionGroup("several", [ExceptionGroup("deeper", [ValueError("planted detail")])])
    told = reason(group, "id")
    assert "planted" not in told
    assert "its log has the details" in told
    assert "planted detail" in caplog.text
