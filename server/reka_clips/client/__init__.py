"""Talks to a Clip API: Reka's, or the engine's. Knows HTTP; knows nothing of generations or of MCP."""

from reka_clips.client.backend import EMBEDDED, REKA, Backend, BackendName, served_nearby
from reka_clips.client.clips import ClipClient, Retries, is_temporary, retry_after_seconds
from reka_clips.client.connections import ConnectionPool
from reka_clips.client.stream import ClipStream

__all__ = [
    "EMBEDDED",
    "REKA",
    "Backend",
    "BackendName",
    "ClipClient",
    "ClipStream",
    "ConnectionPool",
    "Retries",
    "is_temporary",
    "retry_after_seconds",
    "served_nearby",
]
