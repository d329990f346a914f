"""Where a film's subtitles are, and which of them to take: files beside it, and tracks inside it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reka_clips.download.local import SUBTITLE_SUFFIXES
from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.engine.media.ffmpeg.process import input_arguments
from reka_clips.engine.media.languages import base_language, language_name, language_tag
from reka_clips.engine.media.text.encodings import decode
from reka_clips.engine.media.text.subtitles import MAX_BYTES, parse_subtitles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reka_clips.engine.media.ffmpeg.media_info import MediaInfo, SubtitleStream
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg
    from reka_clips.engine.media.plan import Cue

SUFFIXES: Final = SUBTITLE_SUFFIXES

_FLAGS: Final = frozenset(
    {"forced", "foreign", "sdh", "cc", "hi", "hearing_impaired", "default", "full", "auto", "asr"}
)
_SECOND_CHOICE: Final = frozenset({"sdh", "cc", "hi", "hearing_impaired", "hearing impaired", "auto", "asr", "comment"})
_COPIED: Final = {"subrip": "srt", "srt": "srt", "text": "srt", "webvtt": "webvtt", "ass": "ass", "ssa": "ass"}
_MAX_LANGUAGES_TOLD: Final = 6


@dataclass(frozen=True, slots=True)
class SubtitleTrack:
    """A file or a track with subtitles. source: the file, or the index of the track. language: a tag, or empty."""

    source: Path | SubtitleStream
    language: str = ""
    flags: frozenset[str] = frozenset()

    @property
    def is_forced(self) -> bool:
        """Whether only what is said in another language is in it."""
        return bool(self.flags & {"forced", "foreign"})


def find_sidecars(video: Path) -> list[Path]:
    """Return the subtitle files beside a video that bear its name: `talk.srt`, `talk.en.vtt`; plainest first.

    Names are the same whatever their case, and however an accent is written. `talk.part2.srt` belongs to
    `talk.part2.mp4` if there is one.
    """
    files = [path for path in video.parent.iterdir() if path.is_file()]
    name = _plain(video.stem)
    others = {_plain(path.stem) for path in files if path.suffix.lower() not in SUFFIXES}
    longer = [other for other in others if other.startswith(f"{name}.")]
    found = [
        path
        for path in files
        if path.suffix.lower() in SUFFIXES
        and (_plain(path.stem) == name or _plain(path.stem).startswith(f"{name}."))
        and not any(f"{_plain(path.stem)}.".startswith(f"{other}.") for other in longer)
    ]
    return sorted(found, key=lambda path: (not path.stem.startswith(video.stem), path.stem.count("."), path.name))


def sidecar_track(path: Path) -> SubtitleTrack:
    """Return what the name of a subtitle file says: `talk.pt-BR.forced.srt`."""
    language = ""
    flags: set[str] = set()
    for part in reversed(path.stem.split(".")[1:]):
        word = part.casefold()
        tag = language_tag(part)
        if word in _FLAGS and not (word == "hi" and _is_alone(path, word)):
            flags.add(word)
        elif tag and not language:
            language = tag
        else:
            break
    return SubtitleTrack(path, language, frozenset(flags))


def tracks_of(sidecars: Sequence[Path], info: MediaInfo) -> list[SubtitleTrack]:
    """Return the subtitles of a film: the files beside it, then the tracks inside it, each in their order."""
    inside = [SubtitleTrack(stream, language_tag(stream.language), stream.dispositions) for stream in info.subtitles]
    return [*(sidecar_track(path) for path in sidecars), *inside]


def ranked(tracks: Sequence[SubtitleTrack], *, spoken: str, wanted: str) -> list[SubtitleTrack]:
    """Return the tracks that come into question, best first.

    spoken: the language of the sound, empty if it is not known. wanted: the language asked for, or empty; then only
    tracks in it are left, or, where there is none, those that do not tell their language.
    Else the language that is spoken comes first, then a file that does not tell its own, then English.
    """
    if wanted:
        same = [track for track in tracks if base_language(track.language) == base_language(wanted)]
        tracks = same or [track for track in tracks if not track.language]
    spoken = wanted or spoken

    def rank(track: SubtitleTrack) -> tuple[bool, int, int, bool, bool]:
        if spoken and base_language(track.language) == base_language(spoken):
            language = 0
        elif not track.language:
            language = 1
        else:
            language = 2 if base_language(track.language) == "en" else 3
        region = 0 if track.language == spoken else 1 if "-" not in track.language else 2
        is_default = "default" in track.flags
        return track.is_forced, language, region, bool(track.flags & _SECOND_CHOICE), not is_default

    return sorted(tracks, key=rank)


def choice_told(taken: SubtitleTrack, tracks: Sequence[SubtitleTrack], *, spoken: str, wanted: str) -> str | None:
    """Return a sentence on which of several languages the captions are in, and why; None if there was no choice."""
    languages = list(dict.fromkeys(track.language for track in tracks if not track.is_forced))
    others = [language_name(language) for language in languages if language and language != taken.language]
    is_foreign = bool(spoken and taken.language) and base_language(taken.language) != base_language(spoken)
    if wanted or not taken.language or not (others or is_foreign):
        return None
    name = language_name(taken.language)
    if is_foreign:
        why = f", though {language_name(spoken)} is spoken"
    else:
        why = ", the language that is spoken" if spoken else ", as the film does not tell which language is spoken"
    choice = ""
    if others:
        more = len(others) - _MAX_LANGUAGES_TOLD
        listed = ", ".join(others[:_MAX_LANGUAGES_TOLD]) + (f" and {more} more" if more > 0 else "")
        choice = f" There are also subtitles in {listed}: set rendering_config.subtitles_language to choose."
    return f"The captions are in {name}{why}.{choice}"


def read_subtitles(path: Path, *, language: str = "") -> tuple[tuple[Cue, ...], tuple[str, ...]]:
    """Return the cues of a SubRip, WebVTT or ASS file, and warnings. language: in which it is written, if known.

    Raises MediaError when the file cannot be read or holds no cues.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise MediaError(f"The subtitle file {path.name} cannot be read: {error.strerror}.") from error
    if len(content) > MAX_BYTES:
        raise MediaError(f"The subtitle file {path.name} is larger than 20 MB.")
    decoded = decode(content, language=language)
    cues = parse_subtitles(decoded.text)
    if not cues:
        raise MediaError(f"The subtitle file {path.name} holds no subtitles in SubRip, WebVTT or ASS form.")
    return cues, (f"The subtitle file {path.name} {decoded.doubt}.",) if decoded.doubt else ()


