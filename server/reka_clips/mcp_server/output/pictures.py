"""Pictures for the model: image blocks, and strips of frames of a clip made by ffmpeg."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from mcp_types import ImageContent

if TYPE_CHECKING:
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

MAX_STRIP_BYTES: Final = 60_000
_FRAMES: Final = 6
_HEIGHTS: Final = (320, 240, 160)  # pixels; the first one whose strip is small enough is taken


def image_block(content: bytes) -> ImageContent:
    """Return a JPEG or PNG as an image block."""
    kind = "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
    return ImageContent(data=base64.b64encode(content).decode(), mime_type=kind)


async def strip(ffmpeg: Ffmpeg, video: Path, *, duration_seconds: float, scratch: Path) -> bytes | None:
    """Return six frames of a video side by side as a JPEG of at most 60 kB, or None if ffmpeg cannot read it.

    duration_seconds: of the video; the frames are spread over it. scratch: a folder for the picture.
    """
    from reka_clips.engine.media.ffmpeg.errors import MediaError
    from reka_clips.engine.media.ffmpeg.process import input_arguments

    picture = scratch / "strip.jpg"
    inputs: list[str] = []
    for number in range(_FRAMES):
        at = duration_seconds * (number + 0.5) / _FRAMES
        inputs += input_arguments(video, options=["-ss", f"{at:.3f}"])
    for height in _HEIGHTS:
        each = ";".join(f"[{n}:v:0]scale=-2:{height},setsar=1[f{n}]" for n in range(_FRAMES))
        row = "".join(f"[f{n}]" for n in range(_FRAMES))
        graph = f"{each};{row}hstack=inputs={_FRAMES}[out]"
        output = ["-map", "[out]", "-frames:v", "1", "-q:v", "6", "-f", "image2", "-update", "1", str(picture)]
        try:
            await ffmpeg.run([*inputs, "-filter_complex", graph, *output], timeout_seconds=60)
        except MediaError:
            return None
        content = picture.read_bytes()
        if len(content) <= MAX_STRIP_BYTES:
            return content
    return None
