"""Why a generation failed: in plain words for people, in the log for what they need not see."""

from __future__ import annotations

import errno
import logging
from typing import Final, cast

from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.store.sqlite import is_full
from reka_clips.errors import RekaClipsError

DISK_FULL_MESSAGE: Final = "The disk is full: free some space where the clips are kept, then try again."
NO_MEMORY_MESSAGE: Final = "There is not enough memory to handle this video."
_UNEXPECTED_MESSAGE: Final = "The engine failed on this video because of an internal error; its log has the details."

logger = logging.getLogger(__name__)


def innermost(error: Exception) -> Exception:
    """Return the one error inside a group, however deep; of several, the first."""
    while isinstance(error, ExceptionGroup):
        error = cast("ExceptionGroup[Exception]", error).exceptions[0]
    return error


def reason(error: Exception, generation_id: str) -> str:
    """Return in plain words why a generation failed, and log what people need not see."""
    error = innermost(error)
    if isinstance(error, RekaClipsError):
        detail = error.detail if isinstance(error, MediaError) else ""
        logger.info("Generation %s failed: %s %s", generation_id, error, detail)
        return str(error)
    if isinstance(error, MemoryError):
        logger.warning("Generation %s failed: it needed too much memory.", generation_id)
        return NO_MEMORY_MESSAGE
    if is_full(error) or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)):
        logger.warning("Generation %s failed: %s", generation_id, error)
        return DISK_FULL_MESSAGE
    if isinstance(error, OSError):
        logger.warning("Generation %s failed: %s", generation_id, error)
        return f"The clips could not be written to disk ({error.strerror or type(error).__name__})."
    logger.error("Generation %s failed.", generation_id, exc_info=error)
    return _UNEXPECTED_MESSAGE