async def extract_subtitles(
    ffmpeg: Ffmpeg, path: Path, stream: SubtitleStream
) -> tuple[tuple[Cue, ...], tuple[str, ...]]:
    """Return the cues of a text track inside a video, and warnings; no cues when it cannot be read or has none.

    The track is copied as it is where that gives text: to convert it, ffmpeg drops the times of words, loses rows after
    an empty one, and refuses what is not UTF-8. Raises DiskFullError.
    """
    own = _COPIED.get(stream.codec)
    for form in [*([["-c", "copy", "-f", own]] if own else []), ["-f", "webvtt"]]:
        content = bytearray()
        try:
            await ffmpeg.run(
                [*input_arguments(path), "-map", f"0:{stream.index}", *form, "pipe:1"],
                on_output=lambda chunk, content=content: content.extend(chunk[: MAX_BYTES - len(content)]),
                timeout_seconds=600,
            )
        except DiskFullError:
            raise
        except MediaError:
            continue
        decoded = decode(bytes(content), language=language_tag(stream.language))
        if cues := parse_subtitles(decoded.text):
            return cues, (f"The subtitle track inside the video {decoded.doubt}.",) if decoded.doubt else ()
    return (), ()


async def read_text(
    ffmpeg: Ffmpeg, path: Path, info: MediaInfo, *, sidecars: Sequence[Path], wanted: str
) -> tuple[tuple[Cue, ...], tuple[str, ...]]:
    """Return what the best subtitles of a film say, and warnings; no cues where there are none.

    wanted: the language asked for, as `language_tag` gives it, or empty for the one that is spoken.
    """
    tracks = tracks_of(sidecars, info)
    spoken = language_tag(info.audio.language) if info.audio else ""
    warnings: list[str] = []
    for track in ranked(tracks, spoken=spoken, wanted=wanted):
        try:
            if isinstance(track.source, Path):
                cues, doubts = read_subtitles(track.source, language=track.language)
            else:
                cues, doubts = await extract_subtitles(ffmpeg, path, track.source)
        except DiskFullError:
            raise
        except MediaError as error:
            warnings.append(str(error))
            continue
        if cues:
            choice = choice_told(track, tracks, spoken=spoken, wanted=wanted)
            return cues, (*warnings, *doubts, *([choice] if choice else []))
    languages = list(dict.fromkeys(language_name(track.language) for track in tracks if track.language))
    if wanted and languages:
        warnings.append(f"There are no subtitles in {language_name(wanted)}, only in {', '.join(languages)}.")
    return (), tuple(warnings)


def _plain(name: str) -> str:
    """Return a name as two file systems agree on it."""
    return unicodedata.normalize("NFC", name).casefold()


def _is_alone(path: Path, word: str) -> bool:
    """Whether `hi` can only mean Hindi, as no other language is named: `talk.hi.srt`, not `talk.en.hi.srt`."""
    return not any(language_tag(part) for part in path.stem.split(".")[1:] if part.casefold() != word)
