"""Twelve hours of film are chosen from in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# In a process of its own, as the engine is: its imports, twelve hours of measurements, and the choice. A cut every other
# second, bursts of motion and of sound, and something said every five seconds.
PROGRAM = """
import json, sys
import reka_clips.engine.http.app
from made_footage import cue, footage
from reka_clips.engine.media.select.planning import SelectionOptions as Wish, choose, make_plans

def peak_mb():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024

seconds = 12 * 3600
film = footage(
    seconds,
    busy=[(at, at + 7) for at in range(300, seconds, 977)],
    loud=[(at, at + 6) for at in range(100, seconds, 61)],
    cuts=[at + 0.04 for at in range(1, seconds, 2)],
    cues=[cue(at + 0.5, at + 4.1, f"They tell of boat {at}, and of volcano {at % 13}.") for at in range(0, seconds, 5)],
)
before = peak_mb()
wish = Wish(sys.argv[1], longest=60, prompt=sys.argv[2])
clips = choose([film], wish, extra=14)
plans = make_plans(clips, [film], wish)
print(json.dumps([len(plans), before, peak_mb()]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a process is measured by /proc")
@pytest.mark.parametrize(("template", "prompt", "count"), [("moments", "volcano 12", 26), ("compilation", "", 12)])
def test_choosing_from_twelve_hours_full_of_cuts_and_words_stays_within_a_tenth_of_a_gigabyte(
    template: str, prompt: str, count: int
) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, template, prompt],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    made, before_mb, peak_mb = json.loads(ran.stdout)
    assert made == count
    assert peak_mb < 100
    assert peak_mb - before_mb < 30
