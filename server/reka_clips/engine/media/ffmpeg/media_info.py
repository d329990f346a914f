"""What a video file holds: its streams, one by one, and which of them to use."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HDR_TRANSFERS: Final = frozenset({"smpte2084", "arib-std-b67"})
_STILLS: Final = frozenset({"attached pic", "timed thumbnails", "still image", "dependent"})
_ASIDES: Final = frozenset({"comment", "visual impaired", "hearing impaired"})


@dataclass(frozen=True, slots=True)
class DolbyVision:
    """What a stream says of its Dolby Vision. compatibility: 0 when no other kind of screen can show its base layer."""

    profile: int
    compatibility: int


@dataclass(frozen=True, slots=True)
class VideoStream:
    """A video stream. Sizes are those of the stored picture, before rotation and sample aspect.

    rotation_degrees: how far the picture is to be turned clockwise to stand upright: 0, 90, 180 or 270
    (ffmpeg does it by itself when it decodes). frame_rate: mean frames per second. grid_rate: how many there would be
    if none were left out, as ffmpeg guesses it from their times. Both 0 when unknown. color_*: ffmpeg's names, of
    stream and container together; empty when unknown. is_decodable: whether this ffmpeg has a decoder for the codec.
    """

    index: int
    codec: str
    width_px: int
    height_px: int
    pixel_format: str
    sample_aspect: Fraction = Fraction(1)
    rotation_degrees: int = 0
    frame_rate: Fraction = Fraction(0)
    grid_rate: Fraction = Fraction(0)
    color_matrix: str = ""
    color_transfer: str = ""
    color_primaries: str = ""
    is_interlaced: bool = False
    is_full_range: bool = False
    dolby_vision: DolbyVision | None = None
    is_decodable: bool = True
    language: str = ""
    dispositions: frozenset[str] = frozenset()

    @property
    def is_cover(self) -> bool:
        """Whether the file itself says that the stream is a picture beside the film, not a film."""
        return bool(self.dispositions & _STILLS)

    @property
    def is_hdr(self) -> bool:
        """Whether the picture is PQ or HLG and must be toned to be seen on an ordinary screen."""
        return self.color_transfer in HDR_TRANSFERS

    @property
    def upright_size_px(self) -> tuple[int, int]:
        """Width and height after decoding: turned upright, sample aspect not yet applied."""
        turned = self.rotation_degrees % 180 == 90  # noqa: PLR2004 - a quarter turn
        return (self.height_px, self.width_px) if turned else (self.width_px, self.height_px)

    @property
    def upright_sample_aspect(self) -> Fraction:
        """The sample aspect of the decoded picture, turned upright."""
        return 1 / self.sample_aspect if self.rotation_degrees % 180 == 90 else self.sample_aspect  # noqa: PLR2004

    @property
    def display_size_px(self) -> tuple[int, int]:
        """Width and height as a player shows them with square pixels: upright, stretched, never shrunk."""
        width, height = self.upright_size_px
        aspect = self.upright_sample_aspect
        return (round(width * aspect), height) if aspect >= 1 else (width, round(height / aspect))


@dataclass(frozen=True, slots=True)
class AudioStream:
    """A sound stream. channels, sample_rate_hz: 0 when the file does not say.

    language: as the file has it: `eng`, `en-US`; empty when unknown. is_decodable: whether this ffmpeg has a decoder
    for the codec (iPhones write `apple_apac`, broadcasters `ac4`, which no free decoder reads). mixed_with: the indices
    of further tracks that are to be heard with this one, as each holds one microphone.
    """

    index: int
    codec: str
    sample_rate_hz: int
    channels: int
    language: str = ""
    dispositions: frozenset[str] = frozenset()
    is_decodable: bool = True
    mixed_with: tuple[int, ...] = ()

    @property
    def indices(self) -> tuple[int, ...]:
        """The indices of all tracks that are to be heard together."""
        return (self.index, *self.mixed_with)


@dataclass(frozen=True, slots=True)
class SubtitleStream:
    """A text subtitle stream; picture subtitles are left out."""

    index: int
    codec: str
    language: str = ""
    dispositions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Chapter:
    """A named stretch of the file, in seconds."""

    start: Fraction
    end: Fraction
    title: str


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file holds. Time 0 is the file's first timestamp, as for ffmpeg's `-ss`.

    start: that timestamp, in seconds. duration: in seconds, from there to the end of the last frame. video, audio: the
    streams to use; audio is None when there is no sound that can be decoded. videos, audios: all streams, those that
    cannot be decoded too. subtitles: text streams, best first. tags: the file's own metadata, keys in lower case,
    values as they stand (untrusted).
    """

    format: str
    duration: Fraction
    video: VideoStream
    audio: AudioStream | None = None
    videos: tuple[VideoStream, ...] = ()
    audios: tuple[AudioStream, ...] = ()
    subtitles: tuple[SubtitleStream, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    start: Fraction = Fraction(0)


def best_video(streams: Iterable[VideoStream]) -> VideoStream:
    """Return the stream with the most pixels; among equals the default one, then the first."""
    return max(streams, key=lambda s: (s.width_px * s.height_px, "default" in s.dispositions, -s.index))


def usable_audios(streams: Iterable[AudioStream]) -> list[AudioStream]:
    """Return the streams that can be decoded, best first: no commentary, the default one, the finest sound."""
    return sorted(
        (stream for stream in streams if stream.is_decodable and stream.sample_rate_hz > 0),
        key=lambda s: (
            bool(s.dispositions & _ASIDES),
            "default" not in s.dispositions,
            -s.channels,
            -s.sample_rate_hz,
            s.index,
        ),
    )


def best_audio(streams: Iterable[AudioStream]) -> AudioStream | None:
    """Return the best of the streams that can be decoded, see `usable_audios`."""
    return next(iter(usable_audios(streams)), None)
