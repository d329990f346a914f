"""Speech to text with faster-whisper: which model, what is missing for it, and what is said."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from anyio import from_thread, to_thread

from reka_clips.engine.media.ffmpeg.decode import decode_speech
from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.media.languages import base_language, language_name
from reka_clips.engine.media.plan import Cue, Word
from reka_clips.engine.media.text.speech_model import SpeechModels, choose_size, is_installed, missing_file
from reka_clips.engine.media.text.subtitles import tidy
from reka_clips.speech_setting import SIZES_MB, SpeechSetting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reka_clips.engine.media.analyze.analyze import Span
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

MODEL_SETTING: Final = "REKA_CLIPS_WHISPER_MODEL"
INSTALL_COMMAND: Final = 'pip install "reka-clips-mcp[captions]"'
MIN_LANGUAGE_PROBABILITY: Final = 0.5
# What faster-whisper is called with; tests/release holds both to its signatures. The language is asked of the first
# half minute with speech, and where that leaves it unsure, of up to three more.
MODEL_OPTIONS: Final = MappingProxyType({"device": "cpu", "compute_type": "int8", "local_files_only": True})
TRANSCRIBE_OPTIONS: Final = MappingProxyType(
    {
        "word_timestamps": True,
        "vad_filter": True,
        "language_detection_segments": 4,
        "language_detection_threshold": MIN_LANGUAGE_PROBABILITY,
    }
)
_HOLD: Final = Fraction(1, 4)  # Whisper ends last words some 0.22 to 0.26 s early


@dataclass(frozen=True, slots=True)
class Recognizer:
    """What turns speech into text on this machine. setting: as the user made it; data_dir: where models are kept."""

    setting: SpeechSetting
    data_dir: Path

    def problem(self) -> str | None:
        """Return why there are no captions from speech, as a sentence; None if there are, perhaps after a download."""
        if self.setting.is_off:
            return "Speech recognition is off."
        if not is_installed():
            return "Speech recognition needs the package faster-whisper, which is not installed."
        if self.setting.folder is not None and (missing := missing_file(self.setting.folder)) is not None:
            return f"{MODEL_SETTING} names no folder with a faster-whisper model: {missing} is not in it."
        return None

    def remedy(self) -> str:
        """Return what is left to do to have speech recognised, to follow on from "To get text, "."""
        steps: list[str] = []
        if not is_installed():
            steps.append(f"install faster-whisper ({INSTALL_COMMAND})")
        if self.setting.is_off or (self.setting.folder is not None and missing_file(self.setting.folder) is not None):
            steps.append(f"set {MODEL_SETTING} to auto")
        return f"{' and '.join(steps)}, then restart the server"

    def state(self) -> str:
        """Return what the model is and whether it is here, as a sentence; for a setting without a problem."""
        if self.setting.folder is not None:
            return f"On, with the model in {self.setting.folder}."
        present = SpeechModels(self.data_dir).present()
        wanted = choose_size(None, present=present, **_machine()) if self.setting.size == "auto" else self.setting.size
        assert wanted is not None  # noqa: S101 - neither off nor a folder
        if wanted in present:
            return f"On, with the model {wanted}."
        return f"On; the model {wanted} ({SIZES_MB[wanted]} MB) is fetched when it is first needed."

    async def model(self, language: str, detail: Callable[[str | None], None], *, may_fetch: bool) -> Path | None:
        """Return the folder of the model for a film, fetched if need be; None where it is not here and may not be.

        language: tag of the film's sound, or empty. detail: gets what is fetched, then None.
        Raises ModelUnavailableError.
        """
        if self.setting.folder is not None:
            return self.setting.folder
        models = SpeechModels(self.data_dir)
        size = self.setting.size or ""
        if size == "auto":
            size = choose_size(base_language(language) or None, present=models.present(), **_machine())

        def fetch() -> Path:
            return models.fetch(size, report=lambda words: from_thread.run_sync(detail, words))

        found = models.find(size)
        if found is not None or not may_fetch:
            return found
        try:
            return await to_thread.run_sync(fetch)
        finally:
            detail(None)


def _machine() -> dict[str, Any]:
    count = getattr(os, "process_cpu_count", os.cpu_count)() or 1
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        memory = None
    return {"cpus": count, "memory_bytes": memory}


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
            return tidy(_held(await to_thread.run_sync(work, abandon_on_cancel=True)))
        finally:
            stop.set()


def _held(cues: Sequence[Cue]) -> list[Cue]:
    """Return the cues with their last words held a bit longer, up to the next cue."""
    held: list[Cue] = []
    for cue, following in pairwise([*cues, None]):
        assert cue is not None  # noqa: S101 - only the last of a pair is
        end = cue.end + _HOLD if following is None else max(cue.end, min(cue.end + _HOLD, following.start))
        words = (*cue.words[:-1], replace(cue.words[-1], end=max(cue.words[-1].end, end))) if cue.words else ()
        held.append(replace(cue, end=end, words=words))
    return held


def _transcribe(model: Path, sound: Path, offset: Fraction) -> Iterator[Cue]:
    from faster_whisper import WhisperModel  # pyright: ignore[reportMissingImports, reportMissingTypeStubs, reportUnknownVariableType]

    try:
        model_class = cast("Any", WhisperModel)
        whisper = model_class(str(model), **MODEL_OPTIONS)
        segments, info = whisper.transcribe(str(sound), **TRANSCRIBE_OPTIONS)
        is_sure = not whisper.model.is_multilingual or info.language_probability >= MIN_LANGUAGE_PROBABILITY
        for segment in segments:
            text = segment.text.strip()
            if not text or segment.end <= segment.start:
                continue
            if not is_sure:
                raise MediaError(
                    "Speech was heard, but not clearly enough to tell its language "
                    f"({language_name(info.language)}, perhaps), so there are no captions from it."
                )
            words = _glued(
                (offset + _exact(word.start), offset + _exact(word.end), word.word) for word in segment.words or ()
            )
            yield Cue(offset + _exact(segment.start), offset + _exact(segment.end), text, words)
    except (RuntimeError, ValueError, OSError) as error:
        raise MediaError(
            "The speech model could not be used; check REKA_CLIPS_WHISPER_MODEL.", detail=str(error)
        ) from error


def _glued(parts: Iterable[tuple[Fraction, Fraction, str]]) -> tuple[Word, ...]:
    """Return the words that a model heard, as they are written: " 7", ".8" and "%" are one word, "7.8%".

    parts: start, end and text of each; a space in front of the text begins a word. In scripts that are written without
    spaces every part is a word of its own.
    """
    words: list[Word] = []
    for start, end, text in parts:
        shown = text.strip()
        if not shown or end <= start:
            continue
        if words and not text[0].isspace() and shown.isascii():
            words[-1] = replace(words[-1], end=end, text=words[-1].text + shown)
        else:
            words.append(Word(start, end, shown))
    return tuple(words)


def _exact(seconds: float) -> Fraction:
    return Fraction(round(seconds * 1000), 1000)
