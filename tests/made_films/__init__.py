"""Films for tests, drawn by the ffmpeg that comes with the package, whichever one the engine under test uses."""

from pathlib import Path

from reka_clips.engine.media.ffmpeg.process import find_ffmpeg, packaged_ffmpeg

FFMPEG = packaged_ffmpeg() or find_ffmpeg().path
"""The path of the ffmpeg that makes films and looks into clips."""

# A face: Eileen Collins, from NASA's portrait of 1996, which is in the public domain.
PORTRAIT = Path(__file__).parent / "portrait.jpg"
