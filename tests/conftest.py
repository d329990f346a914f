"""What every test may use, and what CI must not let pass: a test skipped where it could have run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

import hypothesis
import pytest

# A slow machine is no fault of the code: what is too slow is found by the benchmarks.
hypothesis.settings.register_profile(
    "steady", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], derandomize=True
)
hypothesis.settings.load_profile("steady")

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

ALL_RUN = os.environ.get("REKA_CLIPS_TESTS_ALL", "") not in ("", "0")
NO_SAMPLES = "the real sample videos are not on this machine"
NO_SMALL_DISK = "a small disk cannot be mounted here, which takes root"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def sample() -> Callable[[str], Path]:
    """Return the path of a real sample video, or skip where the samples are not there."""

    def find(name: str) -> Path:
        if not SAMPLES.is_dir():
            pytest.skip(NO_SAMPLES)
        path = SAMPLES / name
        if not path.exists():
            pytest.skip(f"there is no sample video {name}")
        return path

    return find


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """Return a folder on a disk of 3 MB of its own, which is full sooner than any other: a real one, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(NO_SMALL_DISK)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _unless_skipped((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _unless_skipped((yield))


def _unless_skipped(report: Report) -> Report:
    """Return the report; as a failure where everything is installed (REKA_CLIPS_TESTS_ALL=1) and yet it was skipped.

    Two things alone may be missing: the sample videos, which are no part of the repository, and the right to mount.
    """
    if ALL_RUN and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if NO_SAMPLES not in reason and NO_SMALL_DISK not in reason:
            report.outcome = "failed"
            report.longrepr = f"Nothing may be skipped with REKA_CLIPS_TESTS_ALL=1, but this was. {reason}"
    return report
