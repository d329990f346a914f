"""The installed command where something is missing: a home folder, a descriptor, a UTF-8 console, a working directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from command.process import COMMAND, environment

PING = '{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shells and users of POSIX")


def shell(script: str, *, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell; $R is the command."""
    defaults = {"REKA_CLIPS_DATA_DIR": str(folder / "data"), "REKA_CLIPS_SAVE_DIR": str(folder / "saved")}
    return subprocess.run(
        ["sh", "-c", script],
        env=environment(defaults | settings) | {"R": COMMAND, "HOME": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def pinged(script: str, *, env: dict[str, str], folder: Path) -> str:
    """Start a server by a line of shell, send it a ping, close its input when it answers; return what it logged."""
    with subprocess.Popen(
        ["sh", "-c", script],
        env=env,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(PING)
        process.stdin.flush()
        answer = process.stdout.readline()
        _, log = process.communicate(timeout=60)
    assert json.loads(answer) == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert process.returncode == 0
    return log


CLOSED = [
    ('"$R" <&-', 1, "standard input is closed"),  # Source: hosts that close descriptors
    ('"$R" >&- </dev/null', 1, "standard output is closed"),
    ('"$R" doctor >&-', 1, "standard output is closed"),
    ('"$R" engine --status >&-', 1, "standard output is closed"),
    ('"$R" doctor --json >/dev/full', 1, "No space left on device"),
    ('"$R" demo --out /dev/null/x /nonexistent.mp4', 1, "Not a directory"),
]


@pytest.mark.parametrize(("script", "code", "words"), CLOSED, ids=str)
def test_a_stream_that_cannot_be_used_ends_in_a_sentence(script: str, code: int, words: str, tmp_path: Path) -> None:
    ended = shell(script, folder=tmp_path, REKA_API_KEY="k", REKA_BASE_URL="http://127.0.0.1:9")
    assert ended.returncode == code
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr


def test_a_closed_error_stream_leaves_the_protocol_alone(tmp_path: Path) -> None:
    """Python prints to standard output where standard error is closed; a file may get its descriptor."""
    settings = {"REKA_CLIPS_DATA_DIR": str(tmp_path), "REKA_CLIPS_WAIT_SECONDS": "soon", "R": COMMAND}
    assert pinged('exec "$R" 2>&-', env=environment(settings), folder=tmp_path) == ""


def test_a_reader_that_leaves_ends_the_report_without_a_traceback(tmp_path: Path) -> None:
    ended = shell('"$R" --help | head -n 1; "$R" doctor | true', folder=tmp_path)
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
@pytest.mark.parametrize("command", ["engine --status", "doctor", "--help", "demo --out clips /нет/😀.mp4"])
def test_a_console_of_any_encoding_gets_its_text_with_escapes(encoding: str, command: str, tmp_path: Path) -> None:
    folder = tmp_path / "дом é 日本"
    folder.mkdir()
    ended = subprocess.run(
        [COMMAND, *command.split(" ")],
        env=environment(
            {"REKA_CLIPS_DATA_DIR": str(folder), "PYTHONIOENCODING": encoding, "REKA_CLIPS_BACKEND": "reka"}
        ),
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert b"Traceback" not in ended.stderr
    assert ended.stdout or b"there is no file" in ended.stderr
    if "status" in command:
        assert b"\\u65e5\\u672c" in ended.stdout


HOMELESS = [
    {},
    {"REKA_CLIPS_DATA_DIR": "~nosuchuser/x", "REKA_CLIPS_SAVE_DIR": "~nosuchuser/x"},
    {"REKA_CLIPS_DATA_DIR": "~/x"},
]


@pytest.mark.parametrize("settings", HOMELESS, ids=str)
def test_a_server_starts_without_a_home_and_says_which_setting_it_needs(
    settings: dict[str, str], tmp_path: Path
) -> None:
    """Source: NousResearch/hermes-agent#49263 and others: containers run with a user id that nobody knows."""
    program = "import os; os.getuid = lambda: 54321; from reka_clips.cli import main; raise SystemExit(main())"
    inherited = {name: value for name, value in environment(settings).items() if name not in ("HOME", "XDG_DATA_HOME")}
    inherited |= {"PYTHON": sys.executable, "PROGRAM": program}
    for flags in ("", "--data-dir '~nosuchuser/x'"):
        log = pinged(f'exec "$PYTHON" -c "$PROGRAM" {flags}', env=inherited, folder=tmp_path)
        assert "reka-clips-mcp: REKA_CLIPS_DATA_DIR" in log
        assert "Traceback" not in log


@pytest.mark.parametrize("flags", ["", "--data-dir here"])
def test_a_working_directory_that_is_gone_stops_nothing(flags: str, tmp_path: Path) -> None:
    leave = 'mkdir gone && cd gone && rmdir ../gone && exec "$R"'
    log = pinged(f"{leave} {flags}", env=environment({"R": COMMAND}), folder=tmp_path)
    assert ("REKA_CLIPS_DATA_DIR must be an absolute path; the default is used" in log) is bool(flags)
    told = shell(f"{leave} {flags} doctor --json", folder=tmp_path)
    assert told.stderr == ""
    assert [check["status"] for check in json.loads(told.stdout)["checks"] if check["check"] == "engine"] == ["ok"]


def test_the_old_name_of_a_flag_still_works(tmp_path: Path) -> None:
    told = shell('"$R" --help', folder=tmp_path).stdout
    assert "--allow-unauthenticated" in told
    assert "--allow-open-door" not in told
    assert shell('"$R" --allow-open-door --version', folder=tmp_path).returncode == 0
    assert os.access(COMMAND, os.X_OK)
