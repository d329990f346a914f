"""`reka-clips-mcp captions`: which speech model this machine has, and fetching one before it is needed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from reka_clips.engine.media.text.speech_model import (
    HOW_TO_FETCH,
    NOT_INSTALLED,
    ModelUnavailableError,
    SpeechModels,
    is_installed,
)

if TYPE_CHECKING:
    from reka_clips.settings import Settings


def run(settings: Settings, *, size: str | None) -> int:
    """Fetch the model of a size, or say which models are here where it is None; return the exit code."""
    models = SpeechModels(settings.data_dir)
    if size is None:
        present = models.present()
        if not is_installed():
            print(NOT_INSTALLED)
        print(f"Speech models on this machine: {', '.join(present)}." if present else "No speech model is here yet.")
        print(f"A model is fetched when it is first needed, or now with: {HOW_TO_FETCH} [SIZE]")
        return 0
    last = ""

    def report(message: str) -> None:
        nonlocal last
        if message != last:
            last = message
            print(f"\r{message}", end="", file=sys.stderr, flush=True)

    try:
        folder = models.fetch(size, report=report)
    except ModelUnavailableError as error:
        print(f"\n{error}" if last else str(error), file=sys.stderr)
        return 1
    if last:
        print(file=sys.stderr)
    print(f"The speech model {size} is ready: {folder}")
    return 0
