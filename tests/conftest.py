"""What every test may use, and what CI must not let pass: a test skipped where it could have run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

# A slow machine is no fault of the code: what is too slow is found by the benchmarks.
hypothesis.settings.register_profile(
    "steady", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], derandomize=True
)
hypothesis.settings.load_profile("steady")

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"

_skipped: list[str] = []


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def sample() -> Callable[[str], Path]:
    """Return the path of a real sample video, or skip where the samples are not there."""

    def find(name: str) -> Path:
        path = SAMPLES / name
        if not path.exists():
            pytest.skip(f"the sample video {name} is not on this machine")
        return path

    return find


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(f"{report.nodeid}: {report.longrepr}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI everything is installed, so nothing may be skipped."""
    if os.environ.get("CI") and _skipped and session.exitstatus == pytest.ExitCode.OK:
        print("\nSkipped in CI, where it should run:", *_skipped, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
