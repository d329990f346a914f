"""`reka-clips-mcp doctor`: what is in place, what is missing, and how to fix it."""

from reka_clips.doctor.command import run

__all__ = ["run"]
