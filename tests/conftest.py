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

# No test reaches for the real hub of speech models; those of speech have one of their own on loopback.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"

# What `make test` leaves out, since it takes longer than all the rest: a name, and the tests whose ids begin so.
LEFT_OUT = pytest.StashKey[list[pytest.Item]]()
SHORT = os.environ.get("REKA_TESTS_SHORT") == "1"
LONG_PARTS = {
    "the gallery in a browser": ("tests/e2e/gallery/",),
    "faults and signals over every transport": (
        "tests/e2e/transports/test_faults.py",
        "tests/e2e/transports/test_stopping.py",
        "tests/e2e/transports/test_tasks.py",
        "tests/e2e/test_engine_killed.py",
    ),
    "loads, attacks and made-up stories": (
        "tests/e2e/network/test_attacks.py",
        "tests/e2e/network/test_scale_out.py",
        "tests/e2e/network/test_soak.py",
        "tests/e2e/network/test_stories.py",
        "tests/e2e/test_secrets.py",
        "tests/contract/test_client_fuzz.py",
        "tests/contract/test_faults.py",
    ),
    "odd films": (
        "tests/e2e/engine_media/test_odd_",
        "tests/e2e/engine_media/test_clip_captions.py",
        "tests/e2e/engine_media/test_subjects_kept.py",
    ),
    "odd machines": ("tests/e2e/test_odd_machines.py", "tests/e2e/test_demo.py::test_the_demo_prints"),
}

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not SHORT:
        return
    prefixes = tuple(prefix for part in LONG_PARTS.values() for prefix in part)
    config.stash[LEFT_OUT] = [item for item in items if item.nodeid.startswith(prefixes)]
    items[:] = [item for item in items if not item.nodeid.startswith(prefixes)]
    config.hook.pytest_deselected(items=config.stash[LEFT_OUT])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left_out = config.stash.get(LEFT_OUT, [])
    if not left_out:
        return
    terminalreporter.section("left out by make test")
    for name, prefixes in LONG_PARTS.items():
        count = sum(item.nodeid.startswith(prefixes) for item in left_out)
        if count:
            terminalreporter.write_line(f"{count:5d}  {name}")
    terminalreporter.write_line("Run everything with: make test-all")


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
