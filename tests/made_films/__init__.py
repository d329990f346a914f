"""Films for tests, drawn by the ffmpeg that comes with the package, whichever one the engine under test uses."""

from reka_clips.engine.media.ffmpeg.process import find_ffmpeg, packaged_ffmpeg

FFMPEG = packaged_ffmpeg() or find_ffmpeg().path
"""The path of the ffmpeg that makes films and looks into clips."""
