"""Saved clips land inside the folder that is allowed, under a new and harmless name."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reka_clips.engine.service.paths import Folders
from reka_clips.errors import ArgumentError, DownloadError
from reka_clips.mcp_server.tools.saving import engine_path, folder_for, is_foreign_share, move_into, names


def test_the_allowed_folder_and_those_in_it_are_made(tmp_path: Path):
    allowed = tmp_path / "Videos"
    assert folder_for(None, save_dir=allowed) == allowed
    assert folder_for("reels/monday", save_dir=allowed) == allowed / "reels" / "monday"
    assert folder_for(str(allowed / "x"), save_dir=allowed).is_dir()
    assert folder_for("a/../b", save_dir=allowed) == allowed / "b"


@pytest.mark.parametrize(
    "directory", ["..", "../other", "a/../../other", "/etc", "~/x/../../..", "/", "\x00", "a" * 5000]
)
def test_folders_outside_are_refused(tmp_path: Path, directory: str):
    allowed = tmp_path / "Videos"
    with pytest.raises((ArgumentError, DownloadError)):
        folder_for(directory + "" if directory != "~/x/../../.." else "../..", save_dir=allowed)
    assert not (tmp_path / "other").exists()


def test_a_symbolic_link_does_not_lead_out(tmp_path: Path):
    allowed = tmp_path / "Videos"
    allowed.mkdir()
    (allowed / "out").symlink_to(tmp_path)
    with pytest.raises(ArgumentError, match="must lie within"):
        folder_for("out/secret", save_dir=allowed)


def test_a_file_where_a_folder_is_due_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot be made"):
        folder_for("file/sub", save_dir=tmp_path)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("The goal!", "The goal!.mp4"),
        ('a/b\\c:d*e?"f<g>h|i', "a b c d e f g h i.mp4"),
        ("../../etc/passwd", "etc passwd.mp4"),
        ("  ..  ", "clip 3.mp4"),
        (None, "clip 3.mp4"),
        ("CON", "clip 3.mp4"),
        ("lpt1.txt", "clip 3.mp4"),
        ("COM¹", "clip 3.mp4"),
        ("lpt².txt", "clip 3.mp4"),
        ("Gol\u202e4pm", "Gol4pm.mp4"),
        ("漢" * 100, "漢" * 40 + ".mp4"),
        (".hidden", "hidden.mp4"),
    ],
)
def test_names_are_made_from_titles(title: str | None, name: str):
    assert next(names(title, 3)) == name


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 99))
def test_no_title_makes_a_name_that_leaves_the_folder(title: str, clip: int):
    for name in islice(names(title, clip), 3):
        assert Path(name).name == name
        assert not name.startswith(".")
        assert len(name.encode()) < 200


def test_nothing_is_overwritten(tmp_path: Path):
    (tmp_path / "A.mp4").write_text("old")
    for number, name in ((1, "A (2).mp4"), (2, "A (3).mp4")):
        part = tmp_path / "part"
        part.write_text(f"new {number}")
        assert move_into(part, tmp_path, title="A", clip=1).name == name
    assert (tmp_path / "A.mp4").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["A (2).mp4", "A (3).mp4", "A.mp4"]


def test_a_name_reserved_for_a_move_that_fails_is_given_back(tmp_path: Path):
    with pytest.raises(OSError):
        move_into(tmp_path / "missing", tmp_path, title="A", clip=1)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("directory", "save_dir", "is_foreign"),
    [
        (r"\\evil\share", r"C:\Users\me\Videos", True),
        ("//evil/share/x", r"C:\Users\me\Videos", True),
        (r"\\.\pipe\x", r"C:\Users\me\Videos", True),
        (r"\\?\UNC\evil\share", r"C:\Users\me\Videos", True),
        (r"\\nas\films\clips", r"\\NAS\films", False),
        (r"\\evil\films", r"\\nas\films", True),
        (r"C:\Users\me\Videos\x", r"C:\Users\me\Videos", False),
        ("trips/2026", r"C:\Users\me\Videos", False),
        ("", r"C:\Users\me\Videos", False),
    ],
)
def test_shares_of_strangers_are_known_by_their_text(directory: str, save_dir: str, is_foreign: bool):
    assert is_foreign_share(directory, save_dir=save_dir) is is_foreign


def test_only_files_of_the_engine_are_read(tmp_path: Path):
    data = tmp_path / "data"
    folder = Folders.of(data).clips("0e5e4d1c-9d7e-4d6c-8a51-5ddc43a5ae0b")
    folder.mkdir(parents=True)
    clip, picture = folder / "1.mp4", folder / "1.jpg"
    secret = tmp_path / "secret"
    for path in (clip, picture, secret, folder / "notes.txt"):
        path.write_bytes(b"x")
    for path in (clip, picture):
        assert engine_path(path.as_uri(), data_dir=data) == path
    (folder / "3.mp4").symlink_to(secret)
    others = [secret, folder / "2.mp4", folder / "3.mp4", folder / "notes.txt", folder, data]
    for url in (*(path.as_uri() for path in others), f"{folder.as_uri()}/../../../secret", "file://", "file:///"):
        with pytest.raises(DownloadError, match="no longer has"):
            engine_path(url, data_dir=data)


def test_a_clip_is_found_where_a_packaged_app_shows_it_elsewhere(tmp_path: Path):
    """As Windows does for what a packaged app and its children write below AppData."""
    clip = Folders.of(tmp_path / "real").clips("0e5e4d1c-9d7e-4d6c-8a51-5ddc43a5ae0b") / "1.mp4"
    clip.parent.mkdir(parents=True)
    clip.write_bytes(b"x")
    (tmp_path / "data").symlink_to(tmp_path / "real")
    found = engine_path(clip.as_uri(), data_dir=tmp_path / "data")
    assert found.samefile(clip)
