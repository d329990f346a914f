"""What the doctor found, as text for people and as JSON for programs. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Status = Literal["ok", "note", "problem", "skipped"]

_LABELS: Final[dict[Status, str]] = {"ok": "ok", "note": "note", "problem": "PROBLEM", "skipped": "-"}
_WIDTH: Final = 100
_INDENT: Final = 23


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    status: "problem" keeps clips from being made or a setting from having effect, "note" does not, "skipped" was
    not needed for the chosen backend. remedy: what to do about it, in plain words.
    """

    check: str
    status: Status
    message: str
    remedy: str | None = None


def is_healthy(findings: Sequence[Finding]) -> bool:
    """Return whether no finding is a problem."""
    return all(finding.status != "problem" for finding in findings)


def as_json(findings: Sequence[Finding], *, version: str) -> str:
    """Return `{"ok", "version", "checks": [{"check", "status", "message", "remedy"?}]}`."""
    checks = [
        {"check": finding.check, "status": finding.status, "message": finding.message}
        | ({"remedy": finding.remedy} if finding.remedy else {})
        for finding in findings
    ]
    return json.dumps({"ok": is_healthy(findings), "version": version, "checks": checks}, indent=2)


def as_text(findings: Sequence[Finding], *, version: str) -> str:
    """Return a table of lines, in plain ASCII where the messages are, with a sentence at its end."""
    lines = [f"reka-clips-mcp {version}", ""]
    for finding in findings:
        head = f"  {_LABELS[finding.status]:<8} {finding.check:<11} "
        lines += _wrapped(finding.message, first=head)
        if finding.remedy:
            label = "To fix it" if finding.status == "problem" else "Hint"
            lines += _wrapped(f"{label}: {finding.remedy}", first=" " * _INDENT)
    problems = sum(finding.status == "problem" for finding in findings)
    end = "Everything looks good." if problems == 0 else f"{problems} problem{'s' if problems > 1 else ''} found."
    return "\n".join([*lines, "", end])


def _wrapped(text: str, *, first: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent=first,
        subsequent_indent=" " * _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
