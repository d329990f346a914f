"""What is published is built once, then installed many times."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.test_python import write_talk
from release.scratch import build


@pytest.fixture(scope="session")
def built() -> tuple[Path, Path]:
    """Return wheel and sdist."""
    return build()


@pytest.fixture(scope="session")
def wheel(built: tuple[Path, Path]) -> Path:
    return built[0]


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """Return a short video, in the folder that examples are run in."""
    return write_talk(tmp_path / "talk.mp4")
