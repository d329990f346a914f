"""Files that others hold for a moment, and folders that macOS keeps to itself."""

from __future__ import annotations

import errno
from pathlib import Path, PurePosixPath

import pytest

from reka_clips.files import is_held, keeps_out, move, real_place

HOME = PurePosixPath("/Users/anna")


class WindowsError(OSError):
    """As Windows raises it; Python has the number there only."""

    def __init__(self, winerror: int) -> None:
        super().__init__(errno.EACCES, "Access is denied")
        self.winerror = winerror


class Held:
    """A file that another program lets go after so many tries."""

    def __init__(self, tries: int, winerror: int = 32) -> None:
        self.tries = tries
        self.winerror = winerror

    def __call__(self, source: Path, target: Path) -> None:
        self.tries -= 1
        if self.tries >= 0:
            raise WindowsError(self.winerror)
        source.replace(target)


@pytest.mark.parametrize("winerror", [5, 32, 33])
def test_a_file_that_is_held_for_a_moment_is_moved_when_it_is_let_go(tmp_path: Path, winerror: int) -> None:
    (tmp_path / "a").write_text("clip")
    assert move(tmp_path / "a", tmp_path / "b", replace=Held(2, winerror)) == tmp_path / "b"
    assert (tmp_path / "b").read_text() == "clip"


def test_one_that_is_held_for_long_is_given_up(tmp_path: Path) -> None:
    held = Held(1000)
    with pytest.raises(OSError, match="denied") as raised:
        move(tmp_path / "a", tmp_path / "b", replace=held, patience_seconds=0.2)
    assert is_held(raised.value)
    assert 990 < held.tries < 1000


def test_what_else_goes_wrong_is_not_tried_again(tmp_path: Path) -> None:
    tried: list[Path] = []

    def full(source: Path, _: Path) -> None:
        tried.append(source)
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        move(tmp_path / "a", tmp_path / "b", replace=full)
    assert len(tried) == 1
    with pytest.raises(FileNotFoundError):
        move(tmp_path / "none", tmp_path / "b")


def test_links_name_the_place_where_windows_really_keeps_a_file(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "1.mp4").write_text("clip")
    (tmp_path / "AppData").symlink_to(tmp_path / "package")  # as for a packaged app
    seen = tmp_path / "AppData" / "1.mp4"
    assert real_place(seen, windows=True) == (tmp_path / "package" / "1.mp4").resolve()
    assert real_place(seen, windows=False) == seen


@pytest.mark.parametrize(
    ("path", "number", "platform", "kept_out"),
    [
        ("/Users/anna/Downloads/talk.mp4", errno.EPERM, "darwin", True),
        ("/Users/anna/Documents/a/b/talk.mp4", errno.EPERM, "darwin", True),
        ("/Users/anna/Desktop", errno.EACCES, "darwin", True),
        ("/Users/anna/Library/CloudStorage/Dropbox/talk.mp4", errno.EPERM, "darwin", True),
        ("/Users/anna/Library/Mobile Documents/com~apple~CloudDocs/talk.mp4", errno.EPERM, "darwin", True),
        ("/Users/anna/Movies/talk.mp4", errno.EPERM, "darwin", False),
        ("/Users/anna/DownloadsToo/talk.mp4", errno.EPERM, "darwin", False),
        ("/Users/bert/Downloads/talk.mp4", errno.EPERM, "darwin", False),
        ("/Users/anna/Downloads/talk.mp4", errno.ENOENT, "darwin", False),
        ("/Users/anna/Downloads/talk.mp4", errno.EPERM, "linux", False),
    ],
)
def test_macos_keeps_programs_out_of_some_folders(path: str, number: int, platform: str, kept_out: bool) -> None:
    error = OSError(number, "not permitted")
    assert keeps_out(PurePosixPath(path), error, home=HOME, platform=platform) is kept_out
