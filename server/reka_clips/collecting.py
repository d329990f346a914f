"""The garbage collector while a server starts."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Generator[None]:
    """Keep the garbage collector off within the block, and what it made out of every later collection.

    Imports and definitions make many objects that live as long as the process and hardly any garbage: looking
    through them again and again takes a fifth of the start, and later a pause of every full collection.
    Source: measured, docs/benchmarks.md.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
