"""A file that was checked is the one that is read, whatever becomes of its path."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from reka_clips.engine.service import pinning
from reka_clips.engine.service.pinning import MovedError, pin

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="making links needs rights there")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "shared" / "deep").mkdir(parents=True)
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "film.mp4").write_bytes(b"private")
    (tmp_path / "shared" / "deep" / "film.mp4").write_bytes(b"public")
    return tmp_path / "shared"


def test_a_plain_file_is_linked_and_stays_what_it_was(root: Path, tmp_path: Path):
    film, target = root / "deep" / "film.mp4", tmp_path / "own.mp4"
    assert pin(film, root, target) == 6
    assert target.samefile(film)
    film.unlink()
    film.symlink_to(tmp_path / "private" / "film.mp4")
    assert target.read_bytes() == b"public"


def test_where_no_link_can_be_made_the_opened_file_is_copied(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def other_disk(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(pinning.os, "link", other_disk)
    assert pin(root / "deep" / "film.mp4", root, tmp_path / "own.mp4") == 6
    assert (tmp_path / "own.mp4").read_bytes() == b"public"


def swap_file(root: Path, private: Path) -> None:
    (root / "deep" / "film.mp4").unlink()
    (root / "deep" / "film.mp4").symlink_to(private / "film.mp4")


def swap_folder(root: Path, private: Path) -> None:
    (root / "deep").rename(root / "before")
    (root / "deep").symlink_to(private)


def swap_for_a_pipe(root: Path, _: Path) -> None:
    (root / "deep" / "film.mp4").unlink()
    os.mkfifo(root / "deep" / "film.mp4")


@pytest.mark.parametrize("swap", [swap_file, swap_folder, swap_for_a_pipe])
@pytest.mark.parametrize("has_folders", [True, False])
def test_what_was_swapped_after_the_check_is_not_read(
    root: Path, tmp_path: Path, swap, has_folders: bool, monkeypatch: pytest.MonkeyPatch
):
    """has_folders: whether the system opens files by their folder; Windows does not."""
    if not has_folders:
        monkeypatch.setattr(pinning.os, "supports_dir_fd", set())
    swap(root, tmp_path / "private")
    with pytest.raises(MovedError):
        pin(root / "deep" / "film.mp4", root, tmp_path / "own.mp4")
    assert not (tmp_path / "own.mp4").exists()


def test_a_link_that_is_swapped_in_between_open_and_link_is_not_taken(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    link = os.link

    def late(*arguments: object, **more: object) -> None:
        swap_file(root, tmp_path / "private")
        link(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(pinning.os, "link", late)
    assert pin(root / "deep" / "film.mp4", root, tmp_path / "own.mp4") == 6
    assert (tmp_path / "own.mp4").read_bytes() == b"public"
