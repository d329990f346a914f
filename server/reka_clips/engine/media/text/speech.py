"""Speech to text with faster-whisper, if it is installed and a model lies on this machine. Nothing is downloaded."""

from __future__ import annotations

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
from reka_clips.engine.media.text.speech_model import is_installed, missing_file
from reka_clips.engine.media.text.subtitles import tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reka_clips.engine.media.analyze.analyze import Span
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

MODEL_SETTING: Final = "REKA_CLIPS_WHISPER_MODEL"
INSTALL_COMMAND: Final = 'pip install "reka-clips-mcp[captions]"'
# What faster-whisper is called with; tests/release holds both to its signatures.
MODEL_OPTIONS: Final = MappingProxyType({"device": "cpu", "compute_type": "int8", "local_files_only": True})
TRANSCRIBE_OPTIONS: Final = MappingProxyType({"word_timestamps": True, "vad_filter": True})


def problem_with_model(folder: Path) -> str | None:
    """Return why captions cannot be made from speech with this model, as a sentence; None if they can."""
    missing = missing_file(folder)
    if missing is not None:
        return f"{MODEL_SETTING} names no folder with a faster-whisper model: {missing} is not in it."
    if not is_installed():
        return f"{MODEL_SETTING} is set, but faster-whisper is not installed."
    return None


def remedy(folder: Path | None) -> str:
    """Return what is left to do to have speech recognised. folder: of the model, as the user set it."""
    steps: list[str] = []
    if not is_installed():
        steps.append(f"install faster-whisper ({INSTALL_COMMAND})")
    if folder is None or missing_file(folder) is not None:
        steps.append(f"set {MODEL_SETTING} to the folder of a faster-whisper model")
    return f"{' and '.join(steps)}, then restart the server"


async def recognise(ffmpeg: Ffmpeg, span: Span, model: Path, *, report: Callable[[float], None]) -> tuple[Cue, ...]:
    """Return what is said in a stretch, in source seconds, word by word; empty for a source without sound.

    report: gets the rising share done, 0 to 1. When cancelled, the model stops after the phrase it is at.
    Raises MediaError when the sound cannot be decoded or the model cannot be loaded.
    """
    if span.info.audio is None:
        return ()
    stop = Event()
    with tempfile.TemporaryDirectory(dir=span.scratch, prefix=".speech-", ignore_cleanup_errors=True) as name:
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
