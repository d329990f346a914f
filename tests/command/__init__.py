"""The installed command as a process, and the SDK's own client to talk to it, for tests."""

from command.clients import ERAS, MODERN, Progress, connect, text_of
from command.process import CommandProcess, ScriptedUpstream, free_port

__all__ = [
    "ERAS",
    "MODERN",
    "CommandProcess",
    "Progress",
    "ScriptedUpstream",
    "connect",
    "free_port",
    "text_of",
]
