"""The Windows that these tests run on is set up once, into build/windows (or REKA_TESTS_WINDOWS)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from windows.setup import ROOT, NotPossibleError, Windows, windows

# Printed at the end, so that nobody takes a green run for more than it is. docs/tried.md says what to look at by hand.
NOT_SHOWN = (
    "packaged apps (MSIX) and where their files go",
    "virus scanners and other programs that hold files",
    "console windows that open",
    "network shares and the logins that they ask for",
    "the rights of files (ACLs)",
    "job objects, which end a worker's ffmpeg with it (Wine 8 crashes at their end)",
    "CTRL_BREAK and closing a terminal",
    "the fonts of a real Windows that stand in for missing letters",
)


@pytest.fixture(scope="session")
def win() -> Iterator[Windows]:
    """Return the Windows; skip, with the reason, where there can be none."""
    try:
        made = windows(Path(os.environ.get("REKA_TESTS_WINDOWS") or ROOT / "build" / "windows"))
    except NotPossibleError as error:
        pytest.skip(f"No Windows here: {error}")
    with made.session():
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("what Wine cannot show")
    for line in NOT_SHOWN:
        terminalreporter.write_line(f"- {line}")
