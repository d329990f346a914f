"""From starting the process to the answer to `tools/list`, over stdio, as a client does it; memory then."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.machine import cpu_seconds, resident_bytes
from benchmarks.servers import BARE, GENERATED, OURS, Bench
from benchmarks.table import Row, ratio
from benchmarks.wire import INITIALIZE

ROUNDS = 11


@dataclass(frozen=True)
class Start:
    """What one start took: wall clock and processor in seconds, memory in bytes."""

    seconds: float
    cpu_seconds: float
    resident_bytes: int


def start(bench: Bench, name: str) -> Start:
    """Start a server, list its tools, end it."""
    begun = time.perf_counter()
    with subprocess.Popen(
        bench.argv(name, "stdio"),
        env=bench.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _ask(process, 1, "initialize", INITIALIZE)
            assert process.stdin is not None
            process.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
            tools = _ask(process, 2, "tools/list", {})["tools"]
            took = time.perf_counter() - begun
            assert len(tools) >= 4
            return Start(took, cpu_seconds(process.pid), resident_bytes(process.pid))
        finally:
            process.kill()


def _ask(process: subprocess.Popen[bytes], number: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()
    while line := process.stdout.readline():
        if (answer := json.loads(line)).get("id") == number:
            return answer["result"]
    raise RuntimeError(f"{method} was not answered")


def measure(bench: Bench) -> list[Row]:
    """Return the rows of the table."""
    names = (BARE, OURS, GENERATED)
    for name in names:
        start(bench, name)  # files into memory, bytecode written
    rounds = [{name: start(bench, name) for name in names} for _ in range(ROUNDS)]
    ours = [one[OURS] for one in rounds]
    bare, generated = [one[BARE] for one in rounds], [one[GENERATED] for one in rounds]
    told = f"{median(o.seconds for o in ours) * 1e3:.0f} ms ({median(o.cpu_seconds for o in ours) * 1e3:.0f} ms CPU)"
    more = median(o.resident_bytes for o in ours) - median(o.resident_bytes for o in bare)
    return [
        Row("Start-up over stdio, to `tools/list` answered", told, BARE,
            ratio([o.seconds for o in ours], [o.seconds for o in bare]), at_most=1.10),
        Row("the same, processor time", told, BARE,
            ratio([o.cpu_seconds for o in ours], [o.cpu_seconds for o in bare]), at_most=1.10),
        Row("Start-up over stdio, to `tools/list` answered", told, GENERATED,
            ratio([o.seconds for o in ours], [o.seconds for o in generated]), at_most=0.6),
        Row("the same, processor time", told, GENERATED,
            ratio([o.cpu_seconds for o in ours], [o.cpu_seconds for o in generated]), at_most=0.6),
        Row("Resident memory then", f"{median(o.resident_bytes for o in ours) / 2**20:.1f} MB", BARE,
            more / 2**20, at_most=8, unit=" MB more"),
    ]  # fmt: skip
