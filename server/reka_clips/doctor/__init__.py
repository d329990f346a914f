"""`reka-clips-mcp doctor`: what is in place, what is not, and how to mend it."""

from reka_clips.doctor.command import run

__all__ = ["run"]
