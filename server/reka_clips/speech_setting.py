"""What `REKA_CLIPS_WHISPER_MODEL` can say: which speech model captions are made with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

# Whole megabytes that a model's files take, as the hub listed them in November 2026.
SIZES_MB: Final = MappingProxyType(
    {
        "tiny": 78,
        "tiny.en": 78,
        "base": 148,
        "base.en": 148,
        "small": 486,
        "small.en": 486,
        "medium": 1530,
        "medium.en": 1530,
        "large-v3": 3090,
        "turbo": 1620,
    }
)
_AUTO: Final = "auto"
_OFF: Final = "off"
_OFF_WORDS: Final = frozenset({_OFF, "0", "false", "no", "none"})


@dataclass(frozen=True, slots=True)
class SpeechSetting:
    """What `REKA_CLIPS_WHISPER_MODEL` asks for: a folder, a size, `auto`, or nothing (`off`)."""

    size: str | None = _AUTO
    folder: Path | None = None

    def __str__(self) -> str:
        """Return the setting as one would write it."""
        return str(self.folder or self.size or _OFF)

    @property
    def is_off(self) -> bool:
        return self.size is None and self.folder is None

    @classmethod
    def parse(cls, text: str) -> SpeechSetting:
        """Read the setting. Raises ValueError, with a sentence, for a relative path or an unknown size."""
        word = text.strip()
        if word.lower() in _OFF_WORDS:
            return cls(size=None)
        if not word or word.lower() == _AUTO:
            return cls()
        if word.lower() in SIZES_MB:
            return cls(size=word.lower())
        folder = Path(word)
        if word.startswith("~"):
            try:
                folder = folder.expanduser()
            except RuntimeError:
                raise ValueError(f"{word} starts with a home directory that does not exist") from None
        if not folder.is_absolute():
            sizes = ", ".join(SIZES_MB)
            raise ValueError(f"{word} is not one of auto, off, {sizes}, nor the absolute path of a folder")
        return cls(size=None, folder=folder)
