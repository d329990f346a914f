"""Where everything is installed, a skipped test is a failed one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import LONG_PARTS

CASES = """
import pytest

def test_runs():
    assert True

def test_skips():
    pytest.skip("no such tool")

@pytest.mark.skipif(True, reason="no such system")
def test_is_marked():
    raise AssertionError

@pytest.mark.xfail(reason="known")
def test_is_expected_to_fail():
    raise AssertionError

def test_wants_a_sample(sample):
    assert sample("film.mp4")
"""


def outcomes(folder: Path, all_run: str) -> tuple[int, str]:
    shutil.copy(Path(__file__).parents[1] / "conftest.py", folder / "conftest.py")
    (folder / "test_cases.py").write_text(CASES)
    (folder / "test_whole.py").write_text('import pytest\npytest.importorskip("no_such_package_anywhere")\n')
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
        + ["--continue-on-collection-errors"],
        env=os.environ | {"REKA_CLIPS_TESTS_ALL": all_run},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.returncode, ended.stdout


def test_a_skip_passes_on_a_machine_that_lacks_something(tmp_path: Path) -> None:
    code, said = outcomes(tmp_path, "0")
    assert code == pytest.ExitCode.OK, said
    assert "1 passed, 4 skipped, 1 xfailed" in said


def test_a_skip_fails_where_everything_is_installed_but_for_the_sample_videos(tmp_path: Path) -> None:
    code, said = outcomes(tmp_path, "1")
    assert code != pytest.ExitCode.OK
    for reason in ("no such tool", "no such system", "no_such_package_anywhere"):
        assert reason in said
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed, 2 errors" in said


def test_what_make_test_leaves_out_exists() -> None:
    root = Path(__file__).parents[2]
    for prefix in (prefix for part in LONG_PARTS.values() for prefix in part):
        path, _, name = prefix.partition("::")
        found = [*root.glob(f"{path}*")]
        assert found, prefix
        assert name in found[0].read_text() if name else True, prefix
