"""The Markdown files that people read, and the code blocks in them, each with the mark that says what tests it.

A block is claimed by an HTML comment in the line before it, `<!-- KIND -->` or `<!-- KIND: WHAT -->`; the kinds stand
in `KINDS`, with the test that reads them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT: Final = Path(__file__).resolve().parents[1]

KINDS: Final = {
    "run": "tests/docs/test_commands.py",  # shell lines, run as they stand
    "make": "tests/docs/test_commands.py",  # targets of the Makefile
    "serve": "tests/docs/test_serving.py",  # shell lines, the last of which serves until it is stopped
    "ask": "tests/docs/test_serving.py",  # shell lines that talk to what "serve" started
    "python": "tests/docs/test_python.py",  # a program with the SDK's client, run against the engine
    "arguments": "tests/docs/test_arguments.py",  # JSON that a tool takes: `arguments: create_clips`
    "client": "tests/docs/test_clients.py",  # what a client is told to start: `client: codex`
    "layout": "tests/docs/test_pages.py",  # a tree of files that exist
    "install": "tests/release/test_install.py",  # shell lines, run in an empty environment
    "framework": "tests/release/test_frameworks.py",  # a program, run beside the packages named
    "image": "tests/release/test_image.py",  # what needs a container engine, checked as far as possible
}

_MARK: Final = re.compile(r"^<!-- ([a-z]+)(?:: (.+))? -->$")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block. kind, what: of its mark; "" where it has none. line: of its first line, counted from 1."""

    path: Path
    line: int
    language: str
    kind: str
    what: str
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """Return the shell lines without comments, with continued lines joined."""
        joined = self.text.replace("\\\n", " ")
        return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def pages() -> list[Path]:
    """Return the Markdown files for people."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@functools.cache
def tokens(path: Path) -> list[Token]:
    """Return the Markdown of a file, parsed."""
    return MarkdownIt().enable("table").parse(path.read_text(encoding="utf-8"))


def blocks(*kinds: str) -> list[Block]:
    """Return all code blocks of these kinds, of all kinds where none is named."""
    return [block for path in pages() for block in _blocks(path) if not kinds or block.kind in kinds]


def _blocks(path: Path) -> Iterator[Block]:
    before = ""
    for token in tokens(path):
        if token.type in ("fence", "code_block"):
            mark = _MARK.match(before)
            kind, what = (mark[1], mark[2] or "") if mark else ("", "")
            line = (token.map or [0])[0] + 1
            yield Block(path, line, token.info.strip(), kind, what, token.content)
        before = token.content.strip() if token.type == "html_block" else ""
