"""Network settings of the environment do not stop what needs no network: the engine of this computer."""

from __future__ import annotations

import json
import ssl
import subprocess
from pathlib import Path

import pytest

from command.process import COMMAND, environment

UNUSABLE = {
    "ALL_PROXY": "socks5://127.0.0.1:7890",
    "HTTP_PROXY": "http://127.0.0.1:9\n",
    "HTTPS_PROXY": '"http://proxy.example:3128"',
    "SSL_CERT_FILE": "/nonexistent/cacert.pem",
    "SSL_CERT_DIR": "/nonexistent",
    "SSLKEYLOGFILE": "/nonexistent/keys",
}


def examined(folder: Path, **settings: str) -> dict[str, dict[str, str]]:
    folders = {"REKA_CLIPS_DATA_DIR": str(folder / "data"), "REKA_CLIPS_SAVE_DIR": str(folder / "saved")}
    names = {*UNUSABLE, "NO_PROXY"}
    usual = {name: value for name, value in environment(folders).items() if name.upper() not in names}
    argv = [COMMAND, "doctor", "--json"]
    ended = subprocess.run(argv, env=usual | settings, capture_output=True, text=True, check=False, timeout=150)
    assert "Traceback" not in ended.stderr
    return {finding["check"]: finding for finding in json.loads(ended.stdout)["checks"]}


def test_the_engine_works_whatever_they_say(tmp_path: Path):
    found = examined(tmp_path, REKA_CLIPS_BACKEND="local", **UNUSABLE)
    assert found["engine"]["status"] == "ok"


@pytest.mark.parametrize("name", UNUSABLE)
def test_with_reka_the_one_that_is_wrong_is_named(name: str, tmp_path: Path):
    settings = {"REKA_API_KEY": "sk-planted-9f31c7", "REKA_BASE_URL": "https://clips.example"}
    if name == "HTTP_PROXY":
        settings["REKA_BASE_URL"] = "http://clips.example"
    if name == "SSLKEYLOGFILE":  # read with certificates of one's own only
        settings["SSL_CERT_FILE"] = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    found = examined(tmp_path, **settings, **{name: UNUSABLE[name]})
    problems = [finding["message"] for finding in found.values() if finding["status"] == "problem"]
    assert [other for other in UNUSABLE if other in " ".join(problems)] == [name]
