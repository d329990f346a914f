"""Settings are read once and never stop the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from reka_clips.settings import DEFAULT_BASE_URL, Settings, default_data_dir


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
    assert settings.problems == ("REKA_CLIPS_WAIT_SECONDS must be a number of seconds from 0 to 900.",)


def test_an_unknown_backend_is_not_guessed() -> None:
    settings = Settings.from_environment({"REKA_CLIPS_BACKEND": "cloud"})
    assert settings.backend is None
    assert "auto, reka, local" in settings.problems[0]


@pytest.mark.parametrize("value", ["ftp://x", "reka.ai", "https://", "https://me:secret@host", "https://[::1"])
def test_a_base_url_that_cannot_be_used_falls_back_without_being_echoed(value: str) -> None:
    settings = Settings.from_environment({"REKA_BASE_URL": value})
    assert settings.base_url == DEFAULT_BASE_URL
    assert "secret" not in settings.problems[0]


@pytest.mark.parametrize(("value", "is_on"), [("1", True), ("yes", True), ("0", False), ("off", False), ("", False)])
def test_switches(value: str, is_on: bool) -> None:
    assert Settings.from_environment({"REKA_CLIPS_CONFIRM": value}).confirm is is_on


def test_no_secret_is_in_the_repr() -> None:
    settings = Settings.from_environment({"REKA_API_KEY": "planted-key", "REKA_CLIPS_AUTH_TOKEN": "planted-token"})
    assert "planted" not in repr(settings)


def test_the_data_folder_follows_the_platform() -> None:
    if default_data_dir({}).parts[-3:-1] == (".local", "share"):
        assert default_data_dir({"XDG_DATA_HOME": "/data"}) == Path("/data/reka-clips-mcp")
        assert default_data_dir({"XDG_DATA_HOME": "data"}) == default_data_dir({})  # as the XDG specification asks
    assert default_data_dir({}).name == "reka-clips-mcp"
