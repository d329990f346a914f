"""Who owns a data folder, as the disk tells it."""

from __future__ import annotations

import contextlib
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from reka_clips.engine.owner import FolderOwnedError, Owner, Ownership, find_owner, is_owned, this_machine

ME = Owner("http://127.0.0.1:1234", "key-of-this-test", 1, is_embedded=True, machine=this_machine())


def test_one_at_a_time_owns_a_folder_and_others_find_out_where_it_answers(tmp_path: Path) -> None:
    assert not is_owned(tmp_path)
    with contextlib.closing(Ownership.take(tmp_path)) as ownership:
        assert ownership is not None
        assert Ownership.take(tmp_path) is None
        assert is_owned(tmp_path)
        assert find_owner(tmp_path) is None, "it does not answer yet"
        ownership.publish(ME)
        assert find_owner(tmp_path) == ME
        assert ME.is_near
    assert not is_owned(tmp_path)
    assert find_owner(tmp_path) is None
    again = Ownership.take(tmp_path)
    assert again is not None
    again.close()


@pytest.mark.skipif(sys.platform == "win32", reason="the rights of files are those of POSIX")
def test_only_this_person_can_read_the_key(tmp_path: Path) -> None:
    ownership = Ownership.take(tmp_path)
    assert ownership is not None
    ownership.publish(ME)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    ownership.close()
    assert ME.api_key not in repr(ME)
    assert ME.api_key.encode() not in (tmp_path / "owner.json").read_bytes(), "it opens nothing any more"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"base_url": "x"}', "\0" * 1024])
def test_a_damaged_file_is_no_owner_until_the_owner_writes_it_again(tmp_path: Path, text: str) -> None:
    ownership = Ownership.take(tmp_path)
    assert ownership is not None
    ownership.publish(ME)
    (tmp_path / "owner.json").write_text(text)
    assert find_owner(tmp_path) is None
    assert ownership.keep()
    assert find_owner(tmp_path) == ME
    ownership.close()


def test_what_a_killed_owner_left_is_no_owner(tmp_path: Path) -> None:
    program = f"""
import os, signal, sys
from pathlib import Path
from reka_clips.engine.owner import Owner, Ownership, this_machine
root = Path({str(tmp_path)!r})
Ownership.take(root).publish(Owner("http://127.0.0.1:9", "key", os.getpid(), True, this_machine()))
os._exit(3)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 3
    assert b"127.0.0.1:9" in (tmp_path / "owner.json").read_bytes()
    assert find_owner(tmp_path) is None
    assert not is_owned(tmp_path)


def test_an_owner_that_hides_is_found_again_when_it_stays(tmp_path: Path) -> None:
    ownership = Ownership.take(tmp_path)
    assert ownership is not None
    ownership.publish(ME)
    ownership.hide()
    assert find_owner(tmp_path) is None
    assert is_owned(tmp_path)
    assert ownership.keep()
    assert find_owner(tmp_path) == ME
    assert ME.base_url in str(FolderOwnedError(tmp_path))
    ownership.close()


def test_on_a_full_disk_the_file_is_written_in_place(small_disk: Path) -> None:
    ownership = Ownership.take(small_disk)
    assert ownership is not None
    ownership.publish(ME)
    ownership.close()
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    again = Ownership.take(small_disk)
    assert again is not None
    again.publish(ME)
    assert find_owner(small_disk) == ME
    again.close()
