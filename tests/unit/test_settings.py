"""Settings are read once and never stop the server."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

import reka_clips
from reka_clips.engine.service.paths import Folders
from reka_clips.errors import EngineStartError
from reka_clips.settings import (
    DEFAULT_BASE_URL,
    VARIABLES,
    Settings,
    default_data_dir,
    default_save_dir,
)
from reka_clips.variables import guard, is_placeholder, switch


def test_nothing_set_gives_the_documented_defaults() -> None:
    settings = Settings.from_environment({})
    assert settings.base_url == DEFAULT_BASE_URL == "https://vision-agent.api.reka.ai"
    assert (settings.backend, settings.wait_seconds, settings.timeout_seconds) == ("auto", 45.0, 60.0)
    assert settings.api_key is None
    assert settings.problems == ()


@pytest.mark.parametrize("value", ["", "   ", "${user_config.api_key}", "${REKA_API_KEY}"])
def test_what_a_host_left_unfilled_is_unset(value: str) -> None:
    assert Settings.from_environment({"REKA_API_KEY": value}).api_key is None


@pytest.mark.parametrize("value", ["soon", "-1", "901", "nan", "inf"])
def test_a_wait_that_cannot_be_used_falls_back_and_is_told(value: str) -> None:
    settings = Settings.from_environment({"REKA_CLIPS_WAIT_SECONDS": value})
    assert settings.wait_seconds == 45.0
    assert settings.problems == (
        "REKA_CLIPS_WAIT_SECONDS must be a number of seconds from 0 to 900; the default is used.",
    )


def test_an_unknown_backend_is_not_guessed() -> None:
    settings = Settings.from_environment({"REKA_CLIPS_BACKEND": "cloud"})
    assert settings.backend is None
    assert "auto, reka, local" in settings.problems[0]


@pytest.mark.parametrize("value", ["ftp://x", "reka.ai", "https://", "https://me:secret@host", "https://[::1"])
def test_a_base_url_that_cannot_be_used_falls_back_without_being_echoed(value: str) -> None:
    settings = Settings.from_environment({"REKA_BASE_URL": value})
    assert settings.base_url == DEFAULT_BASE_URL
    assert "secret" not in settings.problems[0]


WORDS = [("1", True), ("yes", True), ("On", True), ("TRUE", True), ("0", False), ("off", False), ("", False)]
SWITCHES = ["allow_private_sources", "allow_open_door", "trust_local_users", "share_key", "share_engine"]


@pytest.mark.parametrize(("value", "is_on"), WORDS)
def test_switches_take_a_closed_set_of_words(value: str, is_on: bool) -> None:
    settings = Settings.from_environment({"REKA_CLIPS_CONFIRM": value, "REKA_CLIPS_ALLOW_OPEN_DOOR": value})
    assert (settings.confirm, settings.allow_unauthenticated, settings.problems) == (is_on, is_on, ())


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("value", ["disabled", "n", "none", "never", "flase", "null", "2", "-1", "$ON", "да"])
def test_a_switch_that_opens_something_is_off_for_any_other_word(name: str, value: str) -> None:
    variable = f"REKA_CLIPS_{name.upper()}"
    settings = Settings.from_environment({variable: value})
    assert getattr(settings, "allow_unauthenticated" if name == "allow_open_door" else name) is False
    assert [problem.partition(" ")[0] for problem in settings.problems] == [variable]
    assert settings.problems[0].endswith("it counts as 0.")


def test_every_switch_but_the_one_that_protects_is_off_when_in_doubt() -> None:
    switches = {variable.name for variable in VARIABLES if variable.parse in (switch, guard)}
    assert switches == {f"REKA_CLIPS_{name.upper()}" for name in (*SWITCHES, "confirm")}


def test_a_question_before_each_creation_is_asked_when_in_doubt() -> None:
    settings = Settings.from_environment({"REKA_CLIPS_CONFIRM": "oui"})
    assert settings.confirm is True
    assert settings.problems[0].endswith("it counts as 1.")


PLACEHOLDERS = ["$REKA_API_KEY", "{env:REKA_API_KEY}", "{{KEY}}", "%REKA_API_KEY%", "<your key>", "undefined", "null"]


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_a_placeholder_is_not_taken_for_a_value(value: str) -> None:
    """Source: anthropics/claude-code#51581, and the forms of other clients, shells and templates."""
    assert is_placeholder(value)
    settings = Settings.from_environment({"REKA_API_KEY": value, "REKA_CLIPS_SAVE_DIR": value})
    assert settings.api_key is None
    assert settings.problems[0] == "REKA_API_KEY holds a placeholder instead of a value; it counts as not set."
    assert settings.problems[1].startswith("REKA_CLIPS_SAVE_DIR holds a placeholder")


@pytest.mark.parametrize("value", ["sk-123", "a$b", "100%", "under_score", "https://a.example/<x>", ""])
def test_a_value_is_not_taken_for_a_placeholder(value: str) -> None:
    assert not is_placeholder(value)


