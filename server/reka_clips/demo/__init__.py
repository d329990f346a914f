"""`reka-clips-mcp demo`: the whole way once, as an agent would go it, where a person can watch."""

from reka_clips.demo.command import run

__all__ = ["run"]
