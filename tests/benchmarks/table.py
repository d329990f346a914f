"""Figures as rows of a table, and the table's place in the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Row:
    """One figure against one peer. value: a ratio, unless `unit` names something else; the aim is a bound of it."""

    what: str
    measured: str
    peer: str
    value: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    unit: str = " x"

    @property
    def is_reached(self) -> bool | None:
        """Whether the aim is reached; None where there is none."""
        if self.value is None or (self.at_most is None and self.at_least is None):
            return None
        return self.value <= self.at_most if self.at_most is not None else self.value >= (self.at_least or 0.0)

    @property
    def aim(self) -> str:
        if self.at_most is not None:
            return f"≤ {self.at_most:g}{self.unit}"
        return f"≥ {self.at_least:g}{self.unit}" if self.at_least is not None else ""

    @property
    def cells(self) -> tuple[str, ...]:
        value = "" if self.value is None else f"{self.value:.2f}{self.unit}"
        reached = {True: "yes", False: "**no**", None: ""}[self.is_reached]
        return (self.what, self.measured, self.peer, value, self.aim, reached)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the ratios of what was measured in the same round: what slows one, slows the other."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def markdown(rows: Sequence[Row]) -> str:
    """Return the table."""
    head = ("What", "Measured", "Beside", "Compared", "Aim", "Reached")
    lines = [head, ("---",) * len(head), *(row.cells for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def write_section(path: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->`. Raises ValueError without these."""
    content = path.read_text("utf-8")
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, middle, rest = content.partition(begin)
    _, closing, after = rest.partition(end)
    if not (middle and closing):
        raise ValueError(f"{path} has no section {name}")
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", "utf-8")
