"""Films made by ffmpeg alone, of which everything is known: where the cuts are, where something happens."""

from pathlib import Path

# A face: Eileen Collins, from NASA's portrait of 1996, which is in the public domain.
PORTRAIT = Path(__file__).parent / "portrait.jpg"
