"""Have this server judged by tools of others: the official conformance suite, and the Inspector's command line.

Run by `make conformance`. The suite's general scenarios of both eras go to the installed command over HTTP, its tasks
scenarios to the same app with the suite's own tools before it (`fixtures.py`). Expected failures stand, with their
reasons, in `expected-failures.yml`; another failure, or one of them that passes, fails the run. The Inspector then
does what a client does, over stdio and over HTTP, in both eras.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
sys.path.insert(0, str(TESTS))

from command import CommandProcess, ScriptedUpstream  # noqa: E402 - found by the line above

BIN = HERE / "node_modules" / ".bin"
EXPECTED = HERE / "expected-failures.yml"
KEY = "planted-key-of-the-conformance-run"
PATIENCE_SECONDS = 300

GENERAL = (("active", "2025-11-25"), ("active", "2026-07-28"), ("draft", "2026-07-28"))
TASKS = (
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-required-task-error",
    "tasks-mrtr-input",
    "tasks-mrtr-composition",
)
UNKNOWN_ID = "550e8400-e29b-41d4-a716-446655440000"


def node_environment(home: Path) -> dict[str, str]:
    """Return an environment in which the suite's own Node is found first and nothing is written outside `home`."""
    return os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(home)}


# --- The suite -------------------------------------------------------------------------------------------------


