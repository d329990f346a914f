"""Writes the pinned ffmpeg that is fetched at first need: `python tests/release/pins.py` takes the newest."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

from reka_clips.engine.media.ffmpeg.fetch import PINS_FILE
from release.scratch import ROOT, UV


def wheels_of(requirement: str) -> dict[str, Any]:
    """Return the version that the index has, and its wheels: names, sizes, hashes."""
    (package,) = locked([requirement], "--no-deps")
    wheels = [
        {
            "name": re.sub(r".*/", "", wheel["url"]),
            "size_bytes": wheel["size"],
            "sha256": wheel["hashes"]["sha256"],
        }
        for wheel in package["wheels"]
    ]
    return {"requirement": f"{package['name']}=={package['version']}", "wheels": wheels}


def locked(requirements: list[str], *options: str) -> list[dict[str, Any]]:
    """Return what uv would install, with every file that the index has of it."""
    command = [UV, "pip", "compile", "--quiet", "--format", "pylock.toml", *(options or ("--universal",)), "-"]
    if "--no-deps" in options:
        command.insert(3, "--universal")
    asked = "\n".join(requirements)
    ended = subprocess.run(command, input=asked, capture_output=True, text=True, check=True, timeout=120, cwd=ROOT)
    return tomllib.loads(ended.stdout)["packages"]


if __name__ == "__main__":
    Path(PINS_FILE).write_text(json.dumps(wheels_of("imageio-ffmpeg"), indent=1) + "\n", encoding="ascii")
