"""Speech to text with faster-whisper, if it is installed and a model lies on this machine. Nothing is downloaded."""

from __future__ import annotations

import os
import tempfile
from fractions import Fraction
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from anyio import from_thread, to_thread

from reka_clips.engine.media.ffmpeg.decode import decode_speech
from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.media.plan import Cue, Word
from reka_clips.engine.media.text.subtitles import tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reka_clips.engine.media.analyze.analyze import Span
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

MODEL_SETTING: Final = "REKA_CLIPS_WHISPER_MODEL"
# What faster-whisper is called with; tests/release holds both to its signatures.
MODEL_OPTIONS: Final = MappingProxyType({"device": "cpu", "compute_type": "int8", "local_files_only": True})
TRANSCRIBE_OPTIONS: Final = MappingProxyType({"word_timestamps": True, "vad_filter": True})


def find_model() -> Path | None:
    """Return the folder of the speech model that the user set, or None if none is set.

    Raises MediaError when what is set is no folder with a model, or faster-whisper is not installed.
    """
    setting = os.environ.get(MODEL_SETTING, "").strip()
    if not setting:
        return None
    folder = Path(setting).expanduser()
    # Without its tokenizer in the folder, faster-whisper would fetch one from the network.
    missing = [name for name in ("model.bin", "tokenizer.json") if not (folder / name).is_file()]
    if missing:
        raise MediaError(f"{MODEL_SETTING} names no folder with a faster-whisper model: {missing[0]} is not in it.")
    try:
        import faster_whisper  # noqa: F401  # pyright: ignore[reportMissingImports, reportMissingTypeStubs, reportUnusedImport]
    except ImportError:
        raise MediaError(
            f"{MODEL_SETTING} is set, but faster-whisper is not installed: pip install 'reka-clips-mcp[captions]'."
        ) from None
    return folder


def is_usable() -> bool:
    """Whether speech can be turned into text."""
    try:
        return find_model() is not None
    except MediaError:
        return False


async def recognise(ffmpeg: Ffmpeg, span: Span, model: Path, *, report: Callable[[float], None]) -> tuple[Cue, ...]:
    """Return what is said in a stretch, in source seconds, word by word; empty for a source without sound.

    report: gets the rising share done, 0 to 1. When cancelled, the model stops after the phrase it is at.
    Raises MediaError when the sound cannot be decoded or the model cannot be loaded.
    """
    if span.info.audio is None:
        return ()
    stop = Event()
    with tempfile.TemporaryDirectory(dir=span.scratch, prefix=".speech-") as name:
        sound = Path(name) / "sound.wav"
        indices = span.info.audio.indices
        if not await decode_speech(ffmpeg, span.path, indices, sound, start=span.start, seconds=span.seconds):
            return ()

        def work() -> list[Cue]:
            cues: list[Cue] = []
            for cue in _transcribe(model, sound, span.start):
                if stop.is_set():
                    break
                cues.append(cue)
                share = min(1.0, float(cue.end - span.start) / span.seconds)
                from_thread.run_sync(report, share)
            return cues

        try:
            return tidy(await to_thread.run_sync(work, abandon_on_cancel=True))
        finally:
            stop.set()


def _transcribe(model: Path, sound: Path, offset: Fraction) -> Iterator[Cue]:
    from faster_whisper import WhisperModel  # pyright: ignore[reportMissingImports, reportMissingTypeStubs, reportUnknownVariableType]

    try:
        model_class = cast("Any", WhisperModel)
        whisper = model_class(str(model), **MODEL_OPTIONS)
        segments, _ = whisper.transcribe(str(sound), **TRANSCRIBE_OPTIONS)
        for segment in segments:
            words = tuple(
                Word(offset + _exact(word.start), offset + _exact(word.end), word.word.strip())
                for word in segment.words or ()
                if word.end > word.start and word.word.strip()
            )
            text = segment.text.strip()
            if text and segment.end > segment.start:
                yield Cue(offset + _exact(segment.start), offset + _exact(segment.end), text, words)
    except (RuntimeError, ValueError, OSError) as error:
        raise MediaError(
            "The speech model could not be used; check REKA_CLIPS_WHISPER_MODEL.", detail=str(error)
        ) from error


def _exact(seconds: float) -> Fraction:
    return Fraction(round(seconds * 1000), 1000)
