"""Measure the server beside its peers and write the table into docs/benchmarks.md. Run by `make bench`.

Arguments: the parts to measure (startup, calls, relay, scale, economy); none: all. Only a whole run is written down.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from benchmarks.machine import facts  # noqa: E402 - found by the line above
from benchmarks.servers import Bench  # noqa: E402 - the same
from benchmarks.table import Row, markdown, write_section  # noqa: E402 - the same

PACKAGES = ("mcp", "fastmcp", "httpx2", "pydantic", "anyio", "uvicorn", "starlette")
PARTS = ("startup", "calls", "relay", "scale", "economy")


def main() -> int:
    wanted = sys.argv[1:] or list(PARTS)
    machine = facts(PACKAGES)
    print(machine, flush=True)
    rows: list[Row] = []
    for part in wanted:
        begun = time.monotonic()
        with Bench.running() as bench:
            measured = importlib.import_module(f"benchmarks.{part}").measure(bench)
            found: list[Row] = asyncio.run(measured) if inspect.isawaitable(measured) else measured
        rows += found
        print(f"\n{part}, {time.monotonic() - begun:.0f} s\n\n{markdown(found)}", flush=True)
    if tuple(wanted) == PARTS:
        write_section(ROOT / "docs" / "benchmarks.md", "mcp", f"{markdown(rows)}\n\n{machine}")
    missed = [row for row in rows if row.is_reached is False]
    print(f"\n{len(missed)} aims not reached." if missed else "\nEvery aim is reached.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