@pytest.mark.parametrize("value", ['"sk-planted"', "'sk-planted'", ' "sk-planted" '])
def test_quotes_that_an_env_file_left_are_taken_off(value: str) -> None:
    assert Settings.from_environment({"REKA_API_KEY": value}).api_key == "sk-planted"


@pytest.mark.parametrize("variable", ["REKA_CLIPS_DATA_DIR", "REKA_CLIPS_SAVE_DIR", "REKA_CLIPS_ENGINE_FOLDERS"])
@pytest.mark.parametrize("value", ["~nosuchuser/x", "relative/x"])
def test_a_folder_that_cannot_be_found_is_a_problem_and_no_traceback(variable: str, value: str) -> None:
    settings = Settings.from_environment({variable: value})
    assert settings.problem_with(variable)
    assert settings.save_dir.is_absolute()
    assert settings.data_dir.is_absolute()


@pytest.mark.skipif(os.name == "nt", reason="there, the home folder comes from elsewhere")
def test_a_user_without_a_home_gets_temporary_folders_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "XDG_VIDEOS_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    settings = Settings.from_environment({})
    assert settings.data_dir.name == "reka-clips-mcp-54321"
    assert settings.save_dir == settings.data_dir / "saved"
    assert [problem.partition(" ")[0] for problem in settings.problems] == [
        "REKA_CLIPS_DATA_DIR",
        "REKA_CLIPS_SAVE_DIR",
    ]
    told = Settings.from_environment({"REKA_CLIPS_DATA_DIR": "/data", "REKA_CLIPS_SAVE_DIR": "/clips"})
    assert told.problems == ()


def test_the_flag_for_the_data_folder_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"REKA_CLIPS_DATA_DIR": "/elsewhere"}
    assert Settings.from_environment(environ, data_dir="here").data_dir == tmp_path / "here"
    assert Settings.from_environment(environ, data_dir="~nosuchuser/x").problems


def test_the_secrets_are_all_known() -> None:
    names = ("REKA_API_KEY", "REKA_CLIPS_AUTH_TOKEN", "REKA_CLIPS_ENGINE_KEY", "REKA_CLIPS_SECRET")
    environ = {name: f"{name.lower()}-planted-and-long-enough" for name in names}
    settings = Settings.from_environment(environ)
    assert sorted(settings.secrets) == sorted(environ.values())


def test_no_setting_is_read_past_the_settings() -> None:
    """Others may read what is no setting of ours, such as PATH, or hand the whole environment to a child process."""
    reads: list[str] = []
    for path in Path(reka_clips.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name == "settings.py" or not ("environ" in text or "getenv" in text):
            continue
        constants = re.findall(r"^(\w+)(?:: \w+)? = ['\"]REKA_", text, re.MULTILINE)  # what a setting's name is kept in
        names = "|".join((r"['\"]REKA_\w*", *(rf"{name}\b" for name in constants)))
        reads += [
            f"{path.name}: {read[0]}" for read in re.finditer(rf"(environb?(\[|\.\w+\()|getenvb?\()({names})", text)
        ]
    assert reads == []


@pytest.mark.skipif(sys.platform != "linux", reason="the variables of freedesktop.org")
def test_the_folders_are_those_of_the_desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "XDG_VIDEOS_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert default_data_dir() == tmp_path / ".local" / "share" / "reka-clips-mcp"
    assert default_save_dir() == tmp_path / "Videos"
    (tmp_path / "Downloads").mkdir()
    assert default_save_dir() == tmp_path / "Downloads"
    assert default_save_dir(platform="darwin") == tmp_path / "Videos", "macOS keeps programs out of Downloads"
    assert default_data_dir(platform="win32") == tmp_path / ".reka-clips-mcp", "packaged apps write elsewhere"
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / "user-dirs.dirs").write_text('XDG_VIDEOS_DIR="$HOME/Filme"\n')
    (tmp_path / "Filme").mkdir()
    assert default_save_dir() == tmp_path / "Filme"
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_data_dir() == Path("/data/reka-clips-mcp")
    monkeypatch.setenv("XDG_DATA_HOME", "data")  # relative: ignored, as the specification asks
    assert default_data_dir() == tmp_path / ".local" / "share" / "reka-clips-mcp"


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root can give a folder away")
def test_a_data_folder_that_another_user_laid_out_in_tmp_is_not_used(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    for folder in (theirs, ours):
        folder.mkdir()
    os.chown(theirs, 12345, 12345)
    Folders.of(ours).make()
    with pytest.raises(EngineStartError, match=r"belongs to another user \(id 12345\).* Set REKA_CLIPS_DATA_DIR"):
        Folders.of(theirs).make()
    tmp_path.chmod(0o755)
    Folders.of(theirs).make()  # where nobody else could have put it, as in a container's volume
