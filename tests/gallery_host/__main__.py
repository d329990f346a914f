"""Makes the pictures of the gallery in docs/images, or with --all one of every state, in light and dark, wide and narrow."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from gallery_host.browser import missing
from gallery_host.films import cut_films, with_palette
from gallery_host.scenes import SCENES, Set, opened

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
SAID = "Make three vertical clips of the funniest moments of this film"
LOOKS = (("light", 760), ("dark", 760), ("light", 320), ("dark", 320))


def for_docs(stage: Set, folder: Path, scratch: Path) -> None:
    """Write the two pictures of the README."""
    for name, scene, theme in (("gallery-running", "processing", "dark"), ("gallery-clips", "three_clips", "light")):
        with stage.app(theme=theme, width=690) as app:
            SCENES[scene](stage, app)
            app.page.evaluate("said => { document.getElementById('said').textContent = said }", SAID)
            app.photograph(scratch / f"{name}.png")
        with_palette(scratch / f"{name}.png", folder / f"{name}.png")
        print(folder / f"{name}.png")


def of_all(stage: Set, folder: Path) -> None:
    """Write a picture of every state in every look."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, scene in SCENES.items():
        for theme, width in LOOKS:
            with stage.app(theme=theme, width=width) as app:
                scene(stage, app)
                app.photograph(folder / f"{name}-{theme}-{width}.png")
        print(folder / name)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make pictures", description=__doc__)
    parser.add_argument("--video", type=Path, help="a film that the clips are cut from; without one, coloured light")
    parser.add_argument("--at", type=float, nargs=3, default=(1, 3, 5), help="where in it they begin, in seconds")
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="write a picture of every state there instead")
    options = parser.parse_args()
    if lack := missing():
        print(f"No pictures: {lack}.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        films = cut_films(options.video, scratch, at_seconds=options.at) if options.video else None
        with opened(scratch, films=films) as stage:
            if options.all:
                of_all(stage, options.all)
            else:
                for_docs(stage, IMAGES, scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
