"""`reka-clips-mcp engine explain`: what was measured, and why each moment was chosen."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

from command.process import COMMAND, environment
from made_films.plain import write_plain_film


def explain(film: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [COMMAND, "engine", "explain", str(film), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment({}))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_moment_is_explained_by_terms_that_add_up_to_its_score(tmp_path: Path) -> None:
    film = write_plain_film(tmp_path / "talk.mp4", seconds=40)
    film.with_suffix(".srt").write_text("1\n00:00:12,000 --> 00:00:16,000\nThe volcano throws lava.\n")

    done = explain(film, "--prompt", "volcano", "--clips", "2", "--out", str(tmp_path / "out"))

    assert done.returncode == 0, done.stderr
    chosen = rows(tmp_path / "out" / "talk.chosen.csv")
    assert [row["clip"] for row in chosen] == ["1", "2"]
    for row in chosen:
        terms = [float(row[name]) for name in ("mean", "peak", "hook", "edge", "length", "sliver", "match")]
        assert sum(terms) == pytest.approx(float(row["score"]), abs=0.01)
        assert float(row["end"]) - float(row["start"]) == pytest.approx(float(row["seconds"]), abs=0.002)
    assert float(chosen[0]["match"]) > 3
    assert chosen[0]["said"] == "The volcano throws lava."

    measured = rows(tmp_path / "out" / "talk.measured.csv")
    assert [row["seconds"] for row in measured[:3]] == ["0.0", "0.5", "1.0"]
    assert len(measured) == pytest.approx(80, abs=2)
    for row in measured:
        names = ("motion", "cuts", "contrast", "onset", "loudness", "blank", "position")
        assert sum(float(row[name] or 0) for name in names) == pytest.approx(float(row["interest"]), abs=0.01)
    assert {row["clip"] for row in measured} >= {"1", "2"}
    assert done.stdout.splitlines()[0].split()[:5] == ["clip", "from", "to", "length", "score"]


def test_a_reel_is_explained_by_its_parts(tmp_path: Path) -> None:
    film = write_plain_film(tmp_path / "talk.mp4", seconds=60)
    done = explain(film, "--reel", "--clips", "1", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert {row["clip"] for row in rows(tmp_path / "talk.chosen.csv")} == {"1"}
    assert len(rows(tmp_path / "talk.chosen.csv")) > 1


def test_a_file_that_cannot_be_explained_is_told_in_a_sentence(tmp_path: Path) -> None:
    done = explain(tmp_path / "missing.mp4")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    (tmp_path / "text.mp4").write_text("hello")
    done = explain(tmp_path / "text.mp4")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
