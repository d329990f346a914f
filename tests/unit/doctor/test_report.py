"""What the doctor tells, as text and as JSON, and what makes a machine unfit."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from reka_clips.doctor.machine import (
    check_backend,
    check_folder,
    check_privacy,
    check_settings,
    judge_disk,
    nearest_folder,
)
from reka_clips.doctor.report import Finding, as_json, as_text, is_healthy
from reka_clips.settings import Settings

GIGABYTE = 1024**3


def test_a_problem_makes_it_unhealthy_a_note_does_not() -> None:
    note, problem = Finding("disk", "note", "little"), Finding("key", "problem", "wrong", "Make a new one.")
    assert is_healthy([note])
    assert not is_healthy([note, problem])
    assert json.loads(as_json([problem], version="1.2.3")) == {
        "ok": False,
        "version": "1.2.3",
        "checks": [{"check": "key", "status": "problem", "message": "wrong", "remedy": "Make a new one."}],
    }


def test_the_text_says_what_to_do_and_counts_what_is_wrong() -> None:
    text = as_text(
        [Finding("key", "problem", "wrong", "Make one."), Finding("disk", "note", "low", "Free some.")], version="1"
    )
    assert "PROBLEM  key" in text
    assert "To fix it: Make one." in text
    assert "Hint: Free some." in text
    assert text.endswith("1 problem found.")
    assert as_text([], version="1").endswith("Everything looks good.")


@pytest.mark.parametrize(
    ("free_bytes", "needed", "status"),
    [
        (GIGABYTE // 4, True, "problem"),
        (GIGABYTE // 4, False, "note"),
        (2 * GIGABYTE, True, "note"),
        (50 * GIGABYTE, True, "ok"),
    ],
)
def test_a_tiny_disk_is_a_problem_only_where_clips_are_cut_here(free_bytes: int, needed: bool, status: str) -> None:
    finding = judge_disk(free_bytes, needed=needed)
    assert finding.status == status
    assert f"{free_bytes / GIGABYTE:.1f} GB free" in finding.message
    assert (finding.remedy is None) is (status == "ok")


def test_a_folder_is_tried_out_and_left_as_it_was(tmp_path: Path) -> None:
    there, to_be_made, blocked = tmp_path, tmp_path / "a" / "b", tmp_path / "file" / "c"
    (tmp_path / "file").write_text("")
    asked = [check_folder("data folder", one, variable="X", needed=True) for one in (there, to_be_made, blocked)]
    assert [finding.status for finding in asked] == ["ok", "ok", "problem"]
    assert "not a folder is in the way" in asked[2].message
    assert "X" in (asked[2].remedy or "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
    assert nearest_folder(to_be_made) == tmp_path
    assert nearest_folder(blocked) is None


def test_folders_that_macos_keeps_to_itself_are_told_with_both_ways_out(tmp_path: Path) -> None:
    def look(folder: Path) -> None:
        if folder.name == "Downloads":
            raise PermissionError(errno.EPERM, "Operation not permitted")
        if folder.name != "Documents":
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    (found,) = check_privacy(tmp_path, platform="darwin", look=look)
    assert found.status == "note"
    assert str(tmp_path / "Downloads") in found.message
    assert "Documents" not in found.message
    assert "Movies" in (found.remedy or "")
    assert "Full Disk Access" in (found.remedy or "")
    assert check_privacy(tmp_path, platform="darwin", look=lambda _: None) == []
    assert check_privacy(tmp_path, platform="linux", look=look) == []


def test_misspelt_settings_and_placeholders_are_told_without_what_they_hold() -> None:
    environ = {
        "REKA_CLIPS_SAVEDIR": "/secret-place",
        "REKA_API_KEY": "${user_config.api_key}",
        "REKA_CLIPS_WAIT_SECONDS": "soon-planted",
    }
    findings = check_settings(Settings.from_environment(environ), environ)
    told = {finding.message: finding for finding in findings}
    assert any("WAIT_SECONDS must be a number of seconds from 0 to 900" in message for message in told)
    assert any("still holds a placeholder" in message for message in told)
    (misspelt,) = [finding for finding in findings if "SAVEDIR" in finding.message]
    assert misspelt.remedy == "Did you mean REKA_CLIPS_SAVE_DIR?"
    assert not any("planted" in message or "secret-place" in message for message in told)


@pytest.mark.parametrize(
    ("environ", "status", "words"),
    [
        ({}, "ok", "cut on this computer (there is no key)"),
        ({"REKA_API_KEY": "k"}, "ok", "made by the Clip API at https://vision-agent.api.reka.ai"),
        ({"REKA_CLIPS_BACKEND": "local", "REKA_API_KEY": "k"}, "ok", "as REKA_CLIPS_BACKEND says"),
        ({"REKA_CLIPS_BACKEND": "reka"}, "problem", "there is no key"),
        ({"REKA_CLIPS_BACKEND": "cloud"}, "problem", "names no backend"),
    ],
)
def test_the_backend_that_the_settings_lead_to(environ: dict[str, str], status: str, words: str) -> None:
    finding = check_backend(Settings.from_environment(environ))
    assert finding.status == status
    assert words in finding.message
