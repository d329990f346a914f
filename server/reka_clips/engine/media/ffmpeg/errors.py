"""What can go wrong with a video file or with the disk it is cut on."""

from __future__ import annotations

from reka_clips.errors import RekaClipsError


class MediaError(RekaClipsError):
    """A source cannot be read, or a clip cannot be made. `str(error)` is a plain sentence for people.

    detail: the last words of ffmpeg, for the log; may hold local paths, so it is never sent to a client.
    """

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class DiskFullError(MediaError):
    """There is no room left where the clips are written."""
