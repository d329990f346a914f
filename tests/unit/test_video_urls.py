r"""What a `file:` URL names, on every platform, told from its text alone: `\\host\share` must never be opened."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reka_clips.contract.video_urls import file_path, video_url_problem

POSIX = [
    ("file:///home/me/video.mp4", "/home/me/video.mp4"),
    ("FILE:///home/me/video.mp4", "/home/me/video.mp4"),
    ("file:/home/me/video.mp4", "/home/me/video.mp4"),
    ("file://localhost/home/me/video.mp4", "/home/me/video.mp4"),
    ("file://LOCALHOST/home/me/video.mp4", "/home/me/video.mp4"),
    ("file:///home/me/a%20b%23c%3Fd.mp4", "/home/me/a b#c?d.mp4"),
    ("file:///home/me/%C3%A9.mp4", "/home/me/é.mp4"),
    ("file:///home/me/%FF.mp4", "/home/me/\udcff.mp4"),
    ("file:///C:/a.mp4", "/C:/a.mp4"),
    ("file:///home/me/a:b.mp4", "/home/me/a:b.mp4"),
]
WINDOWS = [
    ("file:///C:/Users/me/video.mp4", r"C:\Users\me\video.mp4"),
    ("file:///c%3A/Users/me/video.mp4", r"c:\Users\me\video.mp4"),
    ("file:///C|/Users/me/video.mp4", r"C:\Users\me\video.mp4"),
    ("file://C:/Users/me/video.mp4", r"C:\Users\me\video.mp4"),
    ("file://C:\\Users\\me\\video.mp4", r"C:\Users\me\video.mp4"),
    ("file:///C:\\Users\\me\\video.mp4", r"C:\Users\me\video.mp4"),
    ("file:C:/Users/me/video.mp4", r"C:\Users\me\video.mp4"),
    ("file:/C:/Users/me/video.mp4", r"C:\Users\me\video.mp4"),
    ("file://localhost/C:/Users/me/video.mp4", r"C:\Users\me\video.mp4"),
    ("file:///C:/a%20b/%C3%A9%23.mp4", "C:\\a b\\é#.mp4"),
    ("file:///C:/console/nullable.mp4", r"C:\console\nullable.mp4"),
    ("file:///C:/communication/com10.mp4", r"C:\communication\com10.mp4"),
    ("file:///Z:/", "Z:\\"),
]
ELSEWHERE = [
    "file://attacker/share/x.mp4",
    "file:////attacker/share/x.mp4",
    "file://///attacker/share/x.mp4",
    "file:///%2F%2Fattacker/share/x.mp4",
    "file://localhost//attacker/share/x.mp4",
    "file://localhost%2F/attacker/share",
    "file://127.0.0.1/c$/x.mp4",
    "file://attacker@80/share/x.mp4",
    "file://attacker.example%5cshare/x.mp4",
]
WINDOWS_ONLY = [
    "file://%2Fattacker/share/x.mp4",
    "file:///%5C%5Cattacker/share/x.mp4",
    "file:\\\\attacker\\share\\x.mp4",
    "file:///\\\\attacker\\share\\x.mp4",
    "file:////?/C:/x.mp4",
    "file:////./C:/x.mp4",
    "file:////./PhysicalDrive0",
    "file:////%3F/UNC/attacker/share/x.mp4",
    "file:////./pipe/x",
    "file:////C:/x.mp4",
    "file:///??/C:/x.mp4",
    "file:///home/me/video.mp4",
    "file:///C:x.mp4",
    "file:///C:",
    "file:///C:/x.mp4:stream",
    "file:///C:/x.mp4::$DATA",
    "file:///C:/NUL",
    "file:///C:/a/nul.mp4",
    "file:///C:/a/COM1",
    "file:///C:/a/com%C2%B9.mp4",
    "file:///C:/a/lpt9 .mp4",
    "file:///C:/CONIN$",
    "file:///C:/con/x.mp4",
]
NEITHER = ["file:", "file://", "file:relative.mp4", "file:///a%00b.mp4", "file:///a%0Ab.mp4", "http://a/b", "/a.mp4",
           "file:///a.mp4?x=1", "file:///a.mp4#t=1", "file:..", "file:///"[:7]]  # fmt: skip


@pytest.mark.parametrize(("url", "path"), POSIX)
def test_paths_of_posix(url: str, path: str):
    assert file_path(url, windows=False) == path


@pytest.mark.parametrize(("url", "path"), WINDOWS)
def test_paths_of_windows(url: str, path: str):
    assert file_path(url, windows=True) == path
    assert PureWindowsPath(path).is_absolute()


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("url", [*ELSEWHERE, *NEITHER])
def test_what_is_no_file_of_this_computer_is_refused_by_its_text(url: str, windows: bool):
    with pytest.raises(ValueError, match=r"^must "):
        file_path(url, windows=windows)


@pytest.mark.parametrize("url", WINDOWS_ONLY)
def test_devices_streams_and_shares_of_windows_are_refused_by_their_text(url: str):
    with pytest.raises(ValueError, match=r"^must "):
        file_path(url, windows=True)
    assert video_url_problem(url, allow_file=True, windows=True) is not None


def test_what_a_path_makes_of_itself_is_read_back(tmp_path: Path):
    path = tmp_path / "a b#c?d%20 é.mp4"
    assert file_path(path.as_uri(), windows=False) == str(path)
    windows = PureWindowsPath(r"C:\a b\c#d%20 é.mp4")
    assert file_path(windows.as_uri(), windows=True) == str(windows)


@given(st.text(alphabet=r"/\.:|?%2FfCc5aX$~ ", max_size=30))
def test_no_text_becomes_anything_but_a_path_on_a_drive(text: str):
    try:
        path = PureWindowsPath(file_path("file:" + text, windows=True))
    except ValueError:
        return
    assert len(path.drive) == 2, path
    assert path.root == "\\"
