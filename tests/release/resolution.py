"""Part of `make check`: uv finds a wheel of everything for five platforms, so that nobody has to build one.

Installs nothing. What it catches: a package that drops a platform, as cryptography did with Intel Macs and Windows on ARM.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from release.scratch import ROOT, UV

PLATFORMS: Final = (
    "x86_64-pc-windows-msvc",
    "aarch64-pc-windows-msvc",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-unknown-linux-gnu",
)
PYTHONS: Final = ("3.11", "3.14")


def complaint(platform: str, python: str, *requirements: str) -> str | None:
    """Return what uv says against an installation for a platform, or None. requirements: files that hold them."""
    target = ("--python-platform", platform, "--python-version", python)
    with tempfile.TemporaryDirectory(prefix="resolution-") as folder:
        chosen = Path(folder) / "requirements.txt"
        for command in (
            ["compile", *target, "--extra", "local", "--output-file", str(chosen), *requirements],
            ["install", "--dry-run", "--only-binary", ":all:", "--target", folder, *target, "-r", str(chosen)],
        ):
            ended = subprocess.run(
                [UV, "pip", *command, "--no-python-downloads"],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            if ended.returncode:
                return ended.stderr.strip()
    return None


def main() -> int:
    """Ask for every platform; return 0 if each can install everything without building anything."""
    pairs = list(itertools.product(PLATFORMS, PYTHONS))
    with ThreadPoolExecutor() as pool:  # each waits for the index most of the time
        answers = list(pool.map(lambda pair: complaint(*pair, "pyproject.toml"), pairs))
    for (platform, python), said in zip(pairs, answers, strict=True):
        if said is not None:
            print(f"{platform}, Python {python}: {said}", file=sys.stderr)
    if any(answers):
        return 1
    print(f"Wheels of everything for {', '.join(PLATFORMS)}, Python {' and '.join(PYTHONS)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
