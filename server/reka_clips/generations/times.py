"""Upstream's points in time. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def seconds_since_1970(text: str | None) -> float | None:
    """Return an ISO 8601 time as seconds since 1970, or None if there is none. Without a zone it is UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