def suite_run(url: str, scratch: Path, *arguments: str) -> tuple[str, bool]:
    """Run the suite once and return a line that tells the outcome, and whether it is as expected."""
    name = " ".join(argument for argument in arguments if not argument.startswith("--"))
    results = scratch / name.replace(" ", "-")
    argv = [BIN / "conformance", "server", "--url", url, *arguments]
    ran = subprocess.run(
        [*argv, "--expected-failures", EXPECTED, "--output-dir", results],
        env=node_environment(scratch),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    checks = [check for path in results.rglob("checks.json") for check in json.loads(path.read_text("utf-8"))]
    passed = sum(check["status"] == "SUCCESS" for check in checks)
    failed = sum(check["status"] in ("FAILURE", "WARNING") for check in checks)
    fine = ran.returncode == 0 and passed > 0
    told = f"{name:<32} {passed:>4} checks passed, {failed:>2} expected failures"
    return told if fine else f"{name:<32} NOT AS EXPECTED\n{_end_of(ran.stdout)}{ran.stderr}", fine


def _end_of(output: str) -> str:
    """Return the part of the suite's output that says which failures were not expected, and their messages."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    return plain[max(0, plain.find("=== SUMMARY")) :][-6000:]


@contextmanager
def fixtures() -> Iterator[str]:
    """Yield the URL of the app with the suite's tools before it."""
    with subprocess.Popen(
        [sys.executable, HERE / "fixtures.py"],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.kill()


# --- The Inspector ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Errand:
    """One thing the Inspector is sent for, and what must come of it. code: its exit code; 5 is a tool's error."""

    name: str
    arguments: tuple[str, ...]
    check: Callable[[dict[str, Any]], bool]
    code: int = 0


def _call(tool: str, **arguments: Any) -> tuple[str, ...]:
    return ("--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))


def errands(label: str, *, writes_files: bool) -> list[Errand]:
    """Return what is asked for. label: makes the creation one of its own. writes_files: save_clip is offered."""
    manifest = json.loads((TESTS.parent / "manifest.json").read_text("utf-8"))
    tools = {tool["name"] for tool in manifest["tools"] if writes_files or tool["name"] != "save_clip"}
    film = {"video_urls": ["https://example.com/film.mp4"], "prompt": f"for the Inspector {label}"}
    return [
        Errand(
            "tools, strictly",
            ("--method", "tools/list", "--strict"),
            lambda r: {tool["name"] for tool in r["tools"]} == tools,
        ),
        Errand(
            "clips",
            _call("create_clips", **film),
            lambda r: r["structuredContent"]["output"][0]["video_url"].startswith("https://"),
        ),
        Errand("generations", _call("list_clips", limit=1), lambda r: len(r["structuredContent"]["items"]) == 1),
        Errand("an unknown one", _call("get_clip_status", id=UNKNOWN_ID), lambda r: r["isError"], code=5),
        Errand("resources", ("--method", "resources/list"), lambda r: len(r["resources"]) > 0),
        Errand(
            "the guide",
            ("--method", "resources/read", "--uri", "reka-clips://guide"),
            lambda r: "create_clips" in r["contents"][0]["text"],
        ),
        Errand(
            "prompts", ("--method", "prompts/list"), lambda r: "social_shorts" in {one["name"] for one in r["prompts"]}
        ),
        Errand(
            "a prompt",
            (
                "--method", "prompts/get", "--prompt-name", "social_shorts",
                "--prompt-args", "link=https://example.com/film.mp4",
            ),
            lambda r: "https://example.com/film.mp4" in r["messages"][0]["content"]["text"],
        ),
    ]  # fmt: skip


def inspect(target: list[str], era: str, errand: Errand, scratch: Path) -> str | None:
    """Send the Inspector for something; return what was wrong, or None."""
    ran = subprocess.run(
        [
            *(BIN / "mcp-inspector", "--cli", "--format", "json", "-q", "--protocol-era", era),
            *("--connect-timeout", str(PATIENCE_SECONDS * 1000), *target, *errand.arguments),
        ],
        env=node_environment(scratch),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    try:
        fine = ran.returncode == errand.code and errand.check(json.loads(ran.stdout)["result"])
    except (ValueError, LookupError, TypeError):
        fine = False
    return None if fine else f"{errand.name}: exit code {ran.returncode}\n{ran.stdout[:3000]}{ran.stderr[:3000]}"


def inspections(url: str, settings: dict[str, str], scratch: Path) -> Iterator[tuple[str, bool]]:
    """Yield a line for each transport and era, and whether all went well."""
    command = [str(Path(sys.executable).with_name("reka-clips-mcp"))]
    for name, value in settings.items():
        command += ["-e", f"{name}={value}"]
    for transport, target in (("stdio", command), ("http", [url])):
        for era in ("legacy", "modern"):
            wanted = errands(f"over {transport}, {era}", writes_files=transport == "stdio")
            first, *others = wanted[1], wanted[0], *wanted[2:]  # a generation must be there to be listed
            with ThreadPoolExecutor(max_workers=2) as workers:
                wrong = [inspect(target, era, first, scratch)]
                wrong += workers.map(lambda one, t=target, e=era: inspect(t, e, one, scratch), others)
            told = [text for text in wrong if text is not None]
            yield f"{transport} {era:<26} {len(wrong) - len(told):>4} of {len(wrong)} as they should be", not told
            yield from ((text, False) for text in told)


def main() -> int:
    begun = time.monotonic()
    all_fine = True

    def tell(line: str, fine: bool) -> None:
        nonlocal all_fine
        all_fine = all_fine and fine
        print(line, flush=True)

    with tempfile.TemporaryDirectory() as folder, ScriptedUpstream.running() as upstream:
        scratch = Path(folder)
        settings = {"REKA_API_KEY": KEY, "REKA_BASE_URL": upstream.base_url, "REKA_CLIPS_DATA_DIR": folder}
        with CommandProcess("--transport", "streamable-http", "--port", "0", **settings) as served:
            url = f"{served.url}/mcp"
            print("The conformance suite, general scenarios:", flush=True)
            for suite, version in GENERAL:
                tell(*suite_run(url, scratch, "--suite", suite, "--spec-version", version))
            print("The conformance suite, tasks scenarios:", flush=True)
            with fixtures() as with_tools:
                for scenario in TASKS:
                    tell(*suite_run(with_tools, scratch, "--scenario", scenario))
            print("The Inspector:", flush=True)
            for line, fine in inspections(url, settings, scratch):
                tell(line, fine)
    print(f"{'All as expected' if all_fine else 'NOT as expected'}, in {time.monotonic() - begun:.0f} s.")
    return 0 if all_fine else 1


if __name__ == "__main__":
    sys.exit(main())
